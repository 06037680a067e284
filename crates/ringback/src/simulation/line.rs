//! A node's line to the simulated database: a store of which every call takes time and may be lost.
//!
//! A statement that was sent is carried out whether or not its node still runs; its answer may not find anybody, or get
//! lost on the way. A transaction of several statements holds its locks from the first to the last, however long its node
//! stands still in between.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{
    database::{Database, Lock},
    panic_perhaps,
    world::{Fate, Kind, Statement, World},
};
use crate::{
    attempt::Attempt,
    audit::Entry,
    delivery::{Due, LaneId, Shard},
    endpoint::StoredEndpoint,
    event::{Event, NewEvent},
    id::{DeliveryId, EndpointId, EventId, ExpungeId, ReplayId, SessionId, TokenId},
    store::{
        Acceptance, Accepted, Audit, AuditFilter, AuditPosition, AuditRow, Backlog, Changes, Claimed, Configuration,
        Created, Cursor, DeadGroups, DeliveryFilter, DeliveryRow, EndpointAsOf, EndpointFilter, Error, EventFilter,
        EventRow, EventToAccept, ExpungeRow, ExpungeToCreate, Expunging, FeedPage, Floor, Group, GroupFilter, Hold,
        Intake, Keys, LeaseKeeper, Leases, Ledger, Liveness, LoadedEvent, NodeId, Once, OnceName, Operations, Outbox,
        OutboxPage, PATIENCE_WITH_LOCKS, Page, PayloadRead, PendingLane, RecentAttempt, Recorded, Renewal,
        ReplayListFilter, ReplayOf, ReplayOne, ReplayRow, ReplayScope, ReplayToCreate, Resealed, Result, Retention,
        RoutedEvent, Sealed, SealedDestinations, Sessions, ShardMap, Span, Step, Tokens, Updated, Upkeep, Work,
    },
    time::Timestamp,
    token::Token,
};

/// One node's line.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) node: usize,
    /// Connections are made anew by raising this: those before it may be dead.
    generation: Arc<AtomicU64>,
}

fn unavailable(why: &str) -> Error {
    Error::Unavailable(why.into())
}

/// Of a node with a defect one of so many statements panics before it is sent, and one when it is answered.
const STATEMENTS: u32 = 40;

/// What carrying out a statement comes to; `None` while it waits for a lock.
type Carried<T> = Option<Result<T>>;

impl Line {
    pub(super) fn of(node: usize, world: &Arc<Mutex<World>>) -> Self {
        Self { world: Arc::clone(world), node, generation: Arc::default() }
    }

    /// Sends a statement over a connection that was made in this `generation`.
    async fn send<T: Send + 'static>(
        &self,
        generation: u64,
        kind: Kind,
        mut carry_out: impl FnMut(&mut Database) -> Carried<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let mut answer = Some(answer);
        let statement = move |database: &mut Database, fate: Fate| {
            // A connection that waits for a lock is closed with whoever waits: nothing comes of its statement.
            if kind == Kind::Begin && answer.as_ref().is_none_or(oneshot::Sender::is_closed) {
                return true;
            }
            let carried = match fate {
                Fate::Refused(why) => Some(Err(unavailable(why))),
                Fate::CarriedOut | Fate::AnswerLost => carry_out(database),
            };
            let Some(carried) = carried else { return false };
            if let Some(answer) = answer.take().filter(|_| !matches!(fate, Fate::AnswerLost)) {
                // A node that was killed does not listen.
                let _ = answer.send(carried);
            }
            true
        };
        panic_perhaps(STATEMENTS);
        self.world.lock().send(Statement::new(self.node, generation, kind, Box::new(statement)));
        let answer = answered.await.unwrap_or_else(|_| Err(unavailable("the connection was reset")));
        panic_perhaps(STATEMENTS);
        answer
    }

    async fn read<T: Send + 'static>(&self, read: impl Fn(&mut Database) -> T + Send + 'static) -> Result<T> {
        self.send(self.generation.load(Ordering::Relaxed), Kind::Read, move |database| Some(Ok(read(database)))).await
    }

    async fn write<T: Send + 'static>(&self, write: impl Fn(&mut Database) -> T + Send + 'static) -> Result<T> {
        self.send(self.generation.load(Ordering::Relaxed), Kind::Write, move |database| Some(Ok(write(database)))).await
    }

    /// A transaction that takes `locks` at first and writes at last; `read` is what the first statement sees.
    async fn transact<R: Clone + Send + 'static, T: Send + 'static>(
        &self,
        locks: BTreeSet<Lock>,
        read: impl Fn(&mut Database) -> R + Send + 'static,
        write: impl Fn(&mut Database, R) -> T + Send + 'static,
    ) -> Result<T> {
        let (generation, node) = (self.generation.load(Ordering::Relaxed), self.node);
        let begun = self.send(generation, Kind::Begin, move |database| {
            let transaction = database.begin(node, locks.clone())?;
            Some(Ok((transaction, read(database))))
        });
        let (id, seen) = match tokio::time::timeout(PATIENCE_WITH_LOCKS, begun).await {
            Ok(begun) => begun?,
            Err(_) => return Err(unavailable("canceling statement due to lock timeout")),
        };
        let open = Open { world: Arc::clone(&self.world), id };
        let ended = self.send(generation, Kind::Write, move |database| {
            Some(if database.end(id) {
                Ok(write(database, seen.clone()))
            } else {
                Err(unavailable("terminating connection due to idle-in-transaction timeout"))
            })
        });
        let ended = ended.await;
        drop(open);
        ended
    }
}

/// A transaction whose connection is dropped is rolled back.
struct Open {
    world: Arc<Mutex<World>>,
    id: u64,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.world.lock().database.end(self.id);
    }
}

#[async_trait::async_trait]
impl Intake for Line {
    async fn config_version(&self) -> Result<i64> {
        self.read(|database| database.config_version()).await
    }

    async fn accept(&self, groups: &[Group], _: Duration) -> Result<Vec<Acceptance>> {
        let groups = groups.to_vec();
        let stored = |event: &EventToAccept| Event {
            id: event.id,
            seq: 0,
            tenant: event.tenant.clone(),
            event_type: event.event_type.clone(),
            key: event.key.clone(),
            ordering_key: event.ordering_key.clone(),
            idempotency_key: event.idempotency_key.clone(),
            occurred_at: event.occurred_at,
            endpoint_keys: event.endpoint_keys.clone(),
            destination: event.destination.clone(),
            test: event.test,
            unreadable: None,
        };
        let write = move |database: &mut Database, due_at: Timestamp| {
            let mut accept = |event: &EventToAccept| {
                let due = database.accept(stored(event), event.payload.clone(), &event.routing.verdict, due_at);
                Accepted::New(due)
            };
            groups.iter().map(|group| group.events.iter().map(&mut accept).collect()).collect()
        };
        self.transact(BTreeSet::new(), |database| database.clock(), write).await
    }
}

#[async_trait::async_trait]
impl Outbox for Line {
    async fn read_outbox(&self, floor: Floor, limit: u32) -> Result<OutboxPage> {
        self.read(move |database| database.read_outbox(floor, limit)).await
    }

    async fn record_routing(&self, events: &[RoutedEvent], _: Duration) -> Result<Vec<Due>> {
        let events = events.to_vec();
        let locks = events.iter().map(|routed| Lock::Pointer(routed.pointer)).collect();
        let write = move |database: &mut Database, due_at: Timestamp| {
            let mut route =
                |routed: &RoutedEvent| database.route(routed.pointer, routed.event.id, &routed.routing.verdict, due_at);
            events.iter().flat_map(&mut route).collect()
        };
        self.transact(locks, |database| database.clock(), write).await
    }

    async fn emit(&self, _: &NewEvent) -> Result<EventId> {
        Err(unavailable("callers of the simulation have transactions of their own"))
    }
}

#[async_trait::async_trait]
impl Work for Line {
    async fn feed(&self, cursors: &[(Shard, Cursor)], limit: u32) -> Result<FeedPage> {
        let cursors = cursors.to_vec();
        self.read(move |database| database.feed(&cursors, limit)).await
    }

    async fn feed_lanes(&self, lanes: &[(LaneId, Cursor)], limit: u32) -> Result<FeedPage> {
        let lanes = lanes.to_vec();
        self.read(move |database| database.feed_lanes(&lanes, limit)).await
    }

    async fn pending_lanes(&self, after: Option<LaneId>, limit: u32) -> Result<Vec<PendingLane>> {
        self.read(move |database| database.pending_lanes(after, limit)).await
    }

    async fn heads(&self, _: &[(LaneId, Box<str>)]) -> Result<FeedPage> {
        // No endpoint of the simulation is ordered.
        self.read(|database| FeedPage { now: database.clock(), rows: Vec::new() }).await
    }

    async fn load_events(&self, ids: &[EventId]) -> Result<Vec<LoadedEvent>> {
        let ids = ids.to_vec();
        self.read(move |database| database.load_events(&ids)).await
    }

    async fn record(&self, outcomes: &[Recorded]) -> Result<Vec<bool>> {
        let outcomes = outcomes.to_vec();
        self.write(move |database| outcomes.iter().map(|outcome| database.record(outcome)).collect()).await
    }

    async fn find_untried(&self, deliveries: &[(DeliveryId, i32)]) -> Result<Vec<DeliveryId>> {
        let deliveries = deliveries.to_vec();
        self.read(move |database| database.find_untried(&deliveries)).await
    }

    async fn set_holds(&self, node: NodeId, holds: &[Hold]) -> Result<()> {
        let holds = holds.to_vec();
        self.write(move |database| database.set_holds(node, &holds)).await
    }

    async fn load_holds(&self, shards: &[Shard]) -> Result<Vec<Hold>> {
        let shards = shards.to_vec();
        self.read(move |database| database.load_holds(&shards)).await
    }
}

#[async_trait::async_trait]
impl Leases for Line {
    async fn register_node(&self, lease: Duration) -> Result<Option<NodeId>> {
        let node = self.world.lock().fresh_node(self.node);
        self.write(move |database| database.register(node, lease)).await?;
        Ok(Some(node))
    }

    async fn lease_keeper(&self) -> Result<Box<dyn LeaseKeeper>> {
        Ok(Box::new(Keeper { line: Self::of(self.node, &self.world), renewals: 0, timeline: None }))
    }

    async fn shard_map(&self) -> Result<ShardMap> {
        self.read(|database| database.shard_map()).await
    }

    async fn claim_shards(&self, node: NodeId, wanted: &[Shard]) -> Result<Vec<Claimed>> {
        let locks = wanted.iter().map(|shard| Lock::Shard(*shard)).collect();
        let wanted = wanted.to_vec();
        self.transact(locks, |_| (), move |database, ()| database.claim(node, &wanted)).await
    }

    async fn release_shards(&self, node: NodeId, shards: &[Claimed]) -> Result<()> {
        let shards = shards.to_vec();
        self.write(move |database| database.release(node, &shards)).await
    }
}

/// Keeps a lease over a connection of its own.
struct Keeper {
    line: Line,
    renewals: i64,
    timeline: Option<u32>,
}

/// What a renewal is given before its connection counts as broken.
const PATIENCE: Duration = Duration::from_secs(4);

impl Keeper {
    async fn within<T>(&self, answer: impl Future<Output = Result<T>>) -> Result<T> {
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        let answer = answer.unwrap_or_else(|_| Err(unavailable("no answer")));
        if answer.is_err() {
            self.line.generation.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }
}

#[async_trait::async_trait]
impl LeaseKeeper for Keeper {
    async fn renew(&mut self, node: NodeId, lease: Duration) -> Result<Renewal> {
        let renew = self.line.write(move |database| (database.renew(node, lease), database.timeline));
        let (renewals, timeline) = self.within(renew).await?;
        if self.timeline.replace(timeline).is_some_and(|before| before != timeline) {
            return Ok(Renewal::OtherPast("another timeline".to_owned()));
        }
        let Some(renewals) = renewals else { return Ok(Renewal::Ended) };
        if renewals <= self.renewals {
            return Ok(Renewal::OtherPast("fewer renewals than there were".to_owned()));
        }
        self.renewals = renewals;
        Ok(Renewal::Renewed)
    }

    async fn leave(&mut self, node: NodeId, shards: &[Claimed]) -> Result<()> {
        let shards = shards.to_vec();
        self.within(self.line.write(move |database| database.leave(node, &shards))).await
    }
}

#[async_trait::async_trait]
impl Configuration for Line {
    async fn changes_since(&self, version: i64) -> Result<Changes> {
        self.read(move |database| database.changes_since(version)).await
    }

    async fn load_endpoints(&self, filter: &EndpointFilter) -> Result<Vec<StoredEndpoint>> {
        let filter = filter.clone();
        let is_meant = move |endpoint: &StoredEndpoint| match &filter {
            EndpointFilter::Ids(ids) => ids.contains(&endpoint.id),
            EndpointFilter::Live | EndpointFilter::Page { .. } => true,
        };
        self.read(move |database| {
            database.tables.endpoints.values().rev().filter(|endpoint| is_meant(endpoint)).cloned().collect()
        })
        .await
    }

    async fn endpoint_by_key(&self, _: &str, _: &str) -> Result<Option<StoredEndpoint>> {
        Err(unavailable("no endpoint of the simulation has a key"))
    }

    async fn create_endpoint(&self, endpoint: &StoredEndpoint, _: u32, _: Option<&Once>, _: &Entry) -> Result<Updated> {
        let endpoint = endpoint.clone();
        let locks = BTreeSet::from([Lock::Configuration]);
        let write = move |database: &mut Database, ()| Updated::Done(Box::new(database.put_endpoint(endpoint.clone())));
        self.transact(locks, |_| (), write).await
    }

    async fn update_endpoint(&self, endpoint: &StoredEndpoint, _: &Entry) -> Result<Updated> {
        let endpoint = endpoint.clone();
        let write = move |database: &mut Database, ()| {
            let version = database.tables.endpoints.get(&endpoint.id).map(|before| before.version);
            if version == Some(endpoint.version) {
                Updated::Done(Box::new(database.put_endpoint(endpoint.clone())))
            } else {
                Updated::VersionMismatch
            }
        };
        self.transact(BTreeSet::from([Lock::Configuration]), |_| (), write).await
    }

    async fn delete_endpoint(&self, _: EndpointId, _: Option<i64>, _: &Entry) -> Result<Updated> {
        Err(unavailable("no endpoint of the simulation is deleted"))
    }

    async fn disable_gone(&self, _: EndpointId, _: i64, _: &Entry) -> Result<()> {
        Err(unavailable("no receiver of the simulation answers 410"))
    }

    async fn endpoints_as_of(&self, _: &str, _: i64, _: u32) -> Result<Vec<EndpointAsOf>> {
        Err(unavailable("nobody asks in the simulation"))
    }

    async fn keep_setting(&self, name: &str, value: &[u8]) -> Result<Vec<u8>> {
        let (name, value) = (name.to_owned(), value.to_vec());
        self.write(move |database| {
            database.tables.settings.entry(name.clone()).or_insert_with(|| value.clone()).clone()
        })
        .await
    }

    async fn put_setting(&self, name: &str, value: &[u8]) -> Result<()> {
        let (name, value) = (name.to_owned(), value.to_vec());
        self.write(move |database| {
            database.tables.settings.insert(name.clone(), value.clone());
        })
        .await
    }

    async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let name = name.to_owned();
        self.read(move |database| database.tables.settings.get(&name).cloned()).await
    }
}

#[async_trait::async_trait]
impl Upkeep for Line {
    async fn clock(&self) -> Result<Timestamp> {
        self.read(|database| database.clock()).await
    }

    async fn expire_held(&self, expires_after: Duration) -> Result<u64> {
        self.write(move |database| database.expire_held(expires_after)).await
    }

    async fn take_step(&self, _: Step, _: &Retention) -> Result<bool> {
        self.read(|_| false).await
    }
}

#[async_trait::async_trait]
impl Liveness for Line {
    fn distrust(&self, _: std::time::Instant) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    async fn probe(&self) -> Result<()> {
        self.write(|_| ()).await
    }
}

/// What the simulated life does not come to, and what there is none of in it.
macro_rules! unasked {
    ($($stage:ident {
        $($name:ident($($type:ty),*) -> $answer:ty;)+
        $(; none $empty:ident -> $list:ty;)?
    })+) => {
        $(#[async_trait::async_trait]
        impl $stage for Line {
            $(async fn $name(&self, $(_: $type),*) -> Result<$answer> {
                Err(unavailable("nobody asks in the simulation"))
            })+
            $(async fn $empty(&self) -> Result<$list> {
                self.read(|_| Vec::new()).await
            })?
        })+
    };
}

unasked! {
    Operations {
        check_ready() -> ();
        list_events(&EventFilter, Option<EventId>, u32) -> Page<EventRow, EventId>;
        keys_near(Option<&str>, &str, u32) -> Vec<String>;
        event(EventId) -> Option<EventRow>;
        payload(EventId) -> PayloadRead;
        list_deliveries(&DeliveryFilter, Option<DeliveryId>, u32) -> Page<DeliveryRow, DeliveryId>;
        delivery(DeliveryId) -> Option<DeliveryRow>;
        attempts(DeliveryId) -> Vec<Attempt>;
        list_dead_letters(&DeliveryFilter, Option<(Timestamp, DeliveryId)>, u32) -> Page<DeliveryRow, (Timestamp, DeliveryId)>;
        group_dead_letters(&GroupFilter, u32) -> DeadGroups;
        discard_dead_letter(DeliveryId, &Entry) -> bool;
        replay_one(DeliveryId, ReplayOf, &Entry) -> ReplayOne;
        create_replay(&ReplayToCreate, &Entry) -> Created;
        replay(ReplayId) -> Option<ReplayRow>;
        list_replays(&ReplayListFilter<'_>, Option<ReplayId>, u32) -> Page<ReplayRow, ReplayId>;
        cancel_replay(ReplayId, &Entry) -> Option<ReplayRow>;
        release_replayed(ReplayId, &ReplayScope, u32) -> u32;
        ledger(Option<&str>, Span) -> Ledger;
        backlog(u32) -> Backlog;
        oldest_due() -> Option<Duration>;
        recent_attempts(EndpointId, Timestamp, u32) -> Vec<RecentAttempt>;
        ; none running_replays -> Vec<ReplayId>;
    }
    Expunging {
        expunge(EventId, Keys, &Entry) -> bool;
        create_expunge(&ExpungeToCreate, &Entry) -> ExpungeRow;
        expunge_of_many(ExpungeId) -> Option<ExpungeRow>;
        expunge_next(ExpungeId, u32) -> bool;
        ; none running_expunges -> Vec<ExpungeId>;
    }
    Sealed {
        sealed_endpoints(Option<EndpointId>, u32) -> Vec<(EndpointId, Vec<u8>)>;
        reseal_endpoints(&[Resealed<EndpointId, Vec<u8>>]) -> u64;
        sealed_destinations(Option<EventId>, u32) -> SealedDestinations;
        reseal_destinations(&[Resealed<EventId, String>]) -> u64;
        sealed_requests(Option<&OnceName>, u32) -> Vec<(OnceName, Vec<u8>)>;
        reseal_requests(&[Resealed<OnceName, Vec<u8>>]) -> u64;
        replace_setting(&str, &[u8], &[u8], &Entry) -> bool;
    }
    Tokens {
        create_token(&Token, &Entry) -> ();
        list_tokens() -> Vec<Token>;
        valid_token(TokenId) -> Option<Token>;
        revoke_token(TokenId, &Entry) -> Option<Token>;
        note_token_use(TokenId) -> ();
    }
    Sessions {
        end_session(SessionId, Timestamp) -> ();
        is_session_ended(SessionId) -> bool;
    }
    Audit {
        list_audit(&AuditFilter, Option<AuditPosition>, u32) -> Page<AuditRow, AuditPosition>;
    }
}

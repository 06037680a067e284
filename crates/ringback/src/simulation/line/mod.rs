//! A node's line to the simulated database: a store of which every call takes time and may be lost.
//!
//! A statement that was sent is carried out whether or not its node still runs; its answer may not find anybody, or get
//! lost on the way. A transaction of several statements holds its locks from the first to the last, however long its node
//! stands still in between.

mod configuration;
mod leases;
mod unasked;

use std::{
    collections::{BTreeSet, HashMap},
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
    delivery::{Due, LaneId, Shard},
    event::{Event, NewEvent},
    id::{DeliveryId, EventId},
    store::{
        Acceptance, Accepted, Cursor, Error, EventToAccept, FeedPage, Floor, Group, Hold, Intake, LoadedEvent, NodeId,
        Outbox, OutboxPage, PATIENCE_WITH_LOCKS, PendingLane, Recorded, RecordedRouting, Result, RoutedAs, RoutedEvent,
        Work,
    },
    time::Timestamp,
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
            trace: event.trace.clone(),
            schedule: event.schedule,
            metadata: event.metadata.clone(),
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

    async fn record_routing(&self, events: &[RoutedEvent], _: Duration) -> Result<RecordedRouting> {
        let events = events.to_vec();
        let locks = events.iter().map(|routed| Lock::Pointer(routed.pointer)).collect();
        let write = move |database: &mut Database, due_at: Timestamp| {
            let (mut due, mut found) = (Vec::new(), HashMap::new());
            for RoutedEvent { pointer, event, routing } in &events {
                if let Some(owed) = database.route(*pointer, event.id, &routing.verdict, due_at) {
                    due.extend(owed);
                    found.insert(event.id, RoutedAs::Stored);
                }
            }
            RecordedRouting::of(&events, due, &found)
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

    /// No event of the simulation expires by itself.
    async fn find_overdue(&self, _: &[Shard], _: u32) -> Result<Vec<(Due, String)>> {
        self.read(|_| Vec::new()).await
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

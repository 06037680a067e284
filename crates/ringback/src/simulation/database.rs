//! The simulated database: what is committed, who holds locks, and what its clock shows.
//!
//! It keeps what the traits of a store say it keeps and no more. Everything is in order of its key, so that the same seed
//! sees the same rows in the same order.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;

use crate::{
    delivery::{DeadReason, Due, LaneId, SHARDS, Shard},
    event::Event,
    id::{DeliveryId, EndpointId, EventId},
    store::{
        Change, Changes, Claimed, Cursor, FeedPage, Floor, Hold, LoadedEvent, NodeId, OpenRequest, OutboxPage,
        PATIENCE_WITH_LOCKS, PendingLane, Pointer, Recorded, Settlement, ShardMap, StoredEndpoint, UnroutedEvent,
        Verdict,
    },
    time::Timestamp,
};

/// When the simulated world begins.
pub(super) const BEGINNING: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// What a transaction may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lock {
    Pointer(Pointer),
    Shard(Shard),
    Configuration,
}

/// A transaction under way.
#[derive(Debug, Clone)]
pub(super) struct Transaction {
    pub(super) node: usize,
    locks: BTreeSet<Lock>,
    /// When its last statement ended.
    idle_since: Duration,
}

/// A registered node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Registered {
    until: Timestamp,
    length: Duration,
    renewals: i64,
}

/// A hold as it is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeptHold {
    pub(super) hold: Hold,
    pub(super) since: Timestamp,
}

/// What is committed.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    pub(super) events: BTreeMap<EventId, (Event, Bytes)>,
    outbox: BTreeMap<Pointer, EventId>,
    pub(super) deliveries: BTreeMap<DeliveryId, Due>,
    pub(super) finished: BTreeSet<DeliveryId>,
    pub(super) dead: BTreeMap<DeliveryId, DeadReason>,
    /// Attempts that were recorded, and whether they counted.
    attempts: BTreeMap<(DeliveryId, i32, Timestamp), bool>,
    pub(super) holds: BTreeMap<LaneId, KeptHold>,
    pub(super) nodes: BTreeMap<NodeId, Registered>,
    owners: BTreeMap<Shard, NodeId>,
    handed_over: BTreeMap<Shard, Vec<OpenRequest>>,
    pub(super) endpoints: BTreeMap<EndpointId, StoredEndpoint>,
    /// When each endpoint last changed, in the world's time.
    changed: BTreeMap<EndpointId, Duration>,
    config_version: i64,
    changes: Vec<(i64, Change)>,
    pub(super) settings: BTreeMap<String, Vec<u8>>,
    seq: i64,
}

/// The database.
pub(super) struct Database {
    pub(super) tables: Tables,
    /// The world's time.
    pub(super) now: Duration,
    /// By how many microseconds its clock is ahead of the world's.
    pub(super) ahead: i64,
    pub(super) timeline: u32,
    transactions: BTreeMap<u64, Transaction>,
    /// The newest transaction, of callers' too, and those of callers that have not ended.
    xid: i64,
    callers: BTreeSet<i64>,
    /// Nodes that gave back all they had.
    pub(super) left: BTreeSet<NodeId>,
}

impl Database {
    pub(super) fn new() -> Self {
        Self {
            tables: Tables::default(),
            now: Duration::ZERO,
            ahead: 0,
            timeline: 1,
            transactions: BTreeMap::new(),
            xid: 0,
            callers: BTreeSet::new(),
            left: BTreeSet::new(),
        }
    }

    /// What its clock shows.
    pub(super) fn clock(&self) -> Timestamp {
        Timestamp::from_micros((BEGINNING + self.now).micros() + self.ahead)
    }

    // --- Transactions ------------------------------------------------------------------------------------------------

    /// Takes locks and begins; `None` while somebody else holds one of them.
    pub(super) fn begin(&mut self, node: usize, locks: BTreeSet<Lock>) -> Option<u64> {
        if self.transactions.values().any(|other| !other.locks.is_disjoint(&locks)) {
            return None;
        }
        self.xid += 1;
        let id = self.xid.unsigned_abs();
        self.transactions.insert(id, Transaction { node, locks, idle_since: self.now });
        Some(id)
    }

    /// Ends a transaction; false if the database has ended it before.
    pub(super) fn end(&mut self, transaction: u64) -> bool {
        self.transactions.remove(&transaction).is_some()
    }

    /// Lets go of what transactions hold whose clients stand still.
    pub(super) fn end_idle(&mut self) {
        let now = self.now;
        self.transactions.retain(|_, transaction| now - transaction.idle_since < PATIENCE_WITH_LOCKS);
    }

    /// A process has ended, and its connections with it.
    pub(super) fn disconnect(&mut self, node: usize) {
        self.transactions.retain(|_, transaction| transaction.node != node);
    }

    pub(super) fn has_transaction(&self, node: usize) -> bool {
        self.transactions.values().any(|transaction| transaction.node == node)
    }

    /// Whatever is under way ends with the server.
    pub(super) fn end_all(&mut self) {
        self.transactions.clear();
    }

    // --- Callers' own transactions -------------------------------------------------------------------------------------

    pub(super) fn caller_begins(&mut self) -> i64 {
        self.xid += 1;
        self.callers.insert(self.xid);
        self.xid
    }

    /// A caller's transaction commits, or is rolled back if there is no event.
    pub(super) fn caller_ends(&mut self, xid: i64, event: Option<(Event, Bytes)>) {
        self.callers.remove(&xid);
        let Some((mut event, payload)) = event else { return };
        self.tables.seq += 1;
        event.seq = self.tables.seq;
        self.tables.outbox.insert(Pointer { xid, seq: event.seq }, event.id);
        self.tables.events.insert(event.id, (event, payload));
    }

    // --- Events ------------------------------------------------------------------------------------------------------

    pub(super) fn config_version(&self) -> i64 {
        self.tables.config_version
    }

    pub(super) fn unrouted(&self) -> impl Iterator<Item = EventId> {
        self.tables.outbox.values().copied()
    }

    pub(super) fn read_outbox(&self, floor: Floor, limit: u32) -> OutboxPage {
        // A floor from another past lies in the future.
        let from = Pointer { xid: floor.0.min(self.xid + 1), seq: 0 };
        let events: Vec<_> = self
            .tables
            .outbox
            .range(from..)
            .take(limit as usize)
            .filter_map(|(pointer, id)| {
                let (event, _) = self.tables.events.get(id)?;
                Some(UnroutedEvent { pointer: *pointer, event: event.clone() })
            })
            .collect();
        let complete = self.callers.first().copied().unwrap_or(self.xid + 1);
        let next = if floor.0 > self.xid + 1 {
            Floor::default()
        } else if events.len() < limit as usize {
            Floor(complete)
        } else {
            floor
        };
        OutboxPage { events, next, config_version: self.tables.config_version }
    }

    /// Routes an event, with deliveries due since `due_at`; nothing if another node was faster.
    pub(super) fn route(&mut self, pointer: Pointer, event: EventId, verdict: &Verdict, due_at: Timestamp) -> Vec<Due> {
        if self.tables.outbox.remove(&pointer).is_none() {
            return Vec::new();
        }
        self.owe(event, pointer.seq, verdict, due_at)
    }

    /// Stores an event that comes through the engine.
    pub(super) fn accept(
        &mut self,
        mut event: Event,
        payload: Bytes,
        verdict: &Verdict,
        due_at: Timestamp,
    ) -> Vec<Due> {
        self.tables.seq += 1;
        event.seq = self.tables.seq;
        let (id, seq) = (event.id, event.seq);
        self.tables.events.insert(id, (event, payload));
        self.owe(id, seq, verdict, due_at)
    }

    fn owe(&mut self, event: EventId, seq: i64, verdict: &Verdict, due_at: Timestamp) -> Vec<Due> {
        let Verdict::Deliveries(deliveries) = verdict else { return Vec::new() };
        let due: Vec<_> = deliveries
            .iter()
            .map(|delivery| Due {
                id: delivery.id,
                lane: delivery.lane,
                endpoint: delivery.endpoint,
                due_at,
                seq,
                attempts: 0,
                attempts_at_refill: 0,
                marks: delivery.marks,
                ordering_key: None,
            })
            .collect();
        assert!(due.iter().all(|due| due.id.event() == event));
        self.tables.deliveries.extend(due.iter().map(|due| (due.id, due.clone())));
        due
    }

    pub(super) fn load_events(&self, ids: &[EventId]) -> Vec<LoadedEvent> {
        let load = |id: &EventId| {
            let (event, payload) = self.tables.events.get(id)?;
            Some(LoadedEvent { event: event.clone(), payload: Some(payload.clone()) })
        };
        ids.iter().filter_map(load).collect()
    }

    // --- Work --------------------------------------------------------------------------------------------------------

    pub(super) fn feed(&self, cursors: &[(Shard, Cursor)], limit: u32) -> FeedPage {
        self.page(cursors, |due| due.lane.shard(), limit)
    }

    pub(super) fn refill(&self, lanes: &[(LaneId, Cursor)], limit: u32) -> FeedPage {
        self.page(lanes, |due| due.lane, limit)
    }

    /// What is due after each cursor, by what the rows are asked for by.
    fn page<K: Copy + Ord>(&self, cursors: &[(K, Cursor)], of: impl Fn(&Due) -> K, limit: u32) -> FeedPage {
        let now = self.clock();
        let mut pages: BTreeMap<K, (Cursor, Vec<&Due>)> =
            cursors.iter().map(|&(key, cursor)| (key, (cursor, Vec::new()))).collect();
        for due in self.tables.deliveries.values().filter(|due| due.due_at <= now) {
            if let Some((after, page)) = pages.get_mut(&of(due))
                && Cursor::at(due) > *after
            {
                page.push(due);
            }
        }
        let mut rows = Vec::new();
        for (_, mut page) in pages.into_values() {
            page.sort_by_key(|due| Cursor::at(due));
            rows.extend(page.into_iter().take(limit as usize).cloned());
        }
        FeedPage { now, rows }
    }

    pub(super) fn pending_lanes(&self, after: Option<LaneId>, limit: u32) -> Vec<PendingLane> {
        let mut lanes = BTreeMap::new();
        for due in self.tables.deliveries.values().filter(|due| after.is_none_or(|after| due.lane > after)) {
            let lane = lanes.entry(due.lane).or_insert(PendingLane {
                lane: due.lane,
                endpoint: due.endpoint,
                due_at: due.due_at,
            });
            lane.due_at = lane.due_at.min(due.due_at);
        }
        lanes.into_values().take(limit as usize).collect()
    }

    /// Records one outcome; whether it counted.
    pub(super) fn record(&mut self, outcome: &Recorded) -> bool {
        let attempt = outcome.attempt.as_ref().map(|attempt| (outcome.id, attempt.number, attempt.at));
        if let Some(before) = attempt.and_then(|attempt| self.tables.attempts.get(&attempt)) {
            return *before;
        }
        let now = self.clock();
        let row = self.tables.deliveries.get_mut(&outcome.id).filter(|row| row.attempts == outcome.fence);
        let counts = row.is_some();
        if let Some(row) = row {
            row.attempts += i32::from(attempt.is_some());
            match &outcome.settlement {
                Settlement::Keep => {}
                Settlement::Retry { after } => row.due_at = now + *after,
                Settlement::Delivered => {
                    self.tables.finished.insert(outcome.id);
                    self.tables.deliveries.remove(&outcome.id);
                }
                Settlement::Dead { reason, .. } => {
                    self.tables.dead.insert(outcome.id, *reason);
                    self.tables.deliveries.remove(&outcome.id);
                }
            }
        }
        if let Some(attempt) = attempt {
            self.tables.attempts.insert(attempt, counts);
        }
        counts
    }

    pub(super) fn find_untried(&self, deliveries: &[(DeliveryId, i32)]) -> Vec<DeliveryId> {
        let is_untried = |(id, attempts): &(DeliveryId, i32)| {
            self.tables.deliveries.get(id).is_some_and(|row| row.attempts == *attempts)
        };
        deliveries.iter().filter(|one| is_untried(one)).map(|(id, _)| *id).collect()
    }

    pub(super) fn set_holds(&mut self, node: NodeId, holds: &[Hold]) {
        let now = self.clock();
        for hold in holds.iter().filter(|hold| self.tables.owners.get(&hold.lane.shard()) == Some(&node)).copied() {
            let before = self.tables.holds.get(&hold.lane).filter(|before| before.hold.until >= now);
            let since = before.map_or(now, |before| before.since);
            if hold.until <= now {
                self.tables.holds.remove(&hold.lane);
            } else {
                self.tables.holds.insert(hold.lane, KeptHold { hold, since });
            }
        }
    }

    pub(super) fn load_holds(&self, shards: &[Shard]) -> Vec<Hold> {
        let now = self.clock();
        let holds = self.tables.holds.values().map(|kept| kept.hold);
        holds.filter(|hold| hold.until > now && shards.contains(&hold.lane.shard())).collect()
    }

    /// Makes dead letters of what is due for too long in lanes that were held for as long; how many.
    pub(super) fn expire_held(&mut self, after: Duration) -> u64 {
        let now = self.clock();
        let long_ago = now - after;
        let held: BTreeSet<_> = self
            .tables
            .holds
            .values()
            .filter(|kept| kept.hold.until > now && kept.since <= long_ago)
            .map(|kept| kept.hold.lane)
            .collect();
        let paused: BTreeSet<_> = self
            .tables
            .endpoints
            .values()
            .filter(|endpoint| endpoint.paused && endpoint.updated_at <= long_ago)
            .map(|endpoint| LaneId::of_endpoint(endpoint.id))
            .collect();
        let is_over = |due: &Due| due.due_at <= long_ago && (held.contains(&due.lane) || paused.contains(&due.lane));
        let over: Vec<_> = self.tables.deliveries.values().filter(|due| is_over(due)).map(|due| due.id).collect();
        for id in &over {
            self.tables.deliveries.remove(id);
            self.tables.dead.insert(*id, DeadReason::Expired);
        }
        over.len() as u64
    }

    // --- Leases ------------------------------------------------------------------------------------------------------

    pub(super) fn register(&mut self, node: NodeId, lease: Duration) {
        let until = self.clock() + lease;
        self.tables.nodes.insert(node, Registered { until, length: lease, renewals: 0 });
    }

    /// The renewals of a lease that still ran and now runs anew.
    pub(super) fn renew(&mut self, node: NodeId, lease: Duration) -> Option<i64> {
        self.end_leases();
        let until = self.clock() + lease;
        let registered = self.tables.nodes.get_mut(&node)?;
        *registered = Registered { until, length: lease, renewals: registered.renewals + 1 };
        Some(registered.renewals)
    }

    pub(super) fn leave(&mut self, node: NodeId, shards: &[Claimed]) {
        self.release(node, shards);
        self.tables.nodes.remove(&node);
        self.left.insert(node);
    }

    /// What has ended, has ended for good; and a clock that was set back makes no lease longer.
    fn end_leases(&mut self) {
        let now = self.clock();
        for registered in self.tables.nodes.values_mut() {
            registered.until = registered.until.min(now + registered.length);
        }
        self.tables.nodes.retain(|_, registered| registered.until > now);
    }

    pub(super) fn lease_runs(&self, node: NodeId) -> bool {
        self.tables.nodes.get(&node).is_some_and(|registered| registered.until > self.clock())
    }

    pub(super) fn owner(&self, shard: Shard) -> Option<NodeId> {
        self.tables.owners.get(&shard).copied()
    }

    /// Whether a delivery was handed over as open.
    pub(super) fn was_handed_over(&self, id: DeliveryId, lane: LaneId) -> bool {
        self.tables.handed_over.get(&lane.shard()).is_some_and(|open| open.iter().any(|open| open.delivery == id))
    }

    pub(super) fn shard_map(&mut self) -> ShardMap {
        self.end_leases();
        let mut owners = [None; SHARDS as usize];
        for (shard, owner) in &self.tables.owners {
            owners[usize::from(*shard)] = Some(*owner);
        }
        ShardMap { now: self.clock(), nodes: self.tables.nodes.keys().copied().collect(), owners }
    }

    pub(super) fn claim(&mut self, node: NodeId, wanted: &[Shard]) -> Vec<Claimed> {
        self.end_leases();
        if !self.tables.nodes.contains_key(&node) {
            return Vec::new();
        }
        let mut claimed = Vec::new();
        for &shard in wanted {
            let is_anothers = |owner: &NodeId| *owner != node && self.tables.nodes.contains_key(owner);
            if self.tables.owners.get(&shard).is_some_and(is_anothers) {
                continue;
            }
            self.tables.owners.insert(shard, node);
            claimed.push(Claimed { shard, open: self.tables.handed_over.get(&shard).cloned().unwrap_or_default() });
        }
        claimed
    }

    pub(super) fn release(&mut self, node: NodeId, shards: &[Claimed]) {
        for Claimed { shard, open } in shards {
            if self.tables.owners.get(shard) == Some(&node) {
                self.tables.owners.remove(shard);
                self.tables.handed_over.insert(*shard, open.clone());
            }
        }
    }

    // --- Configuration -----------------------------------------------------------------------------------------------

    pub(super) fn changes_since(&self, version: i64) -> Changes {
        let items = self.tables.changes.iter().filter(|(of, _)| *of > version).map(|(_, change)| change.clone());
        Changes { version: self.tables.config_version, items: items.collect(), truncated: false }
    }

    pub(super) fn put_endpoint(&mut self, mut endpoint: StoredEndpoint) -> StoredEndpoint {
        self.tables.config_version += 1;
        endpoint.version = self.tables.config_version;
        endpoint.updated_at = self.clock();
        self.tables.changed.insert(endpoint.id, self.now);
        self.tables.changes.push((endpoint.version, Change::Endpoint(endpoint.id)));
        self.tables.endpoints.insert(endpoint.id, endpoint.clone());
        endpoint
    }

    /// When an endpoint last changed, and whether it is paused.
    pub(super) fn changed(&self, endpoint: EndpointId) -> (Duration, bool) {
        let is_paused = self.tables.endpoints.get(&endpoint).is_some_and(|endpoint| endpoint.paused);
        (self.tables.changed.get(&endpoint).copied().unwrap_or_default(), is_paused)
    }

    pub(super) fn is_held(&self, lane: LaneId) -> bool {
        self.tables.holds.get(&lane).is_some_and(|kept| kept.hold.until > self.clock())
    }

    // --- Its past ----------------------------------------------------------------------------------------------------

    /// A copy of what is committed, as a backup or a standby that lags has it.
    pub(super) fn copy(&self) -> (Tables, i64) {
        (self.tables.clone(), self.xid)
    }

    /// The copy takes the place of what there was.
    pub(super) fn restore(&mut self, (tables, xid): (Tables, i64)) {
        self.tables = tables;
        self.xid = xid;
        self.callers.clear();
        self.transactions.clear();
        self.timeline += 1;
        self.tables.changed.values_mut().for_each(|at| *at = self.now);
    }
}

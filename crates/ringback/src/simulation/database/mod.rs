//! The simulated database: what is committed, who holds locks, and what its clock shows.
//!
//! It keeps what the traits of a store say it keeps and no more. Everything is in order of its key, so that the same seed
//! sees the same rows in the same order.

mod leases;
mod work;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;

use crate::{
    delivery::{DeadReason, Due, LaneId, Shard},
    endpoint::StoredEndpoint,
    event::Event,
    id::{DeliveryId, EndpointId, EventId},
    store::{
        Change, Changes, Floor, Hold, LoadedEvent, NodeId, OpenRequest, OutboxPage, PATIENCE_WITH_LOCKS, Pointer,
        UnroutedEvent, Verdict,
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
    pub(super) fn route(
        &mut self,
        pointer: Pointer,
        event: EventId,
        verdict: &Verdict,
        due_at: Timestamp,
    ) -> Option<Vec<Due>> {
        self.tables.outbox.remove(&pointer)?;
        Some(self.owe(event, pointer.seq, verdict, due_at))
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

//! All lanes of this node, in memory: which delivery may be sent next.
//!
//! ```text
//! own       this node gains or loses a shard, and the shard's lanes with it
//! admit     a due row enters its lane, unless this node has the delivery already or the lane has no room
//! ahead     the events of the next deliveries are read before their turn
//! change    an endpoint is changed, paused, deleted; an event is expunged
//! hold      a receiver asks for time or fails: its lane sends nothing until the hold ends
//! pick      deficit round robin over tenants and their lanes that may send: open-request limit, rate, hold, place
//! settle    a request has ended: its place and its lane are free again; once recorded, only its tombstone stays
//! ```
//!
//! Time comes as an argument and nothing here waits, so the one lock around the lanes is held for microseconds. A node
//! owns a lane by owning its shard; a lane's limits are exact because no other node sends for it.

mod own;

mod admit;
mod ahead;
mod change;
mod hold;
mod pick;
mod settle;

mod courier;
mod health;
mod known;
mod lane;
mod permits;
mod queue;
mod rate;
mod tenants;
mod turns;
mod window;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

pub(crate) use self::{
    ahead::Ahead,
    courier::{Courier, tries},
    health::Symptom,
    hold::ChangedHold,
    own::LeftOpen,
    settle::Ended,
};
use self::{
    known::{Known, Read},
    lane::Lane,
    permits::{Permits, Pool},
    tenants::Tenants,
    turns::Turns,
};
use crate::{
    delivery::{Due, LaneId, SHARDS, Shard},
    egress::Egress,
    id::DeliveryId,
    store::LoadedEvent,
    time::Timestamp,
};

/// A delivery that may be sent now; its request counts as open until [`Lanes::ended`]. If `event` is `None`, the caller
/// reads the event first and then calls [`Lanes::begin`].
pub(crate) struct Picked {
    pub(crate) due: Due,
    pub(crate) event: Option<Arc<LoadedEvent>>,
    pub(crate) courier: Arc<Courier>,
}

/// Limits that all lanes of a node share.
#[derive(Default)]
pub(crate) struct Limits {
    /// Which addresses may be dialled.
    pub(crate) egress: Egress,
    /// Most requests open at once.
    pub(crate) places: usize,
    /// The weights of tenants, by name; a tenant that is not listed has weight 1.
    pub(crate) tenant_weights: HashMap<String, u32>,
    /// The database makes a delivery dead that was due for longer than this while its lane was held.
    pub(crate) expires_after: Duration,
}

/// The lanes of this node.
pub(crate) struct Lanes {
    egress: Egress,
    /// By shard: `Some` if this node owns it, with the last read that had started before the node took it.
    owned: [Option<Read>; SHARDS as usize],
    /// Shards that this node took since the last call of [`Lanes::take_fresh`].
    fresh: Vec<Shard>,
    lanes: HashMap<LaneId, Lane>,
    tenants: Tenants,
    /// By pool, the lanes in line: they have work, and nothing is known that keeps them from sending.
    turns: [Turns; Pool::ALL.len()],
    /// The pool that the next pick asks first.
    next_pool: usize,
    /// When held and rate-limited lanes are to be looked at again.
    timers: BinaryHeap<Reverse<(Instant, LaneId)>>,
    known: Known,
    permits: Permits,
    /// Requests in the order in which they were opened, except those that started in the slow pool.
    opened: VecDeque<(Instant, DeliveryId)>,
    /// Requests that have been open for long and wait for a place in the slow pool.
    slowed: VecDeque<(Instant, DeliveryId)>,
    /// Changes of holds that are not stored yet.
    changed_holds: HashMap<LaneId, ChangedHold>,
    /// Requests that the last owners of this node's shards may still have open.
    foreign: Vec<LeftOpen>,
    /// Lanes that have rows left in the database and room for them.
    top_ups: Vec<LaneId>,
    /// Lanes that are running out of events, each once.
    out_of_events: VecDeque<LaneId>,
    /// Rows whose events are being read ahead.
    rows_ahead: usize,
    /// Moving mean of the payloads that were read ahead, in bytes.
    payload_lately: usize,
    /// Payload bytes that the waiting rows of all lanes keep in memory.
    event_bytes: usize,
    /// The database makes a delivery dead that was due for longer than this while its lane was held.
    expires_after: Duration,
    /// The database's time as of the last read, and this node's time at that moment.
    clock: Option<(Timestamp, Instant)>,
    /// When idle lanes were last forgotten.
    pruned_at: Option<Instant>,
}

impl Lanes {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            egress: limits.egress,
            owned: [None; SHARDS as usize],
            fresh: Vec::new(),
            lanes: HashMap::new(),
            tenants: Tenants::new(limits.tenant_weights),
            turns: Default::default(),
            next_pool: 0,
            timers: BinaryHeap::new(),
            known: Known::default(),
            permits: Permits::new(limits.places),
            opened: VecDeque::new(),
            slowed: VecDeque::new(),
            changed_holds: HashMap::new(),
            foreign: Vec::new(),
            top_ups: Vec::new(),
            out_of_events: VecDeque::new(),
            rows_ahead: 0,
            payload_lately: ahead::PAYLOAD_AT_FIRST,
            event_bytes: 0,
            expires_after: limits.expires_after,
            clock: None,
            pruned_at: None,
        }
    }

    /// Requests open now.
    pub(crate) const fn open(&self) -> usize {
        self.permits.open()
    }

    /// When a held or rate-limited lane should be looked at again.
    pub(crate) fn next_timer(&self) -> Option<Instant> {
        self.timers.peek().map(|&Reverse((at, _))| at)
    }

    /// The database's time at `now`, reckoned from the last read.
    fn clock_at(&self, now: Instant) -> Timestamp {
        let (then, at) = self.clock.unwrap_or((Timestamp::default(), now));
        then + now.saturating_duration_since(at)
    }

    fn set_timer(&mut self, id: LaneId, at: Instant) {
        self.timers.push(Reverse((at, id)));
    }

    /// A lane whose timer has run out.
    fn take_timer(&mut self, now: Instant) -> Option<LaneId> {
        self.next_timer().filter(|at| *at <= now)?;
        self.timers.pop().map(|Reverse((_, id))| id)
    }
}

fn payload_bytes(event: &LoadedEvent) -> usize {
    event.payload.as_ref().map_or(0, bytes::Bytes::len)
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

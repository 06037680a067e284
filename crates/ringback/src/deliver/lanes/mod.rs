//! All lanes of this node, in memory: which delivery may be sent next.
//!
//! ```text
//! own       a shard comes or goes, and its lanes with it
//! admit     a due row comes in, unless it is an echo of what is known or its lane has no room
//! ahead     the events of what comes next are read before their turn
//! change    an endpoint is changed, paused, deleted; an event is expunged
//! hold      a receiver asks for time or fails: its lane is left alone until a moment
//! pick      deficit round robin over tenants and their lanes that may send: open-request limit, rate, hold, place
//! settle    a request has ended: its place and its lane are free again; once it is recorded only a tombstone stays
//! ```
//!
//! Time comes as an argument and nothing here waits, so one lock around it is held for microseconds. A node owns a
//! lane through its shard; limits are exact because nobody else sends for it.

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
    ahead::Ahead, courier::Courier, health::Symptom, hold::ChangedHold, own::LeftOpen, settle::Ended,
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

/// A delivery that may be sent now; its request counts as open until [`Lanes::ended`]. Without its event it has to be
/// read first, and then to [`Lanes::begin`].
pub(crate) struct Picked {
    pub(crate) due: Due,
    pub(crate) event: Option<Arc<LoadedEvent>>,
    pub(crate) courier: Arc<Courier>,
}

/// What holds for all lanes of a node.
#[derive(Default)]
pub(crate) struct Limits {
    /// Which addresses may be dialled.
    pub(crate) egress: Egress,
    /// Most requests open at once.
    pub(crate) places: usize,
    /// What tenants weigh whose weight is not 1.
    pub(crate) tenant_weights: HashMap<String, u32>,
    /// A delivery that was due but held for longer is dead in the database.
    pub(crate) expires_after: Duration,
}

/// The lanes of this node.
pub(crate) struct Lanes {
    egress: Egress,
    /// The shards that are ours, each with the last read that had started before it came.
    owned: [Option<Read>; SHARDS as usize],
    /// Shards that came since [`Lanes::take_fresh`] was last asked.
    fresh: Vec<Shard>,
    lanes: HashMap<LaneId, Lane>,
    tenants: Tenants,
    /// Lanes with work that may send, as far as is known, by pool.
    turns: [Turns; Pool::ALL.len()],
    /// The pool to be asked first, next time.
    next_pool: usize,
    /// Lanes to look at again at a moment: held or rate-limited ones.
    timers: BinaryHeap<Reverse<(Instant, LaneId)>>,
    known: Known,
    permits: Permits,
    /// Requests in the order in which they were opened, but for those that started slow.
    opened: VecDeque<(Instant, DeliveryId)>,
    /// Requests that have been open for long and wait for a place in the slow pool.
    slowed: VecDeque<(Instant, DeliveryId)>,
    /// What is to be written down about holds.
    changed_holds: HashMap<LaneId, ChangedHold>,
    /// Requests of shards' last owners.
    foreign: Vec<LeftOpen>,
    /// Lanes that are behind and have room again.
    top_ups: Vec<LaneId>,
    /// Lanes that run out of events, each once.
    out_of_events: VecDeque<LaneId>,
    /// Rows whose events are being read.
    rows_ahead: usize,
    /// Moving mean of the payloads that were read, in bytes.
    payload_lately: usize,
    event_bytes: usize,
    /// A delivery that was due but held for longer is dead in the database.
    expires_after: Duration,
    /// What the database's clock showed lately, and when.
    clock: Option<(Timestamp, Instant)>,
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

    /// What the database's clock shows, as far as is known.
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

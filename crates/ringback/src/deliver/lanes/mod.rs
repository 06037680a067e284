//! All lanes of this node, in memory: which delivery may be sent next.
//!
//! ```text
//! own       a shard comes or goes, and its lanes with it
//! admit     a due row comes in, unless it is an echo of what is known or its lane has no room
//! ahead     the events of what comes next are read before their turn
//! change    an endpoint is changed, paused, deleted; an event is expunged
//! hold      a receiver asks for time or fails: its lane is left alone until a moment
//! pick      deficit round robin over lanes that may send: open-request limit, rate, hold, place in a pool
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
mod rate;
mod window;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    sync::Arc,
    time::Instant,
};

pub(crate) use self::{ahead::Ahead, courier::Courier, health::Sign, hold::ChangedHold, settle::Ended};
use self::{
    known::{Known, Read},
    lane::Lane,
    permits::Permits,
};
use crate::{
    deliver::send::Egress,
    delivery::{Due, LaneId, SHARDS, Shard},
    id::DeliveryId,
    store::LoadedEvent,
};

/// A delivery that may be sent now; its request counts as open until [`Lanes::ended`].
pub(crate) struct Picked {
    pub(crate) due: Due,
    pub(crate) event: Option<Arc<LoadedEvent>>,
    pub(crate) courier: Arc<Courier>,
}

/// The lanes of this node.
pub(crate) struct Lanes {
    egress: Egress,
    /// The shards that are ours, each with the last read that had started before it came.
    owned: [Option<Read>; SHARDS as usize],
    /// Shards that came since [`Lanes::take_fresh`] was last asked.
    fresh: Vec<Shard>,
    lanes: HashMap<LaneId, Lane>,
    /// Lanes with work that may send, as far as is known.
    ring: VecDeque<LaneId>,
    /// Lanes to look at again at a moment: held or rate-limited ones.
    timers: BinaryHeap<Reverse<(Instant, LaneId)>>,
    /// Lanes that wait for a place in the slow pool, each once.
    waiting_slow: VecDeque<LaneId>,
    known: Known,
    permits: Permits,
    /// Fast requests in the order in which they were opened.
    opened: VecDeque<(Instant, DeliveryId)>,
    /// What is to be written down about holds.
    changed_holds: HashMap<LaneId, ChangedHold>,
    /// Requests of shards' last owners, with their lanes and ends.
    foreign: Vec<(DeliveryId, LaneId, Instant)>,
    /// Lanes that are behind and have room again.
    refills: Vec<LaneId>,
    /// Lanes that run out of events, each once.
    hungry: VecDeque<LaneId>,
    event_bytes: usize,
    pruned_at: Option<Instant>,
}

impl Lanes {
    pub(crate) fn new(egress: Egress, permits: usize) -> Self {
        Self {
            egress,
            owned: [None; SHARDS as usize],
            fresh: Vec::new(),
            lanes: HashMap::new(),
            ring: VecDeque::new(),
            timers: BinaryHeap::new(),
            waiting_slow: VecDeque::new(),
            known: Known::default(),
            permits: Permits::new(permits),
            opened: VecDeque::new(),
            changed_holds: HashMap::new(),
            foreign: Vec::new(),
            refills: Vec::new(),
            hungry: VecDeque::new(),
            event_bytes: 0,
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
}

fn payload_bytes(event: &LoadedEvent) -> usize {
    event.payload.as_ref().map_or(0, bytes::Bytes::len)
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

//! Which shards this node owns, and the requests that the last owner of a shard still has open.

use std::{collections::HashSet, time::Duration};

use tokio::time::Instant;

use super::{
    Lanes,
    known::{Doing, Unsettled},
};
use crate::{
    delivery::{LaneId, SHARDS, Shard},
    directory::Directory,
    id::DeliveryId,
};

/// No request runs longer than the longest timeout that a destination may have.
const TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// The outcome of a request is committed within this time of its end, as a rule. A new owner waits for so long.
pub(super) const RECORDED_WITHIN: Duration = Duration::from_secs(2);

/// A request that a shard's last owner may still have open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeftOpen {
    pub(crate) delivery: DeliveryId,
    /// The attempts in the delivery's row before this request: once the row has more, the request has ended.
    pub(crate) attempts: i32,
    pub(crate) lane: LaneId,
    /// The request has ended by then, whatever happens.
    pub(crate) until: Instant,
}

/// Whether a lane is in one of these shards. A table answers, because it is asked for every lane and every known delivery.
fn in_one_of(shards: &[Shard]) -> impl Fn(LaneId) -> bool + use<> {
    let mut is_one = [false; SHARDS as usize];
    for shard in shards {
        is_one[usize::from(*shard)] = true;
    }
    move |lane| is_one[usize::from(lane.shard())]
}

impl Lanes {
    pub(crate) fn owns(&self, shard: Shard) -> bool {
        self.owned[usize::from(shard)].is_some()
    }

    pub(crate) fn owns_any(&self) -> bool {
        self.owned.iter().any(Option::is_some)
    }

    pub(crate) fn owned_shards(&self) -> Vec<Shard> {
        (0..SHARDS).filter(|&shard| self.owns(shard)).collect()
    }

    /// Shards that this node took since the last call: they are to be read from the beginning.
    pub(crate) fn take_fresh(&mut self) -> Vec<Shard> {
        std::mem::take(&mut self.fresh)
    }

    /// This node has taken shards: their lanes are read from the beginning. Deliveries in `open` are not sent while their
    /// last owner's request may run, nor those that this node left open when it last had the shard. Nothing changes about
    /// shards that this node owns already.
    pub(crate) fn take_shards(&mut self, shards: &[Shard], open: &[LeftOpen], directory: &Directory, now: Instant) {
        let before = self.known.last_read();
        let new: Vec<_> = shards.iter().copied().filter(|shard| !self.owns(*shard)).collect();
        for shard in &new {
            self.owned[usize::from(*shard)] = Some(before);
        }
        let is_taken = in_one_of(&new);
        let unsettled = self.known.unsettled().filter(|unsettled| is_taken(unsettled.lane));
        let mut opened: Vec<_> =
            unsettled.filter(|unsettled| unsettled.doing != Doing::Recording).map(|unsettled| unsettled.lane).collect();
        for left in open.iter().filter(|left| is_taken(left.lane)) {
            if left.until > now && matches!(self.known.doing(left.delivery), None | Some(Doing::Recorded { .. })) {
                self.known.set(left.delivery, left.attempts, left.lane, Doing::Foreign { until: left.until });
                self.foreign.push(*left);
                opened.push(left.lane);
            }
        }
        for id in opened {
            let endpoint = directory.endpoint_of_lane(id);
            if let Some(lane) = self.lane_or_new(id, endpoint, directory, now) {
                lane.opened_before();
            }
        }
        self.fresh.extend(new);
    }

    /// This node no longer owns these shards: it starts none of their requests any more. Returns the deliveries that must
    /// not be sent again yet. This node keeps their entries until the requests end, in case a shard comes back. A delivery
    /// whose event is still being read is not opened here; the next owner may send it at once.
    ///
    /// One pass for all shards: it walks through all known deliveries, under the lock.
    pub(crate) fn drop_shards(&mut self, shards: &[Shard], now: Instant) -> Vec<LeftOpen> {
        for shard in shards {
            self.owned[usize::from(*shard)] = None;
        }
        let is_dropped = in_one_of(shards);
        for pool in self.known.forget_loading(&is_dropped) {
            self.permits.give_back(pool);
        }
        let unsettled = self.known.unsettled().filter(|unsettled| is_dropped(unsettled.lane));
        let left = unsettled
            .map(|Unsettled { id, attempts, lane, doing }| LeftOpen {
                delivery: id,
                attempts,
                lane,
                until: self.settled_by(lane, doing, now),
            })
            .collect();
        let gone: Vec<_> = self.lanes.keys().copied().filter(|lane| is_dropped(*lane)).collect();
        for lane in gone {
            self.forget_lane(lane);
        }
        left
    }

    fn settled_by(&self, lane: LaneId, doing: Doing, now: Instant) -> Instant {
        match doing {
            Doing::Foreign { until } => until,
            Doing::Open { since, .. } => {
                let target = self.lanes.get(&lane).and_then(|lane| lane.courier.target.as_deref());
                since + target.map_or(TIMEOUT_MAX, |target| target.timeout) + RECORDED_WITHIN
            }
            Doing::Waiting | Doing::Loading { .. } | Doing::Recording | Doing::Recorded { .. } => now + RECORDED_WITHIN,
        }
    }

    /// The deliveries that the last owners of this node's shards may still have open, each with its attempts before that.
    pub(crate) fn foreign(&self) -> Vec<(DeliveryId, i32)> {
        self.foreign.iter().map(|left| (left.delivery, left.attempts)).collect()
    }

    /// The last owners have committed the outcomes of these deliveries: nobody needs to wait for their deadline.
    pub(crate) fn foreign_settled(&mut self, settled: &HashSet<DeliveryId>) {
        for left in self.foreign.extract_if(.., |left| settled.contains(&left.delivery)).collect::<Vec<_>>() {
            // A tombstone, because reads under way may still show the row as it was. Reading the lane again finds the next
            // delivery of the ordering key.
            self.known.recorded(left.delivery);
            self.reopen(left.lane);
        }
    }

    /// Forgets the last owners' requests whose deadline has passed: their deliveries may be sent here.
    pub(super) fn end_foreign(&mut self, now: Instant) {
        for left in self.foreign.extract_if(.., |left| left.until <= now).collect::<Vec<_>>() {
            self.known.forget(left.delivery);
            self.reopen(left.lane);
        }
    }

    /// One request fewer counts as open in a lane. Its delivery may be due again, so the lane is read again.
    pub(super) fn reopen(&mut self, id: LaneId) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.closed();
            lane.read_again();
        }
        self.ask_top_up(id);
        self.enter_ring(id);
    }
}

//! Which shards' lanes are here, and what the last owner of a shard still has open.

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

/// Between a request's end and the commit of its outcome, as a rule: so long a new owner leaves it alone.
pub(super) const RECORDED_WITHIN: Duration = Duration::from_secs(2);

/// A request that a shard's last owner may still have open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeftOpen {
    pub(crate) delivery: DeliveryId,
    /// Those that its row counted before: once it counts more, the request has ended.
    pub(crate) attempts: i32,
    pub(crate) lane: LaneId,
    /// It has ended by then, whatever happens.
    pub(crate) until: Instant,
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

    /// Shards that came since this was last asked: to be read from the beginning.
    pub(crate) fn take_fresh(&mut self) -> Vec<Shard> {
        std::mem::take(&mut self.fresh)
    }

    /// A shard is ours: its lanes are read from the beginning, but for what its last owner still has open.
    /// What this node itself left open when it last had the shard counts, too.
    pub(crate) fn take_shard(&mut self, shard: Shard, open: &[LeftOpen], directory: &Directory, now: Instant) {
        let before = self.known.last_read();
        if self.owned[usize::from(shard)].replace(before).is_some() {
            return;
        }
        self.fresh.push(shard);
        let of_shard = self.known.unsettled().filter(|unsettled| unsettled.lane.shard() == shard);
        let mut opened: Vec<_> =
            of_shard.filter(|unsettled| unsettled.doing != Doing::Recording).map(|unsettled| unsettled.lane).collect();
        for left in open {
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
    }

    /// A shard is no longer ours: nothing of it is started any more. Returns what must not be sent again yet. Requests
    /// of the last owner's stay known here until their end, should the shard come back; what was about to be opened is
    /// not opened, and is the next owner's at once.
    pub(crate) fn drop_shard(&mut self, shard: Shard, now: Instant) -> Vec<LeftOpen> {
        self.owned[usize::from(shard)] = None;
        for pool in self.known.forget_loading(shard) {
            self.permits.give_back(pool);
        }
        let of_shard = self.known.unsettled().filter(|unsettled| unsettled.lane.shard() == shard);
        let left = of_shard
            .map(|Unsettled { id, attempts, lane, doing }| LeftOpen {
                delivery: id,
                attempts,
                lane,
                until: self.settled_by(lane, doing, now),
            })
            .collect();
        let gone: Vec<_> = self.lanes.keys().copied().filter(|lane| lane.shard() == shard).collect();
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

    /// What the last owners of our shards still have open, as far as is known here, each with the attempts before that.
    pub(crate) fn foreign(&self) -> Vec<(DeliveryId, i32)> {
        self.foreign.iter().map(|left| (left.delivery, left.attempts)).collect()
    }

    /// The last owners' outcomes of these deliveries are committed: they have ended long before they had to.
    pub(crate) fn foreign_settled(&mut self, settled: &HashSet<DeliveryId>) {
        for left in self.foreign.extract_if(.., |left| settled.contains(&left.delivery)).collect::<Vec<_>>() {
            // Reads under way may still show it as it was. What its ordering key kept back is read now.
            self.known.recorded(left.delivery);
            self.reopen(left.lane);
        }
    }

    pub(super) fn end_foreign(&mut self, now: Instant) {
        for left in self.foreign.extract_if(.., |left| left.until <= now).collect::<Vec<_>>() {
            self.known.forget(left.delivery);
            self.reopen(left.lane);
        }
    }

    /// One request fewer counts as open in a lane, and what it was for may be due again: nobody here knows.
    pub(super) fn reopen(&mut self, id: LaneId) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.closed();
            lane.read_again();
        }
        self.ask_refill(id);
        self.enter_ring(id);
    }
}

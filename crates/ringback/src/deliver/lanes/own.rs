//! Which shards' lanes are here, and what the last owner of a shard still has open.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use super::{Lanes, known::Doing};
use crate::{
    delivery::{LaneId, SHARDS, Shard},
    directory::Directory,
    id::DeliveryId,
};

/// No request runs longer than the longest timeout that a destination may have.
const TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// Between a request's end and the commit of its outcome, as a rule: so long a new owner leaves it alone.
pub(super) const RECORDED_WITHIN: Duration = Duration::from_secs(2);

impl Lanes {
    pub(crate) fn owns(&self, shard: Shard) -> bool {
        self.owned[usize::from(shard)].is_some()
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
    pub(crate) fn take_shard(
        &mut self,
        shard: Shard,
        open: &[(DeliveryId, LaneId, Instant)],
        directory: &Directory,
        now: Instant,
    ) {
        let before = self.known.last_read();
        if self.owned[usize::from(shard)].replace(before).is_some() {
            return;
        }
        self.fresh.push(shard);
        let of_shard = self.known.unsettled().filter(|(_, lane, _)| lane.shard() == shard);
        let mut opened: Vec<_> =
            of_shard.filter(|(.., doing)| *doing != Doing::Recording).map(|(_, lane, _)| lane).collect();
        for &(id, lane, until) in open {
            if until > now && matches!(self.known.doing(id), None | Some(Doing::Recorded { .. })) {
                self.known.set(id, i32::MAX, lane, Doing::Foreign { until });
                self.foreign.push((id, lane, until));
                opened.push(lane);
            }
        }
        for id in opened {
            let endpoint = directory.endpoint_of_lane(id);
            if let Some(lane) = self.lane_or_new(id, endpoint, directory, now) {
                lane.opened_before();
            }
        }
    }

    /// A shard is no longer ours: nothing of it is started any more. Returns what must not be sent again yet, and
    /// until when. Requests of the last owner's stay known here until their end, should the shard come back.
    pub(crate) fn drop_shard(&mut self, shard: Shard, now: Instant) -> Vec<(DeliveryId, LaneId, Instant)> {
        self.owned[usize::from(shard)] = None;
        let of_shard = self.known.unsettled().filter(|(_, lane, _)| lane.shard() == shard);
        let unsettled = of_shard.map(|(id, lane, doing)| (id, lane, self.settled_by(lane, doing, now))).collect();
        let gone: Vec<_> = self.lanes.keys().copied().filter(|lane| lane.shard() == shard).collect();
        for lane in gone {
            self.forget_lane(lane);
        }
        unsettled
    }

    fn settled_by(&self, lane: LaneId, doing: Doing, now: Instant) -> Instant {
        match doing {
            Doing::Foreign { until } => until,
            Doing::Open { since, .. } => {
                let target = self.lanes.get(&lane).and_then(|lane| lane.courier.target.as_deref());
                since + target.map_or(TIMEOUT_MAX, |target| target.timeout) + RECORDED_WITHIN
            }
            Doing::Waiting | Doing::Recording | Doing::Recorded { .. } => now + RECORDED_WITHIN,
        }
    }

    /// What the last owners of our shards still have open, as far as is known here.
    pub(crate) fn foreign(&self) -> Vec<DeliveryId> {
        self.foreign.iter().map(|&(id, ..)| id).collect()
    }

    /// The last owners' outcomes of these deliveries are committed: they have ended long before they had to.
    pub(crate) fn foreign_settled(&mut self, settled: &HashSet<DeliveryId>) {
        let (ended, open) = self.foreign.drain(..).partition(|(id, ..)| settled.contains(id));
        self.foreign = open;
        for (id, lane, _) in Vec::from_iter::<Vec<_>>(ended) {
            // Reads under way may still show it as it was. What its ordering key kept back is read now.
            self.known.recorded(id);
            self.reopen(lane);
        }
    }

    pub(super) fn end_foreign(&mut self, now: Instant) {
        let (ended, open) = self.foreign.drain(..).partition(|&(_, _, until)| until <= now);
        self.foreign = open;
        for (id, lane, _) in Vec::from_iter::<Vec<_>>(ended) {
            self.known.forget(id);
            self.reopen(lane);
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

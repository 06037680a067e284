//! All lanes of this node, in memory: which delivery may be sent next.
//!
//! ```text
//! admit   a due row comes in, unless it is an echo of what is known or its lane has no room
//! pick    deficit round robin over lanes that may send: open-request limit, rate, hold, place in a pool
//! ended   a request has ended: its place and its lane are free again
//! settled its outcome is committed: only a tombstone stays
//! ```
//!
//! Time comes as an argument and nothing here waits, so one lock around it is held for microseconds. A node owns a
//! lane through its shard; limits are exact because nobody else sends for it.

mod courier;
mod known;
mod lane;
mod permits;
mod rate;
mod window;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

pub(crate) use self::courier::Courier;
use self::{
    known::{Doing, Known},
    lane::{Block, Lane, Waiting},
    permits::{Permits, Pool, SLOW_AFTER},
};
use crate::{
    deliver::send::Egress,
    delivery::{Due, LaneId, SHARDS, Shard},
    directory::Directory,
    endpoint::Endpoint,
    id::{DeliveryId, EventId},
    store::{Cursor, LoadedEvent},
};

/// What a lane may spend in one turn, in units of cost.
const QUANTUM: f32 = 8.0;

/// Most payload bytes kept in memory from routing to sending; beyond, they are read again.
const EVENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// No request runs longer than the longest timeout that a destination may have.
const TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// Between a request's end and the commit of its outcome, as a rule: so long a new owner leaves it alone.
const RECORDED_WITHIN: Duration = Duration::from_secs(2);

/// Lanes without work are forgotten this often: destinations that come with events are without number.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// A delivery that may be sent now; its request counts as open until [`Lanes::ended`].
pub(crate) struct Picked {
    pub(crate) due: Due,
    pub(crate) event: Option<Arc<LoadedEvent>>,
    pub(crate) courier: Arc<Courier>,
}

/// The lanes of this node.
pub(crate) struct Lanes {
    egress: Egress,
    owned: [bool; SHARDS as usize],
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
    /// Requests of shards' last owners, with their lanes and ends.
    foreign: Vec<(DeliveryId, LaneId, Instant)>,
    /// Lanes that are behind and have room again.
    refills: Vec<LaneId>,
    event_bytes: usize,
    pruned_at: Option<Instant>,
}

impl Lanes {
    pub(crate) fn new(egress: Egress, permits: usize) -> Self {
        Self {
            egress,
            owned: [false; SHARDS as usize],
            fresh: Vec::new(),
            lanes: HashMap::new(),
            ring: VecDeque::new(),
            timers: BinaryHeap::new(),
            waiting_slow: VecDeque::new(),
            known: Known::default(),
            permits: Permits::new(permits),
            opened: VecDeque::new(),
            foreign: Vec::new(),
            refills: Vec::new(),
            event_bytes: 0,
            pruned_at: None,
        }
    }

    pub(crate) fn owns(&self, shard: Shard) -> bool {
        self.owned[usize::from(shard)]
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
        if std::mem::replace(&mut self.owned[usize::from(shard)], true) {
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
        self.owned[usize::from(shard)] = false;
        let of_shard = self.known.unsettled().filter(|(_, lane, _)| lane.shard() == shard);
        let unsettled = of_shard.map(|(id, lane, doing)| (id, lane, self.settled_by(lane, doing, now))).collect();
        let gone: Vec<_> = self.lanes.keys().copied().filter(|lane| lane.shard() == shard).collect();
        for lane in gone {
            self.forget_lane(lane);
        }
        self.ring.retain(|lane| lane.shard() != shard);
        self.waiting_slow.retain(|lane| lane.shard() != shard);
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

    /// Takes in rows of owned shards that are not known yet. Rows come in order of (`due_at`, id) within a lane.
    pub(crate) fn admit(&mut self, rows: Vec<(Due, Option<Arc<LoadedEvent>>)>, directory: &Directory, now: Instant) {
        for (due, event) in rows {
            if self.owns(due.lane.shard()) {
                self.admit_one(due, event, directory, now);
            }
        }
    }

    fn admit_one(&mut self, due: Due, event: Option<Arc<LoadedEvent>>, directory: &Directory, now: Instant) {
        let id = due.lane;
        let bytes = event.as_deref().map_or(0, payload_bytes);
        let keep_event = self.event_bytes + bytes <= EVENT_BYTES_MAX;
        // A row of an endpoint that is gone is being cancelled in the database.
        let Some(lane) = self.lane_or_new(id, due.endpoint, directory, now) else { return };
        if !lane.admits(&due) {
            self.ask_refill(id);
            return;
        }
        if !self.known.admit(&due) {
            return;
        }
        let event = if keep_event { event } else { None };
        if event.is_some() {
            self.event_bytes += bytes;
        }
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.push(Waiting { due, event });
        }
        self.enter_ring(id);
    }

    /// The lane, made if need be; `None` if its endpoint does not exist (any more).
    fn lane_or_new(
        &mut self,
        id: LaneId,
        endpoint: Option<crate::id::EndpointId>,
        directory: &Directory,
        now: Instant,
    ) -> Option<&mut Lane> {
        use std::collections::hash_map::Entry;
        match self.lanes.entry(id) {
            Entry::Occupied(entry) => {
                let lane = entry.into_mut();
                // Made for a hold before this node knew the endpoint: it would be taken for an inline one.
                if lane.courier.endpoint.is_none()
                    && let Some(endpoint) = endpoint.and_then(|endpoint| directory.endpoint(endpoint))
                {
                    lane.courier = Arc::new(Courier::of_endpoint(endpoint, &self.egress));
                    lane.configure(endpoint, now);
                }
                Some(lane)
            }
            Entry::Vacant(entry) => {
                let lane = match endpoint {
                    Some(endpoint) => {
                        let endpoint = directory.endpoint(endpoint)?;
                        let courier = Courier::of_endpoint(endpoint, &self.egress);
                        Lane::new(Arc::new(courier), Some(endpoint), now)
                    }
                    None => Lane::new(Arc::new(Courier::inline()), None, now),
                };
                Some(entry.insert(lane))
            }
        }
    }

    /// An endpoint was changed: new limits and connections; what was decided under the old budget is read again.
    pub(crate) fn reconfigure(&mut self, endpoint: &Endpoint, now: Instant) {
        let id = endpoint.lane();
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        lane.courier = Arc::new(Courier::of_endpoint(endpoint, &self.egress));
        if lane.configure(endpoint, now) {
            // Its rows have a refilled budget now, and those in memory do not know.
            let removed = lane.remove_waiting(|_| true);
            lane.read_again();
            self.forget(&removed);
            self.ask_refill(id);
        }
        self.enter_ring(id);
    }

    /// An endpoint was deleted: its deliveries are cancelled.
    pub(crate) fn remove_lane(&mut self, id: LaneId) {
        self.forget_lane(id);
        self.ring.retain(|lane| *lane != id);
        self.waiting_slow.retain(|lane| *lane != id);
    }

    fn forget_lane(&mut self, id: LaneId) {
        if let Some(mut lane) = self.lanes.remove(&id) {
            let removed = lane.remove_waiting(|_| true);
            self.forget(&removed);
        }
    }

    /// An event was expunged: its deliveries are cancelled.
    pub(crate) fn remove_event(&mut self, event: EventId) {
        let mut removed = Vec::new();
        for lane in self.lanes.values_mut() {
            removed.extend(lane.remove_waiting(|due| due.id.event() == event));
        }
        self.forget(&removed);
    }

    fn forget(&mut self, removed: &[Waiting]) {
        for waiting in removed {
            self.known.forget(waiting.due.id);
            self.event_bytes -= waiting.event.as_deref().map_or(0, payload_bytes);
        }
    }

    /// A lane may not send until a moment.
    pub(crate) fn hold(&mut self, id: LaneId, until: Instant, directory: &Directory, now: Instant) {
        let endpoint = directory.endpoint_of_lane(id);
        if !self.owns(id.shard()) {
            return;
        }
        if let Some(lane) = self.lane_or_new(id, endpoint, directory, now) {
            lane.hold(until);
        }
    }

    /// The next delivery to send, if any lane may send one.
    pub(crate) fn pick(&mut self, now: Instant) -> Option<Picked> {
        self.pass_time(now);
        while let Some(&id) = self.ring.front() {
            let Some(lane) = self.lanes.get_mut(&id) else {
                self.ring.pop_front();
                continue;
            };
            let cost = lane.cost();
            if lane.deficit < cost {
                lane.deficit += QUANTUM;
                self.ring.rotate_left(1);
                continue;
            }
            let pool = lane.pool();
            if !self.permits.has_room(pool) {
                if pool == Pool::Fast {
                    return None;
                }
                if !std::mem::replace(&mut lane.waits_for_slow, true) {
                    self.waiting_slow.push_back(id);
                }
                self.leave_ring();
                continue;
            }
            if let Some(block) = lane.blocked(now) {
                self.leave_ring();
                if let Block::Until(until) = block {
                    self.timers.push(Reverse((until, id)));
                }
                self.ask_refill(id);
                continue;
            }
            lane.deficit -= cost;
            let Some(Waiting { due, event }) = lane.pop() else { continue };
            let courier = Arc::clone(&lane.courier);
            self.event_bytes -= event.as_deref().map_or(0, payload_bytes);
            self.permits.take(pool);
            self.known.turn(due.id, Doing::Open { pool, since: now });
            if pool == Pool::Fast {
                self.opened.push_back((now, due.id));
            }
            self.ask_refill(id);
            return Some(Picked { due, event, courier });
        }
        None
    }

    /// The lane at the front cannot send now. What it had saved up is forfeit: credit is for those who wait their turn.
    fn leave_ring(&mut self) {
        if let Some(lane) = self.ring.pop_front().and_then(|id| self.lanes.get_mut(&id)) {
            lane.in_ring = false;
            lane.deficit = 0.0;
        }
    }

    fn enter_ring(&mut self, id: LaneId) {
        if let Some(lane) = self.lanes.get_mut(&id)
            && !lane.in_ring
            && lane.has_work()
        {
            lane.in_ring = true;
            self.ring.push_back(id);
        }
    }

    /// Lets lanes that wait for a slow place compete for `places` of them. Those that have nothing to send any more
    /// must not keep the place from others.
    fn wake_slow(&mut self, mut places: usize) {
        while places > 0
            && let Some(id) = self.waiting_slow.pop_front()
        {
            if let Some(lane) = self.lanes.get_mut(&id) {
                lane.waits_for_slow = false;
                places -= usize::from(lane.has_work());
            }
            self.enter_ring(id);
        }
    }

    fn ask_refill(&mut self, id: LaneId) {
        if let Some(lane) = self.lanes.get_mut(&id)
            && lane.wants_refill()
        {
            lane.refilling = true;
            self.refills.push(id);
        }
    }

    /// What the clock alone changes: holds and rates that ran out, requests that turned out slow.
    fn pass_time(&mut self, now: Instant) {
        while let Some(&Reverse((at, id))) = self.timers.peek() {
            if at > now {
                break;
            }
            self.timers.pop();
            self.enter_ring(id);
        }
        while let Some(&(since, id)) = self.opened.front() {
            if now.saturating_duration_since(since) < SLOW_AFTER {
                break;
            }
            self.opened.pop_front();
            self.slow_down(id, since);
        }
        if !self.foreign.is_empty() {
            self.end_foreign(now);
        }
        // A place may be free although whoever was woken for it did not take it: held, stopped or full by then.
        self.wake_slow(self.permits.room(Pool::Slow));
        if now.saturating_duration_since(*self.pruned_at.get_or_insert(now)) >= PRUNE_EVERY {
            self.pruned_at = Some(now);
            self.lanes.retain(|_, lane| !lane.is_idle(now));
        }
    }

    fn slow_down(&mut self, id: DeliveryId, opened: Instant) {
        let Some(Doing::Open { pool: Pool::Fast, since }) = self.known.doing(id) else { return };
        if since != opened {
            return;
        }
        self.permits.slow_down();
        self.known.turn(id, Doing::Open { pool: Pool::Slow, since });
        if let Some(lane) = self.known.lane(id).and_then(|lane| self.lanes.get_mut(&lane)) {
            lane.mark_slow();
        }
    }

    fn end_foreign(&mut self, now: Instant) {
        let (ended, open) = self.foreign.drain(..).partition(|&(_, _, until)| until <= now);
        self.foreign = open;
        for (id, lane, _) in Vec::from_iter::<Vec<_>>(ended) {
            self.known.forget(id);
            self.reopen(lane);
        }
    }

    /// One request fewer counts as open in a lane, and what it was for may be due again: nobody here knows.
    fn reopen(&mut self, id: LaneId) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.closed();
            lane.read_again();
        }
        self.ask_refill(id);
        self.enter_ring(id);
    }

    /// A picked delivery's request has ended, its outcome is going to be recorded.
    pub(crate) fn ended(&mut self, due: &Due, took: Duration, reachable: bool) {
        self.give_back(due.id, Doing::Recording);
        if let Some(lane) = self.lanes.get_mut(&due.lane) {
            lane.ended(took, reachable);
        }
        self.enter_ring(due.lane);
    }

    /// A picked delivery turned out to be cancelled: nothing was sent and nothing is to be recorded.
    pub(crate) fn vanished(&mut self, due: &Due) {
        self.give_back(due.id, Doing::Recording);
        self.known.recorded(due.id);
        if let Some(lane) = self.lanes.get_mut(&due.lane) {
            lane.closed();
        }
        self.enter_ring(due.lane);
    }

    /// A picked delivery was not sent, and is as due as it was.
    pub(crate) fn returned(&mut self, due: &Due) {
        self.give_back(due.id, Doing::Waiting);
        self.known.forget(due.id);
        self.reopen(due.lane);
    }

    /// The place of a picked delivery's request is free again.
    fn give_back(&mut self, id: DeliveryId, next: Doing) {
        if let Some(Doing::Open { pool, .. }) = self.known.doing(id) {
            self.permits.give_back(pool);
            self.known.turn(id, next);
            if pool == Pool::Slow {
                self.wake_slow(1);
            }
        }
    }

    /// Outcomes are committed.
    pub(crate) fn settled(&mut self, ids: impl IntoIterator<Item = DeliveryId>) {
        for id in ids {
            self.known.recorded(id);
        }
    }

    /// A read of the database begins; give the number to [`Lanes::read_applied`] once its rows are admitted.
    pub(crate) fn read_started(&mut self) -> u64 {
        self.known.read_started()
    }

    /// The rows of a read have been admitted.
    pub(crate) fn read_applied(&mut self, read: u64) {
        self.known.read_applied(read);
    }

    /// Lanes that have room for rows they had to leave in the database, and from where on to read.
    pub(crate) fn take_refills(&mut self, most: usize) -> Vec<(LaneId, Cursor)> {
        let count = self.refills.len().min(most);
        let ids: Vec<_> = self.refills.drain(..count).collect();
        ids.into_iter()
            .filter_map(|id| {
                let lane = self.lanes.get_mut(&id)?;
                // From here on new rows are admitted again; if the read is full the lane falls behind again.
                Some((id, lane.behind.take()?))
            })
            .collect()
    }

    /// The read for a lane has been admitted; `rest` is where it stopped if there may be more.
    pub(crate) fn refilled(&mut self, id: LaneId, rest: Option<Cursor>) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.refilling = false;
            lane.behind = match (lane.behind, rest) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        self.ask_refill(id);
    }

    /// When a held or rate-limited lane should be looked at again.
    pub(crate) fn next_timer(&self) -> Option<Instant> {
        self.timers.peek().map(|&Reverse((at, _))| at)
    }

    /// Requests open now.
    pub(crate) const fn open(&self) -> usize {
        self.permits.open()
    }
}

fn payload_bytes(event: &LoadedEvent) -> usize {
    event.payload.as_ref().map_or(0, bytes::Bytes::len)
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

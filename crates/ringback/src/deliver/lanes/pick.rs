//! Which delivery may be sent next: deficit round robin over the lanes in the ring.
//!
//! A lane stands in the ring while it has work and nothing is known that keeps it from sending. One that cannot send
//! leaves, and whatever unblocks it brings it back: an answer, a moment, a change, a place in the slow pool.

use std::{
    cmp::Reverse,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Lanes, Picked,
    known::Doing,
    lane::{Block, Waiting},
    payload_bytes,
    permits::{Pool, SLOW_AFTER},
};
use crate::{delivery::LaneId, id::DeliveryId};

/// What a lane may spend in one turn, in units of cost.
const QUANTUM: f32 = 8.0;

/// Lanes without work are forgotten this often: destinations that come with events are without number.
pub(super) const PRUNE_EVERY: Duration = Duration::from_secs(60);

impl Lanes {
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
            self.ask_ahead(id);
            return Some(Picked { due, event, courier });
        }
        None
    }

    /// What the clock alone changes: holds and rates that ran out, requests that turned out slow.
    fn pass_time(&mut self, now: Instant) {
        while let Some(&Reverse((at, id))) = self.timers.peek() {
            if at > now {
                break;
            }
            self.timers.pop();
            self.end_hold(id, now);
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

    pub(super) fn enter_ring(&mut self, id: LaneId) {
        if let Some(lane) = self.lanes.get_mut(&id)
            && !lane.in_ring
            && lane.has_work()
        {
            lane.in_ring = true;
            self.ring.push_back(id);
        }
    }

    /// The lane at the front cannot send now. What it had saved up is forfeit: credit is for those who wait their turn.
    fn leave_ring(&mut self) {
        if let Some(lane) = self.ring.pop_front().and_then(|id| self.lanes.get_mut(&id)) {
            lane.in_ring = false;
            lane.deficit = 0.0;
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

    /// Lets lanes that wait for a slow place compete for `places` of them. Those that have nothing to send any more
    /// must not keep the place from others.
    pub(super) fn wake_slow(&mut self, mut places: usize) {
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
}

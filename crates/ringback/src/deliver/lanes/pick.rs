//! Which delivery may be sent next: the pools of places take turns, and in each pool the lanes that stand in line.
//!
//! A lane that cannot send leaves the line; what unblocks it puts it back: an answer, a timer, a change. While a pool is
//! full its line stands still, and no lane loses its turn.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Lanes, Picked,
    known::Doing,
    lane::Block,
    payload_bytes,
    permits::{Pool, SLOW_AFTER},
    queue::Waiting,
    turns::QUANTUM,
};
use crate::{
    delivery::{Due, LaneId},
    id::DeliveryId,
    store::LoadedEvent,
};

/// How often idle lanes are forgotten: inline destinations are unbounded in number.
pub(super) const PRUNE_EVERY: Duration = Duration::from_secs(60);

impl Lanes {
    /// The next delivery to send, if any lane may send one.
    pub(crate) fn pick(&mut self, now: Instant) -> Option<Picked> {
        self.pass_time(now);
        let first = self.next_pool;
        // Each pick begins with another pool, so that no pool starves the others when sending is the bottleneck.
        self.next_pool = (first + 1) % Pool::ALL.len();
        // Two passes: a lane may move from this pool's line to that of a pool that was asked before.
        let mut pools = Pool::ALL.iter().cycle().skip(first).take(2 * Pool::ALL.len());
        pools.find_map(|&pool| self.pick_from(pool, now))
    }

    fn pick_from(&mut self, pool: Pool, now: Instant) -> Option<Picked> {
        while self.permits.has_room(pool)
            && let Some((tenant, id)) = self.turns[pool as usize].front()
        {
            let Some(lane) = self.lanes.get_mut(&id) else {
                self.turns[pool as usize].leave();
                continue;
            };
            // Since it entered the line, the lane has become slow or fast, or its tenant has become known.
            if (self.permits.start(lane.pool()), lane.tenant) != (pool, tenant) {
                self.leave_line(pool, id);
                self.enter_ring(id);
                continue;
            }
            let cost = lane.cost();
            if lane.deficit < cost {
                lane.deficit += QUANTUM;
                self.turns[pool as usize].next_lane();
                continue;
            }
            if !self.turns[pool as usize].can_pay(cost, self.tenants.weight(tenant)) {
                continue;
            }
            let block = if self.permits.grants(pool, lane.open()) { lane.blocked(now) } else { Some(Block::Full) };
            if let Some(block) = block {
                self.leave_line(pool, id);
                if let Block::Until(until) = block {
                    self.set_timer(id, until);
                }
                self.ask_top_up(id);
                continue;
            }
            lane.deficit -= cost;
            self.turns[pool as usize].pay(cost);
            if let Some(picked) = self.open_next(id, pool, now) {
                return Some(picked);
            }
        }
        None
    }

    /// Takes the lane's next delivery out; its request is open from now on.
    fn open_next(&mut self, id: LaneId, pool: Pool, now: Instant) -> Option<Picked> {
        let lane = self.lanes.get_mut(&id)?;
        let waiting = lane.pop()?;
        // `blocked` looked at the first delivery; ordering keys may have made `pop` take another.
        if waiting.event.is_some()
            && let Err(block) = lane.send(&waiting.due, now)
        {
            lane.put_back(waiting);
            if let Block::Until(until) = block {
                self.set_timer(id, until);
            }
            return None;
        }
        let Waiting { due, event } = waiting;
        let courier = Arc::clone(&lane.courier);
        self.event_bytes -= event.as_deref().map_or(0, payload_bytes);
        self.permits.take(pool);
        if event.is_some() {
            self.opens(due.id, pool, now);
        } else {
            self.known.turn(due.id, Doing::Loading { pool });
        }
        self.ask_top_up(id);
        self.ask_ahead(id);
        Some(Picked { due, event, courier })
    }

    /// The event of a picked delivery has been read, or is gone: the request is open from now on. False if the delivery must
    /// not be sent, because this node lost its shard or its lane may not send any more; its place is free then.
    pub(crate) fn begin(&mut self, due: &Due, event: Option<&Arc<LoadedEvent>>, now: Instant) -> bool {
        let Some(pool) = self.known.loading(due) else { return false };
        let sent = self.lanes.get_mut(&due.lane).map_or(Ok(()), |lane| lane.send(due, now));
        match (sent, event) {
            (Ok(()), _) => self.opens(due.id, pool, now),
            (Err(Block::Until(until)), Some(event)) => {
                self.put_back(Waiting { due: due.clone(), event: Some(Arc::clone(event)) });
                self.set_timer(due.lane, until);
            }
            (Err(_), _) => self.returned(due),
        }
        sent.is_ok()
    }

    /// A picked delivery waits again, with its event in memory.
    fn put_back(&mut self, waiting: Waiting) {
        self.give_back(waiting.due.id, Doing::Waiting);
        self.event_bytes += waiting.event.as_deref().map_or(0, payload_bytes);
        if let Some(lane) = self.lanes.get_mut(&waiting.due.lane) {
            lane.put_back(waiting);
        }
    }

    fn opens(&mut self, id: DeliveryId, pool: Pool, now: Instant) {
        self.known.turn(id, Doing::Open { pool, since: now });
        if pool != Pool::Slow {
            self.opened.push_back((now, id));
        }
    }

    /// Does what has become due by time alone: ends holds, moves slow requests, ends foreign requests, forgets idle lanes.
    fn pass_time(&mut self, now: Instant) {
        while let Some(id) = self.take_timer(now) {
            self.end_hold(id, now);
        }
        while let Some(&(since, id)) = self.opened.front() {
            if now.saturating_duration_since(since) < SLOW_AFTER {
                break;
            }
            self.opened.pop_front();
            self.slow_down(id, since);
        }
        self.move_slowed();
        if !self.foreign.is_empty() {
            self.end_foreign(now);
        }
        if now.saturating_duration_since(*self.pruned_at.get_or_insert(now)) >= PRUNE_EVERY {
            self.pruned_at = Some(now);
            let tenants = &mut self.tenants;
            self.lanes.retain(|_, lane| {
                let idle = lane.is_idle(now);
                if idle {
                    tenants.remove_lane(lane.tenant);
                }
                !idle
            });
        }
    }

    /// A lane that has work stands in line, unless it does already.
    pub(super) fn enter_ring(&mut self, id: LaneId) {
        if let Some(lane) = self.lanes.get_mut(&id)
            && lane.in_line.is_none()
            && lane.has_work()
        {
            let pool = self.permits.start(lane.pool());
            lane.in_line = Some((pool, lane.tenant));
            lane.deficit = QUANTUM;
            self.turns[pool as usize].enter(lane.tenant, self.tenants.weight(lane.tenant), id);
        }
    }

    /// The lane at the front cannot send now. It loses its saved deficit: only lanes that stand in line may save.
    fn leave_line(&mut self, pool: Pool, id: LaneId) {
        self.turns[pool as usize].leave();
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.in_line = None;
        }
    }

    /// A request has been open for long: its lane starts further ones in the slow pool, and the request itself waits to
    /// move there.
    fn slow_down(&mut self, id: DeliveryId, opened: Instant) {
        let Some(Doing::Open { pool, since }) = self.known.doing(id) else { return };
        if since != opened || pool == Pool::Slow {
            return;
        }
        if let Some(lane) = self.known.lane(id).and_then(|lane| self.lanes.get_mut(&lane)) {
            lane.mark_slow();
        }
        if self.permits.are_divided() {
            self.slowed.push_back((since, id));
        }
    }

    /// Requests that have been open for long move to the slow pool, as many as it has places for.
    fn move_slowed(&mut self) {
        while self.permits.has_room_for_slowed()
            && let Some((opened, id)) = self.slowed.pop_front()
        {
            if let Some(Doing::Open { pool, since }) = self.known.doing(id)
                && since == opened
                && pool != Pool::Slow
                && self.permits.slow_down(pool)
            {
                self.known.turn(id, Doing::Open { pool: Pool::Slow, since });
            }
        }
    }
}

//! What operators change about lanes: limits, pauses, deletion, expunged events.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tokio::time::Instant;

use super::{Courier, Lanes, known::Doing, payload_bytes, queue::Waiting};
use crate::{
    delivery::{Due, HoldReason, LaneId},
    endpoint::Endpoint,
    id::{DeliveryId, EventId},
};

impl Lanes {
    /// An endpoint was changed: its lane gets new limits and connections, and its rows are read again.
    pub(crate) fn reconfigure(&mut self, endpoint: &Endpoint, now: Instant) {
        let id = endpoint.lane();
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let before = std::mem::replace(&mut lane.courier, Arc::new(Courier::of_endpoint(endpoint, &self.egress)));
        lane.configure(endpoint, now);
        // The change may have refilled the rows' attempt budgets; the copies in memory still have the old ones.
        let removed = lane.remove_waiting(|_| true);
        lane.read_again();
        self.forget(&removed);
        self.give_a_chance(id, &before, now);
        if removed.iter().any(|waiting| waiting.due.marks.test) {
            self.force_top_up(id);
        }
        self.ask_top_up(id);
        self.enter_ring(id);
    }

    /// Whoever changes or resumes an endpoint wants to see it work: if the receiver was failing, the hold ends now. If it
    /// asked for time, the hold stays, unless the endpoint has a new URL and so another receiver.
    fn give_a_chance(&mut self, id: LaneId, before: &Courier, now: Instant) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        if lane.courier.version == before.version {
            return;
        }
        lane.health.given_a_chance();
        lane.paused_until = None;
        let is_another = lane.courier.url != before.url;
        let reasons = [HoldReason::Failing, HoldReason::RetryAfter];
        self.lift_hold(id, if is_another { &reasons } else { &reasons[..1] }, now);
    }

    /// An endpoint was deleted: its deliveries are cancelled.
    pub(crate) fn remove_lane(&mut self, id: LaneId) {
        self.forget_lane(id);
    }

    /// Removes the lane with all that waits in it. Its open requests go on.
    pub(super) fn forget_lane(&mut self, id: LaneId) {
        if let Some(mut lane) = self.lanes.remove(&id) {
            let removed = lane.remove_waiting(|_| true);
            self.forget(&removed);
            self.tenants.remove_lane(lane.tenant);
            if let Some((pool, tenant)) = lane.in_line {
                self.turns[pool as usize].remove(tenant, id);
            }
        }
    }

    /// Whether a picked delivery's lane is as it was then: the same endpoint, unchanged, and still this node's.
    pub(crate) fn is_as_picked(&self, due: &Due, courier: &Arc<Courier>) -> bool {
        self.lanes.get(&due.lane).is_some_and(|lane| Arc::ptr_eq(&lane.courier, courier))
    }

    /// An event was expunged: its deliveries are cancelled.
    pub(crate) fn remove_event(&mut self, event: EventId) {
        let mut removed = Vec::new();
        for lane in self.lanes.values_mut() {
            removed.extend(lane.remove_waiting(|due| due.id.event() == event));
        }
        self.forget(&removed);
    }

    /// These deliveries expired before a first attempt: they leave their lanes, and count as being recorded. Returns those
    /// of which no request is open, by what this node knows.
    pub(crate) fn give_up<T>(&mut self, mut overdue: Vec<(Due, T)>) -> Vec<(Due, T)> {
        overdue.retain(|(due, _)| {
            self.owns(due.lane.shard()) && matches!(self.known.doing(due.id), None | Some(Doing::Waiting))
        });
        let mut waiting = HashMap::<LaneId, HashSet<DeliveryId>>::new();
        for (due, _) in overdue.iter().filter(|(due, _)| self.known.doing(due.id).is_some()) {
            waiting.entry(due.lane).or_default().insert(due.id);
        }
        for (id, ids) in waiting {
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            let removed = lane.remove_waiting(|due| ids.contains(&due.id));
            self.forget(&removed);
            self.ask_top_up(id);
        }
        for (due, _) in &overdue {
            self.known.set(due.id, due.attempts, due.lane, Doing::Recording);
        }
        overdue
    }

    /// Rows were removed from their lane: later reads may admit them again.
    pub(super) fn forget(&mut self, removed: &[Waiting]) {
        for waiting in removed {
            self.known.forget(waiting.due.id);
            self.event_bytes -= waiting.event.as_deref().map_or(0, payload_bytes);
        }
    }
}

//! What operators and receivers change about lanes: limits, pauses, holds, deletion, expunged events.

use std::{sync::Arc, time::Instant};

use super::{Courier, Lanes, lane::Waiting, payload_bytes};
use crate::{delivery::LaneId, directory::Directory, endpoint::Endpoint, id::EventId};

impl Lanes {
    /// An endpoint was changed: new limits and connections; what was decided under the old budget is read again.
    pub(crate) fn reconfigure(&mut self, endpoint: &Endpoint, now: Instant) {
        let id = endpoint.lane();
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        lane.courier = Arc::new(Courier::of_endpoint(endpoint, &self.egress));
        lane.configure(endpoint, now);
        // Its rows may have a refilled budget now, and those in memory do not know.
        let removed = lane.remove_waiting(|_| true);
        lane.read_again();
        self.forget(&removed);
        self.ask_refill(id);
        self.enter_ring(id);
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

    /// An endpoint was deleted: its deliveries are cancelled.
    pub(crate) fn remove_lane(&mut self, id: LaneId) {
        self.forget_lane(id);
        self.ring.retain(|lane| *lane != id);
        self.waiting_slow.retain(|lane| *lane != id);
    }

    pub(super) fn forget_lane(&mut self, id: LaneId) {
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

    pub(super) fn forget(&mut self, removed: &[Waiting]) {
        for waiting in removed {
            self.known.forget(waiting.due.id);
            self.event_bytes -= waiting.event.as_deref().map_or(0, payload_bytes);
        }
    }
}

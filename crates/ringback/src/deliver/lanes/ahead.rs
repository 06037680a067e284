//! Events read before their turn, so that a lane with a backlog is not asked for them request by request.
//!
//! A lane that is running out of events names the next rows that it is going to send; they are read in one statement
//! with others' and put beside their rows. Meanwhile the lane goes on with those it has, and then waits for the read.
//! What finds no room in memory is read when its turn has come.

use std::{collections::HashMap, sync::Arc};

use super::{Lanes, payload_bytes};
use crate::{
    delivery::LaneId,
    id::{DeliveryId, EventId},
    store::LoadedEvent,
};

/// Most rows named at once, of all lanes together.
const ROWS_MAX: usize = 512;

/// Payload bytes in memory beyond which nothing is read ahead.
const BYTES_ENOUGH: usize = 32 * 1024 * 1024;

/// Rows whose events are to be read, by lane.
pub(crate) type Ahead = Vec<(LaneId, Vec<DeliveryId>)>;

impl Lanes {
    /// What to read now. Each lane in it waits for [`Lanes::looked_ahead`].
    pub(crate) fn look_ahead(&mut self) -> Ahead {
        let mut ahead = Vec::new();
        let mut room = ROWS_MAX;
        while room > 0
            && self.event_bytes < BYTES_ENOUGH
            && let Some(id) = self.hungry.pop_front()
        {
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            let rows = lane.look_ahead(room);
            if !rows.is_empty() {
                room -= rows.len();
                ahead.push((id, rows));
            }
        }
        // There is no room for more: their lanes are asked again at their next request.
        for id in self.hungry.drain(..) {
            if let Some(lane) = self.lanes.get_mut(&id) {
                lane.sated();
            }
        }
        ahead
    }

    /// The read that [`Lanes::look_ahead`] asked for has ended, whatever it brought.
    pub(crate) fn looked_ahead(&mut self, ahead: &Ahead, events: &HashMap<EventId, Arc<LoadedEvent>>) {
        for (id, rows) in ahead {
            let Some(lane) = self.lanes.get_mut(id) else { continue };
            for event in lane.looked_ahead(rows.len(), events) {
                self.event_bytes += payload_bytes(event);
            }
            self.enter_ring(*id);
        }
    }

    /// A lane has sent something: perhaps it should be asked what comes next.
    pub(super) fn ask_ahead(&mut self, id: LaneId) {
        if let Some(lane) = self.lanes.get_mut(&id)
            && lane.wants_events()
        {
            self.hungry.push_back(id);
        }
    }
}

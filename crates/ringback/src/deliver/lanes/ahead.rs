//! Prefetch: events are read before their delivery's turn, so that a backlog does not cost one read for each request.
//!
//! A lane that is running out of events names the rows that it will send next; one statement reads the events of several
//! lanes, and each is put beside its row. Meanwhile the lane sends what it has events for, then waits for the read. An
//! event that finds no room in memory is read when its delivery's turn has come.

use std::{collections::HashMap, sync::Arc};

use super::{Lanes, admit::EVENT_BYTES_MAX, payload_bytes};
use crate::{
    delivery::LaneId,
    id::{DeliveryId, EventId},
    store::LoadedEvent,
};

/// Most rows whose events are being read, of all lanes together.
const ROWS_MAX: usize = 512;

/// Payload bytes that may be on their way at once, estimated from the mean size of the payloads read lately.
const READ_BYTES: usize = 16 * 1024 * 1024;

/// Payload bytes in memory beyond which nothing is read ahead.
const BYTES_ENOUGH: usize = 32 * 1024 * 1024;

/// The payload size, in bytes, that is assumed before any payload was read. It is high, so that few rows are read at first.
pub(super) const PAYLOAD_AT_FIRST: usize = 256 * 1024;

/// Rows whose events are to be read, by lane.
pub(crate) type Ahead = Vec<(LaneId, Vec<DeliveryId>)>;

impl Lanes {
    /// The rows whose events are to be read now. Their lanes count on a call of [`Lanes::looked_ahead`].
    pub(crate) fn look_ahead(&mut self) -> Ahead {
        let mut ahead = Vec::new();
        for id in std::mem::take(&mut self.out_of_events) {
            let room = self.room_ahead();
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            let rows = lane.look_ahead(room);
            if rows.is_empty() {
                self.enter_ring(id); // It may have left the line to wait for this read.
            } else {
                self.rows_ahead += rows.len();
                ahead.push((id, rows));
            }
        }
        ahead
    }

    /// How many more rows may be read ahead now.
    fn room_ahead(&self) -> usize {
        if self.event_bytes >= BYTES_ENOUGH {
            return 0;
        }
        let most = ROWS_MAX.min(READ_BYTES / self.payload_lately.max(1));
        most.saturating_sub(self.rows_ahead)
    }

    /// The read that [`Lanes::look_ahead`] asked for has ended, even if it failed and brought no event.
    pub(crate) fn looked_ahead(&mut self, ahead: &Ahead, events: &HashMap<EventId, Arc<LoadedEvent>>) {
        if !events.is_empty() {
            let mean = events.values().map(|event| payload_bytes(event)).sum::<usize>() / events.len();
            self.payload_lately = (self.payload_lately + mean) / 2;
        }
        for (id, rows) in ahead {
            self.rows_ahead = self.rows_ahead.saturating_sub(rows.len());
            let Some(lane) = self.lanes.get_mut(id) else { continue };
            let most = if self.event_bytes < EVENT_BYTES_MAX { rows.len() } else { 0 };
            for event in lane.looked_ahead(most, events) {
                self.event_bytes += payload_bytes(event);
            }
            self.enter_ring(*id);
        }
    }

    /// A lane has sent a delivery: its next events are read ahead if it is running out of them.
    pub(super) fn ask_ahead(&mut self, id: LaneId) {
        if self.room_ahead() > 0
            && let Some(lane) = self.lanes.get_mut(&id)
            && lane.wants_events()
        {
            self.out_of_events.push_back(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{deliver::lanes::Limits, event::Event, time::Timestamp};

    fn lanes() -> Lanes {
        Lanes::new(Limits::default())
    }

    #[test]
    fn rows_are_named_for_16_mib_of_payloads_like_those_of_late() {
        let mut lanes = lanes();
        assert_eq!(lanes.room_ahead(), 64, "a payload is taken for 256 KiB at first");
        lanes.rows_ahead = 60;
        assert_eq!(lanes.room_ahead(), 4);
        lanes.payload_lately = 0;
        assert_eq!(lanes.room_ahead(), 512 - 60);
        lanes.event_bytes = (32 << 20) - 1;
        assert_eq!(lanes.room_ahead(), 512 - 60);
        lanes.event_bytes += 1;
        assert_eq!(lanes.room_ahead(), 0, "enough is in memory");
    }

    #[test]
    fn a_read_tells_what_payloads_are_like() {
        let mut lanes = lanes();
        lanes.payload_lately = 1_000;
        let events = [100, 300].map(|bytes| {
            let event = Event::plain(EventId::floor(Timestamp::from_millis(bytes)));
            let payload = Some(vec![0; bytes as usize].into());
            (event.id, Arc::new(LoadedEvent { event, payload }))
        });
        lanes.looked_ahead(&Ahead::new(), &events.into());
        assert_eq!(lanes.payload_lately, 600);
        lanes.looked_ahead(&Ahead::new(), &HashMap::new());
        assert_eq!(lanes.payload_lately, 600, "a read that failed tells nothing");
    }
}

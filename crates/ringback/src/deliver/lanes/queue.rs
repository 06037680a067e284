//! A queue of waiting rows; those that are next have their events beside them.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use crate::{
    delivery::Due,
    id::{DeliveryId, EventId},
    store::LoadedEvent,
};

/// A waiting delivery, with its event if that is in memory.
pub(super) struct Waiting {
    pub(super) due: Due,
    pub(super) event: Option<Arc<LoadedEvent>>,
}

/// Some of a lane's rows.
#[derive(Default)]
pub(super) struct Queue {
    rows: VecDeque<Waiting>,
    /// How many rows have their events beside them.
    with_events: usize,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.rows.iter()
    }

    pub(super) fn front(&self) -> Option<&Waiting> {
        self.rows.front()
    }

    pub(super) fn push_back(&mut self, waiting: Waiting) {
        self.with_events += usize::from(waiting.event.is_some());
        self.rows.push_back(waiting);
    }

    pub(super) fn push_front(&mut self, waiting: Waiting) {
        self.with_events += usize::from(waiting.event.is_some());
        self.rows.push_front(waiting);
    }

    pub(super) fn pop_front(&mut self) -> Option<Waiting> {
        let waiting = self.rows.pop_front()?;
        self.with_events -= usize::from(waiting.event.is_some());
        Some(waiting)
    }

    /// Removes the rows that match.
    pub(super) fn remove(&mut self, matches: impl Fn(&Due) -> bool) -> Vec<Waiting> {
        if !self.rows.iter().any(|waiting| matches(&waiting.due)) {
            return Vec::new();
        }
        let (removed, kept): (Vec<_>, Vec<_>) = self.rows.drain(..).partition(|waiting| matches(&waiting.due));
        self.rows = kept.into();
        self.with_events -= removed.iter().filter(|waiting| waiting.event.is_some()).count();
        removed
    }

    /// Whether fewer than `enough` rows have events, and there are rows without.
    pub(super) fn lacks_events(&self, enough: usize) -> bool {
        self.with_events < enough.min(self.rows.len())
    }

    /// The rows without events among the first `reach` rows, at most `most`.
    pub(super) fn without_events(&self, reach: usize, most: usize) -> Vec<DeliveryId> {
        let bare = self.rows.iter().take(reach).filter(|waiting| waiting.event.is_none());
        bare.take(most).map(|waiting| waiting.due.id).collect()
    }

    /// Puts events beside at most `most` rows that have none yet; returns the events that it kept.
    pub(super) fn add_events<'a>(
        &mut self,
        events: &'a HashMap<EventId, Arc<LoadedEvent>>,
        most: usize,
    ) -> Vec<&'a LoadedEvent> {
        let bare = self.rows.iter_mut().filter(|waiting| waiting.event.is_none());
        let found = bare.filter_map(|waiting| {
            let event = events.get(&waiting.due.id.event()).filter(|event| event.payload.is_some())?;
            waiting.event = Some(Arc::clone(event));
            Some(&**event)
        });
        let kept: Vec<_> = found.take(most).collect();
        self.with_events += kept.len();
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        delivery::{LaneId, Marks},
        event::Event,
        time::Timestamp,
    };

    fn waiting(seq: i64, has_event: bool) -> Waiting {
        let id = EventId::floor(Timestamp::from_millis(seq)).delivery(1);
        let due = Due {
            id,
            lane: LaneId::from_i64(1),
            endpoint: None,
            due_at: Timestamp::default(),
            seq,
            attempts: 0,
            attempts_at_refill: 0,
            marks: Marks::default(),
            ordering_key: None,
        };
        let event = has_event.then(|| Arc::new(LoadedEvent { event: Event::plain(id.event()), payload: None }));
        Waiting { due, event }
    }

    #[test]
    fn rows_with_events_are_counted_however_they_come_and_go() {
        let mut queue = Queue::default();
        queue.push_back(waiting(2, false));
        queue.push_front(waiting(1, true));
        queue.push_front(waiting(3, true));
        assert!(!queue.lacks_events(2) && queue.lacks_events(3));
        queue.pop_front();
        assert!(!queue.lacks_events(1) && queue.lacks_events(2));
        queue.remove(|due| due.seq == 1);
        assert!(!queue.lacks_events(0) && queue.lacks_events(1));
    }
}

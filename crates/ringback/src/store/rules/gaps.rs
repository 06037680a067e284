//! What became of keys, from the events and deliveries that a store has read of them.

use std::collections::{BTreeMap, HashMap};

use crate::{
    delivery::Status,
    id::EventId,
    store::{Expected, Fate, LATE_AFTER, Outcome, Standing},
};

/// Of one key at most so many events are looked at, the newest, whichever tenant they are of: a call has a handful.
pub const EVENTS_OF_KEY: u32 = 1_000;

/// So many deliveries are read at once.
pub const STANDINGS: u32 = 20_000;

/// What is known of some keys so far. A store adds what it reads, in any order.
#[derive(Debug)]
pub struct Gathered<'a> {
    expected: &'a Expected,
    /// For each key that was given, which of the different ones it is.
    given: Vec<usize>,
    /// Each key once.
    keys: Vec<&'a str>,
    /// The worst of each key.
    worst: Vec<Option<Outcome>>,
    /// The events, each with its key, and whether it has a delivery to anybody.
    events: BTreeMap<EventId, (usize, bool)>,
}

impl<'a> Gathered<'a> {
    /// Nothing is known yet.
    #[must_use]
    pub fn of(keys: &'a [String], expected: &'a Expected) -> Self {
        let (mut places, mut different) = (HashMap::new(), Vec::new());
        let mut place = |key: &'a String| {
            *places.entry(key.as_str()).or_insert_with(|| {
                different.push(key.as_str());
                different.len() - 1
            })
        };
        let given = keys.iter().map(&mut place).collect();
        let worst = vec![None; different.len()];
        Self { expected, given, keys: different, worst, events: BTreeMap::new() }
    }

    /// The keys, each once: events name them by their place here.
    #[must_use]
    pub fn keys(&self) -> &[&'a str] {
        &self.keys
    }

    /// An event has the key at this place.
    pub fn add_event(&mut self, place: usize, event: EventId) {
        self.events.insert(event, (place, false));
    }

    /// The events so far, in the order of their ids.
    #[must_use]
    pub fn events(&self) -> Vec<EventId> {
        self.events.keys().copied().collect()
    }

    /// A delivery of one of the events.
    pub fn add_delivery(&mut self, standing: &Standing) {
        let Some((place, has_any)) = self.events.get_mut(&standing.id.event()) else { return };
        *has_any = true;
        if self.expected.endpoint.is_none_or(|id| standing.endpoint == Some(id)) {
            let late_after = self.expected.late_after.unwrap_or(LATE_AFTER);
            let accepted = standing.id.event().accepted_at();
            let fate = match standing.status {
                Status::Pending => Fate::Pending,
                Status::Dead => Fate::Dead,
                Status::Cancelled => Fate::Cancelled,
                Status::Delivered if standing.finished_at.is_some_and(|at| at.since(accepted) > late_after) => {
                    Fate::DeliveredLate
                }
                Status::Delivered => Fate::Delivered,
            };
            worsen(&mut self.worst, *place, Outcome { fate, delivery: Some(standing.id) });
        }
    }

    /// The events that have no delivery: whether they are routed has to be looked up.
    #[must_use]
    pub fn events_without_delivery(&self) -> Vec<EventId> {
        self.events.iter().filter(|(_, (_, has_any))| !has_any).map(|(event, _)| *event).collect()
    }

    /// One of the events is not routed yet.
    pub fn add_unrouted(&mut self, event: EventId) {
        if let Some((place, _)) = self.events.get(&event) {
            worsen(&mut self.worst, *place, Outcome { fate: Fate::Pending, delivery: None });
        }
    }

    /// What became of each key, in the order in which they were given.
    #[must_use]
    pub fn outcomes(&self) -> Vec<Outcome> {
        let mut outcomes: Vec<_> =
            self.keys.iter().map(|_| Outcome { fate: Fate::NeverEmitted, delivery: None }).collect();
        for (place, _) in self.events.values() {
            let unmatched = Outcome { fate: Fate::Unmatched, delivery: None };
            outcomes[*place] = self.worst[*place].unwrap_or(unmatched);
        }
        self.given.iter().map(|place| outcomes[*place]).collect()
    }
}

/// Of two that are alike the newer delivery says so.
fn worsen(worst: &mut [Option<Outcome>], place: usize, outcome: Outcome) {
    let rank = |outcome: &Outcome| Fate::ALL.iter().position(|each| *each == outcome.fate);
    let slot = &mut worst[place];
    let is_worse = |so_far: Outcome| {
        let (now, before) = (rank(&outcome), rank(&so_far));
        now < before || (now == before && outcome.delivery > so_far.delivery)
    };
    if slot.is_none_or(is_worse) {
        *slot = Some(outcome);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{id::EndpointId, time::Timestamp};

    fn event(second: u64) -> EventId {
        EventId::new(Timestamp::from_micros(1_700_000_000_000_000) + Duration::from_secs(second))
    }

    fn standing(event: EventId, number: u16, status: Status, seconds: u64) -> Standing {
        let finished_at = Some(event.accepted_at() + Duration::from_secs(seconds));
        Standing {
            id: event.delivery(number),
            endpoint: Some(EndpointId::from_uuid(uuid::Uuid::max())),
            status,
            finished_at,
        }
    }

    #[test]
    fn of_several_deliveries_the_worst_counts_and_keys_may_be_given_twice() {
        let keys = ["good", "bad", "good", "none", "nobody", "waits", "late"].map(str::to_owned);
        let expected = Expected::default();
        let mut gathered = Gathered::of(&keys, &expected);
        assert_eq!(gathered.keys(), ["good", "bad", "none", "nobody", "waits", "late"]);
        let events: Vec<_> = (0..6).map(event).collect();
        for (place, event) in [(0, 0), (1, 1), (1, 2), (3, 3), (4, 4), (5, 5)] {
            gathered.add_event(place, events[event]);
        }
        let (dead, delivered) = (Status::Dead, Status::Delivered);
        let dead = [standing(events[1], 1, dead, 9), standing(events[1], 2, dead, 9)];
        for given in [dead[1], dead[0], standing(events[2], 1, delivered, 1), standing(events[0], 1, delivered, 1)] {
            gathered.add_delivery(&given);
        }
        gathered.add_delivery(&standing(events[5], 1, delivered, 301));
        gathered.add_delivery(&standing(event(9), 1, Status::Dead, 1));
        assert_eq!(gathered.events_without_delivery(), [events[3], events[4]]);
        gathered.add_unrouted(events[4]);
        let told: Vec<_> = gathered.outcomes().iter().map(|outcome| outcome.fate).collect();
        use Fate::{Dead, Delivered, DeliveredLate, NeverEmitted, Pending, Unmatched};
        assert_eq!(told, [Delivered, Dead, Delivered, NeverEmitted, Unmatched, Pending, DeliveredLate]);
        assert_eq!(gathered.outcomes()[1].delivery, Some(dead[1].id));
    }

    #[test]
    fn deliveries_to_others_are_not_asked_about() {
        let keys = ["call".to_owned()];
        let other = Some(EndpointId::from_uuid(uuid::Uuid::nil()));
        let expected = Expected { endpoint: other, ..Expected::default() };
        let mut gathered = Gathered::of(&keys, &expected);
        let event = event(1);
        gathered.add_event(0, event);
        gathered.add_delivery(&standing(event, 1, Status::Delivered, 1));
        assert_eq!(gathered.outcomes()[0].fate, Fate::Unmatched);
        assert_eq!(gathered.events_without_delivery(), []);
    }
}

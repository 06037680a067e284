//! What this node sends, and what becomes of it: picked, begun, ended, recorded, settled.

use std::time::Duration;

use rand::{RngExt as _, seq::IteratorRandom as _};

use super::{Loading, Model, Open, Outcome};
use crate::{
    deliver::lanes::{Ended, Picked, Symptom},
    delivery::HoldReason,
    endpoint::MAX_IN_FLIGHT_DEFAULT,
    id::DeliveryId,
};

impl Model {
    pub(super) fn pick(&mut self) {
        let picked = self.lanes.pick(self.now);
        self.look_ahead();
        let Some(Picked { due, courier, event }) = picked else { return };
        self.picked += 1;
        assert!(self.lanes.open() <= self.places, "more than the node may have open");
        assert!(self.lanes.owns(due.lane.shard()));
        assert!(!self.open.contains_key(&due.id), "open twice here");
        assert!(!self.elsewhere.contains_key(&due.id), "open on the other node");
        if let Some(hold) = self.held.get(&due.lane).filter(|hold| hold.until > self.now) {
            assert!(due.marks.test && hold.reason == HoldReason::Failing, "its lane is held");
        }
        let endpoint = due.endpoint.and_then(|id| self.directory.endpoint(id));
        let limit = endpoint.map_or(MAX_IN_FLIGHT_DEFAULT, |endpoint| endpoint.spec.max_in_flight);
        assert!(endpoint.is_none_or(|endpoint| !endpoint.holds(due.marks.test)), "stopped");
        assert!(self.open_in(due.lane) < limit as usize, "more than the limit of {limit}");
        match self.rows.get(&due.id) {
            Some(row) => assert_eq!((row.attempts, row.attempts_at_refill), (due.attempts, due.attempts_at_refill)),
            // Expunged or deleted while a read was under way.
            None => {
                assert!(!self.expired.contains(&due.id), "held for too long, and sent all the same");
                return self.lanes.vanished(&due);
            }
        }
        if event.is_some() {
            self.open.insert(due.id, Open { due, courier, since: self.now });
        } else {
            self.loading.push(Loading { due, courier, is_lost: false });
        }
    }

    /// The event of what was picked has been read, or is gone.
    pub(super) fn loaded(&mut self) {
        let Some(index) = (0..self.loading.len()).choose(&mut self.rng) else { return };
        let Loading { due, courier, is_lost } = self.loading.swap_remove(index);
        // Should it have been picked again since, for the same attempt, that is what begins.
        let is_again = |again: &&mut Loading| (again.due.id, again.due.attempts) == (due.id, due.attempts);
        let again = self.loading.iter_mut().filter(is_again).find(|again| !again.is_lost);
        let begins = again.is_some() || !is_lost;
        again.into_iter().for_each(|again| again.is_lost = true);
        let endpoint = due.endpoint.and_then(|id| self.directory.endpoint(id));
        let is_stopped = endpoint.is_some_and(|endpoint| endpoint.holds(due.marks.test));
        // A lane goes with its endpoint, and knows nothing of a hold that is still written down; its rows are gone, too.
        let is_deleted = due.endpoint.is_some() && endpoint.is_none();
        // An answer may have ended a hold since the last time that anybody asked.
        self.hear_of_holds();
        let hold = self.held.get(&due.lane).filter(|hold| hold.until > self.now);
        let is_held = hold.is_some_and(|hold| !(due.marks.test && hold.reason == HoldReason::Failing));
        let has_begun = self.lanes.begin(&due, None, self.now);
        assert!(begins || !has_begun, "picked by nobody");
        assert!(!has_begun || is_deleted || !(is_stopped || is_held), "its lane may not send by now");
        if !has_begun {
            return;
        }
        assert!(self.lanes.owns(due.lane.shard()), "begun although it is another's");
        assert!(!self.open.contains_key(&due.id), "open twice here");
        assert!(!self.elsewhere.contains_key(&due.id), "open on the other node");
        if !self.rows.contains_key(&due.id) {
            return self.lanes.vanished(&due);
        }
        assert!(!is_deleted, "a delivery of a deleted endpoint is still there");
        if self.chance(0.05) {
            return self.lanes.returned(&due);
        }
        self.open.insert(due.id, Open { due, courier, since: self.now });
    }

    pub(super) fn end(&mut self, id: DeliveryId) {
        let Open { due, courier, since } = self.open.remove(&id).unwrap();
        let took = (self.now - since).max(Duration::from_millis(1));
        let (is_sick, is_busy, is_gone) = (self.sick.contains(&due.lane), self.chance(0.04), self.chance(0.01));
        let symptom = match self.chance(0.9) {
            _ if is_sick => Symptom::Failing,
            true if is_busy => Symptom::Overloaded,
            true => Symptom::Alive,
            false => [Symptom::Failing, Symptom::Unknown].into_iter().choose(&mut self.rng).unwrap(),
        };
        let asked = (is_busy && !is_sick).then(|| self.now + self.seconds(40.0));
        let pause = (is_gone && !is_sick).then(|| self.now + self.seconds(5.0));
        self.lanes.ended(&due, &courier, Ended { took, symptom, asked, pause }, self.now);
        self.hear_of_holds();
        let retry = if self.chance(0.4) { Some(self.seconds(15.0)) } else { None };
        self.recording.push(Outcome { due, at: self.now, retry });
    }

    pub(super) fn end_one(&mut self) {
        if let Some(id) = self.open.keys().copied().choose(&mut self.rng) {
            self.end(id);
        }
    }

    pub(super) fn hear_of_holds(&mut self) {
        let mut holds = self.lanes.take_changed_holds();
        if self.chance(0.1) {
            // The database is away for a moment.
            self.lanes.put_back_changed_holds(holds);
            holds = self.lanes.take_changed_holds();
        }
        self.held.extend(holds);
    }

    pub(super) fn write(&mut self, outcome: &Outcome) {
        let clock = self.clock();
        if let Some(row) = self.rows.get_mut(&outcome.due.id)
            && row.attempts == outcome.due.attempts
        {
            match outcome.retry {
                Some(after) => {
                    row.attempts += 1;
                    row.due_at = clock + after;
                }
                None => drop(self.rows.remove(&outcome.due.id)),
            }
        }
    }

    pub(super) fn commit(&mut self) {
        if !self.recording.is_empty() {
            let index = self.rng.random_range(0..self.recording.len());
            let outcome = self.recording.swap_remove(index);
            self.write(&outcome);
            self.committed.push(outcome.due.id);
        }
    }

    pub(super) fn settle(&mut self) {
        let settled = std::mem::take(&mut self.committed);
        self.lanes.settled(settled);
    }
}

//! What is to be told, what has been, and what is told again: pure.
//!
//! The book is kept in the database as one document, so that a restart forgets nothing and one node alone tells. A note stays
//! in it for as long as what it is about lasts, or until it may be told again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    delivery::DeadReason,
    id::{DeliveryId, EndpointId},
    time::Timestamp,
    told::Told,
};

/// After a telling of deaths the next one of the same endpoint and reason comes no sooner.
pub(super) const AGAIN_AFTER: Duration = Duration::from_secs(15 * 60);

/// Most notes: the book is read every second. What comes when it is full is told with the next that is told of.
const NOTES_MAX: usize = 2_000;

/// The book.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Book {
    /// Deaths before this moment of the database are counted in it, in microseconds; `None` in a new book.
    pub(super) looked_until: Option<i64>,
    notes: Vec<Note>,
}

/// One thing that is told, or has been.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) told: Told,
    pub(super) about: About,
    /// When it began, in microseconds.
    pub(super) since: i64,
    /// How often it has happened since it was told.
    pub(super) count: u64,
    /// Whether it goes on until something ends it.
    lasts: bool,
    /// When it was told last, in microseconds.
    told_at: Option<i64>,
    /// How often it was told.
    pub(super) times: u32,
}

/// What a note is about.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct About {
    pub(super) tenant: Option<String>,
    pub(super) endpoint: Option<EndpointId>,
    /// The host of an inline destination.
    pub(super) host: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) last_error: Option<String>,
    pub(super) example: Option<DeliveryId>,
}

impl About {
    /// Of deaths those for different reasons are told apart; everything else is one thing for each endpoint.
    fn is_as(&self, other: &Self, told: Told) -> bool {
        (&self.tenant, self.endpoint, &self.host) == (&other.tenant, other.endpoint, &other.host)
            && (told != Told::Dead || self.reason == other.reason)
    }
}

impl Book {
    fn find(&mut self, told: Told, about: &About) -> Option<&mut Note> {
        self.notes.iter_mut().find(|note| note.told == told && note.about.is_as(about, told))
    }

    fn add(&mut self, told: Told, about: About, since: Timestamp, count: u64, lasts: bool) {
        if self.notes.len() < NOTES_MAX {
            self.notes.push(Note { told, about, since: since.micros(), count, lasts, told_at: None, times: 0 });
        }
    }

    /// So many more have died; `about` has the last of them.
    pub(super) fn died(&mut self, about: About, reason: DeadReason, since: Timestamp, count: u64) {
        let about = About { reason: Some(reason.name().to_owned()), ..about };
        match self.find(Told::Dead, &about) {
            Some(note) => {
                if note.count == 0 {
                    note.since = since.micros();
                }
                note.count += count;
                note.about = about;
            }
            None => self.add(Told::Dead, about, since, count, false),
        }
    }

    /// It has begun, and lasts; nothing changes if that is known.
    pub(super) fn begun(&mut self, told: Told, about: About, since: Timestamp, count: u64) {
        if self.find(told, &about).is_none() {
            self.add(told, about, since, count, true);
        }
    }

    /// It has happened.
    pub(super) fn happened(&mut self, told: Told, about: About, since: Timestamp) {
        self.add(told, about, since, 1, false);
    }

    /// What had begun is over: that is told as `over` if the beginning was told, and otherwise nobody learns of either.
    pub(super) fn ended(&mut self, told: Told, about: &About, over: Option<Told>) {
        let Some(index) = self.notes.iter().position(|note| note.told == told && note.about.is_as(about, told)) else {
            return;
        };
        let note = self.notes.swap_remove(index);
        if let Some(over) = over.filter(|_| note.told_at.is_some()) {
            let times = note.times;
            self.notes.push(Note { told: over, count: 1, lasts: false, told_at: None, times, ..note });
        }
    }

    /// Ends without a word what is noted of endpoints for which it does not hold any more.
    pub(super) fn keep(&mut self, told: Told, holds: impl Fn(EndpointId) -> bool) {
        self.notes.retain(|note| note.told != told || !note.lasts || note.about.endpoint.is_none_or(&holds));
    }

    /// The endpoints of which this is noted, and since when.
    pub(super) fn standing(&self, told: Told) -> impl Iterator<Item = (EndpointId, Timestamp)> {
        let notes = self.notes.iter().filter(move |note| note.told == told);
        notes.filter_map(|note| Some((note.about.endpoint?, Timestamp::from_micros(note.since))))
    }

    /// What is to be told now, what happened first first.
    pub(super) fn due(&self, now: Timestamp) -> Vec<Note> {
        let is_due = |note: &&Note| match note.told_at {
            None => true,
            Some(at) => {
                note.told == Told::Dead && note.count > 0 && now.since(Timestamp::from_micros(at)) >= AGAIN_AFTER
            }
        };
        let mut due: Vec<_> = self.notes.iter().filter(is_due).cloned().collect();
        due.sort_by_key(|note| note.since);
        due
    }

    /// It was told. What does not last needs no note any more.
    pub(super) fn told(&mut self, note: &Note, now: Timestamp) {
        let Some(index) = self.notes.iter().position(|it| it.told == note.told && it.about.is_as(&note.about, it.told))
        else {
            return;
        };
        if note.lasts || note.told == Told::Dead {
            let kept = &mut self.notes[index];
            kept.count = kept.count.saturating_sub(note.count);
            kept.told_at = Some(now.micros());
            kept.times += 1;
        } else {
            self.notes.swap_remove(index);
        }
    }

    /// Forgets deaths that were told so long ago that the next one is a first one again.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.notes.retain(|note| {
            let is_recent = note.told_at.is_none_or(|at| now.since(Timestamp::from_micros(at)) < AGAIN_AFTER);
            note.told != Told::Dead || note.count > 0 || is_recent
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + minute * 60_000)
    }

    fn about(n: u128) -> About {
        About { endpoint: Some(EndpointId::from_uuid(uuid::Uuid::from_u128(n))), ..About::default() }
    }

    fn tell_all(book: &mut Book, now: Timestamp) -> Vec<(Told, u64, u32)> {
        let due = book.due(now);
        due.iter().for_each(|note| book.told(note, now));
        due.into_iter().map(|note| (note.told, note.count, note.times)).collect()
    }

    #[test]
    fn a_campaign_of_deaths_is_told_once_and_then_counted() {
        let mut book = Book::default();
        book.died(about(1), DeadReason::Exhausted, at(0), 1);
        assert_eq!(tell_all(&mut book, at(0)), [(Told::Dead, 1, 0)], "the first one at once");
        for minute in 0..14 {
            book.died(about(1), DeadReason::Exhausted, at(minute), 700);
            assert_eq!(tell_all(&mut book, at(minute)), []);
        }
        book.died(about(1), DeadReason::Gone, at(14), 2);
        book.died(about(2), DeadReason::Exhausted, at(14), 3);
        let others = tell_all(&mut book, at(14));
        assert_eq!(others, [(Told::Dead, 2, 0), (Told::Dead, 3, 0)], "another reason, another endpoint");
        assert_eq!(tell_all(&mut book, at(15)), [(Told::Dead, 9_800, 1)], "the rest, with its count");
        book.forget(at(29));
        book.died(about(1), DeadReason::Exhausted, at(29), 1);
        assert_eq!(tell_all(&mut book, at(29)), [], "not sooner than 15 min after the last");
        assert_eq!(tell_all(&mut book, at(30)), [(Told::Dead, 1, 2)]);
        book.forget(at(60));
        assert_eq!(book.notes, [], "everything quiet is forgotten");
    }

    #[test]
    fn what_lasts_is_told_when_it_begins_and_when_it_ends() {
        let mut book = Book::default();
        for _ in 0..3 {
            book.begun(Told::Failing, about(1), at(0), 5);
        }
        assert_eq!(tell_all(&mut book, at(5)), [(Told::Failing, 5, 0)]);
        assert_eq!(tell_all(&mut book, at(500)), [], "once");
        assert_eq!(book.standing(Told::Failing).collect::<Vec<_>>(), [(about(1).endpoint.unwrap(), at(0))]);
        book.ended(Told::Failing, &about(1), Some(Told::Recovered));
        book.ended(Told::Failing, &about(1), Some(Told::Recovered));
        assert_eq!(tell_all(&mut book, at(501)), [(Told::Recovered, 1, 1)]);
        assert_eq!(book.notes, []);
    }

    #[test]
    fn what_is_over_before_it_was_told_is_not_told_at_all() {
        let mut book = Book::default();
        book.begun(Told::Stale, About::default(), at(0), 1);
        book.ended(Told::Stale, &About::default(), Some(Told::Fresh));
        assert_eq!(tell_all(&mut book, at(1)), []);
    }

    #[test]
    fn a_book_that_is_full_takes_no_more_and_still_counts() {
        let mut book = Book::default();
        for n in 0..=NOTES_MAX as u128 {
            book.died(about(n), DeadReason::Exhausted, at(0), 1);
        }
        assert_eq!(book.notes.len(), NOTES_MAX);
        book.died(about(0), DeadReason::Exhausted, at(0), 4);
        assert_eq!(book.notes[0].count, 5);
    }

    #[test]
    fn a_book_is_read_as_it_was_written() {
        let mut book = Book { looked_until: Some(7), ..Book::default() };
        book.died(About { host: Some("example.com".to_owned()), ..About::default() }, DeadReason::Expired, at(0), 3);
        tell_all(&mut book, at(1));
        let text = serde_json::to_vec(&book).unwrap();
        assert_eq!(serde_json::from_slice::<Book>(&text).unwrap(), book);
    }
}

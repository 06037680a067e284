//! Which rows a page of a list looks at, and where the page ends.
//!
//! A page looks at a bounded number of rows. If no index serves the filter, the page may have fewer items than its limit, or
//! none; then it says where the next page begins. Only the page after which no row is left says that it is the last.
//!
//! Each list has one order, `(died_at, id)` for dead letters and the id for everything else, and reads sources in that
//! order. A source returns all rows down to its end; a page of several sources ends at the highest of their ends.

use uuid::Uuid;

use crate::{
    delivery::Status,
    id::{DeliveryId, EventId},
    store::{DeliveryFilter, Page, Span},
    time::Timestamp,
};

/// Most events that a page looks at: they are stored side by side, so this takes some ten milliseconds.
pub const EVENTS_MAX: i64 = 10_000;

/// Most deliveries that a page looks at in each table: for each it looks the event up.
pub const DELIVERIES_MAX: i64 = 5_000;

/// Most events of one key that a page of deliveries looks at. A key names a call, so there are few.
pub const EVENTS_OF_KEY_MAX: usize = 1_000;

/// How many rows a store that reads in steps reads in each; together they are `most`. The first step reads as many as the
/// page shows, so that a filter that every row passes costs nothing extra.
#[must_use]
pub fn windows(want: i64, most: i64) -> [i64; 3] {
    let first = want.min(most);
    let second = 1_000.min(most - first);
    [first, second, most - first - second]
}

/// A half-open range of ids: `low <= id < high`. It is empty if `low` is not below `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first id in the range.
    pub low: Uuid,
    /// The first id above the range.
    pub high: Uuid,
}

impl Range {
    /// Every id.
    pub const ALL: Self = Self { low: Uuid::nil(), high: Uuid::max() };

    /// The ids of events accepted in a stretch of time, and of their deliveries.
    #[must_use]
    pub fn accepted(span: Span) -> Self {
        // Ids have milliseconds: an event accepted at or after a moment has at least the next whole millisecond.
        let first = |time: Timestamp| EventId::floor(Timestamp::from_micros(time.micros().saturating_add(999))).uuid();
        Self { low: span.since.map_or(Uuid::nil(), first), high: span.until.map_or(Uuid::max(), first) }
    }

    /// One id.
    #[must_use]
    pub const fn of(id: Uuid) -> Self {
        Self { low: id, high: Uuid::from_u128(id.as_u128().saturating_add(1)) }
    }

    /// An event and its deliveries.
    #[must_use]
    pub const fn of_event(event: EventId) -> Self {
        Self { low: event.uuid(), high: Self::of(event.delivery(u16::MAX).uuid()).high }
    }

    /// The part of the range below `before`.
    #[must_use]
    pub fn before(self, before: Option<Uuid>) -> Self {
        Self { high: before.map_or(self.high, |before| self.high.min(before)), ..self }
    }

    /// The ids that are in both ranges.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { low: self.low.max(other.low), high: self.high.min(other.high) }
    }
}

/// The tables of deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Owed: `delivery`.
    Delivery,
    /// Given up: `dead_letter`.
    DeadLetter,
    /// Delivered or cancelled: `finished`.
    Finished,
}

/// The tables that may have deliveries that a filter asks for.
pub fn places(filter: &DeliveryFilter) -> impl Iterator<Item = Table> + use<> {
    let (status, has_reason) = (filter.status, filter.reason.is_some());
    [Table::Delivery, Table::DeadLetter, Table::Finished].into_iter().filter(move |place| {
        let of_status = match status {
            None => true,
            Some(Status::Pending) => *place == Table::Delivery,
            Some(Status::Dead) => *place == Table::DeadLetter,
            Some(Status::Delivered | Status::Cancelled) => *place == Table::Finished,
        };
        of_status && (!has_reason || *place == Table::DeadLetter)
    })
}

/// How to find the dead letters of events with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfKey {
    /// Look up the dead letters of these events, which are all with that key.
    ByEvents,
    /// Read dead letters in their order: there are too many events, and those not looked up may have the newest deaths.
    ByDeaths,
}

/// `found` is the number of events that a search for [`EVENTS_OF_KEY_MAX`] plus one found.
#[must_use]
pub const fn dead_letters_of_key(found: usize) -> OfKey {
    if found > EVENTS_OF_KEY_MAX { OfKey::ByDeaths } else { OfKey::ByEvents }
}

/// The place of a dead letter in its list.
pub type Death = (Timestamp, DeliveryId);

/// The bounds of a page of dead letters: died at the first value or later, and strictly before the second. That is the
/// cursor or the end of `span`, whichever comes first.
#[must_use]
pub fn deaths(span: Span, before: Option<Death>) -> (Timestamp, Death) {
    let since = span.since.unwrap_or(Timestamp::from_micros(i64::MIN));
    let nobody = DeliveryId::from_uuid(Uuid::nil());
    let until = (span.until.unwrap_or(Timestamp::from_micros(i64::MAX)), nobody);
    (since, before.map_or(until, |before| until.min(before)))
}

/// What a source returned: all its rows down to `end`, or all of them if there is no `end`. Each row has its place in the
/// order.
#[derive(Debug)]
pub struct Found<T, P = Uuid> {
    /// The rows, each with its place.
    pub rows: Vec<(P, T)>,
    /// The place at which reading stopped.
    pub end: Option<P>,
}

/// One page from several sources. It ends where the first source stopped reading: below, rows of that source may be missing.
#[must_use]
pub fn merge<T, P: Ord + Copy>(sources: Vec<Found<T, P>>, limit: u32) -> Page<T, P> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let horizon = sources.iter().filter_map(|source| source.end).max();
    let mut rows: Vec<_> = sources.into_iter().flat_map(|source| source.rows).collect();
    rows.retain(|(place, _)| horizon.is_none_or(|horizon| *place >= horizon));
    rows.sort_by(|(a, _), (b, _)| b.cmp(a));
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = if more { rows.last().map(|(place, _)| *place) } else { horizon };
    Page { items: rows.into_iter().map(|(_, row)| row).collect(), next }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(places: &[u32], end: Option<u32>) -> Found<u32, u32> {
        Found { rows: places.iter().map(|place| (*place, *place)).collect(), end }
    }

    #[test]
    fn a_page_ends_where_a_source_was_not_read_further() {
        let page = merge(vec![found(&[9, 3], None), found(&[8], Some(5))], 10);
        assert_eq!((page.items, page.next), (vec![9, 8], Some(5)));
    }

    #[test]
    fn a_page_without_items_is_not_the_last_if_something_is_left() {
        let page = merge(vec![found(&[], None), found(&[], Some(5))], 10);
        assert_eq!((page.items, page.next), (vec![], Some(5)));
    }

    #[test]
    fn the_last_page_says_so() {
        let page = merge(vec![found(&[9, 3], None), found(&[8], None)], 3);
        assert_eq!((page.items, page.next), (vec![9, 8, 3], None));
    }

    #[test]
    fn a_full_page_goes_on_after_its_last_item() {
        let page = merge(vec![found(&[9, 8, 7], None)], 2);
        assert_eq!((page.items, page.next), (vec![9, 8], Some(8)));
    }

    #[test]
    fn windows_are_the_bound_together() {
        assert_eq!(windows(51, 5_000), [51, 1_000, 3_949]);
        assert_eq!(windows(1_001, 1_500), [1_001, 499, 0]);
        assert_eq!(windows(1_001, 5), [5, 0, 0]);
    }

    #[test]
    fn a_stretch_of_time_holds_its_beginning_and_not_its_end() {
        let at = |micros| Some(Timestamp::from_micros(micros));
        let range = Range::accepted(Span { since: at(5_000), until: at(7_000) });
        let event = |ms| EventId::floor(Timestamp::from_millis(ms)).uuid();
        assert!(event(5) >= range.low && event(4) < range.low);
        assert!(event(6) < range.high && event(7) >= range.high);
        let range = Range::accepted(Span { since: at(5_001), until: None });
        assert!(event(5) < range.low && event(6) >= range.low);
    }

    #[test]
    fn no_moment_is_too_early_or_too_late_for_a_range() {
        let bound = |text: &str| Some(text.parse().unwrap());
        let all =
            Range::accepted(Span { since: bound("0000-01-01T00:00:00Z"), until: bound("9999-12-31T23:59:59.999999Z") });
        let now = EventId::new(Timestamp::now()).uuid();
        assert!(all.low <= now && now < all.high);
        let none = Range::accepted(Span { since: bound("9999-12-31T23:59:59Z"), until: None });
        assert!(now < none.low);
        let extreme = |micros| Some(Timestamp::from_micros(micros));
        let all = Range::accepted(Span { since: extreme(i64::MIN), until: extreme(i64::MAX) });
        assert!(all.low <= now && now < all.high);
    }

    #[test]
    fn more_events_of_a_key_than_a_page_looks_at_are_not_looked_at_one_by_one() {
        assert_eq!(dead_letters_of_key(EVENTS_OF_KEY_MAX), OfKey::ByEvents);
        assert_eq!(dead_letters_of_key(EVENTS_OF_KEY_MAX + 1), OfKey::ByDeaths);
    }
}

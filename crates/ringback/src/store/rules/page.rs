//! What a page of a list looks at, and where it ends.
//!
//! A page looks at a bounded number of rows. With a filter that no index serves it may hold fewer items than it could, none
//! even; then it says where the next page goes on. Only a page behind which nothing is left says that it is the last.
//!
//! Each list has one order, and reads sources that have the same one: `(died_at, id)` for dead letters, the id for
//! everything else. A source gives everything down to its end; a page of several sources ends at the highest of their ends.

use uuid::Uuid;

use crate::{
    delivery::Status,
    id::{DeliveryId, EventId},
    store::{DeliveryFilter, Page, Span},
    time::Timestamp,
};

/// Most events that a page looks at: they lie side by side, so this takes some ten milliseconds.
pub const EVENTS_MAX: i64 = 10_000;

/// Most deliveries that a page looks at in each place: the event of each is looked up.
pub const DELIVERIES_MAX: i64 = 5_000;

/// Most events of one key that a page of deliveries looks at. A key names a call, so there are few.
pub const EVENTS_OF_KEY_MAX: usize = 1_000;

/// How many rows a store reads at a time that reads in steps: a page whose filter lets everything through reads no more
/// than it shows, and together they are `most`.
#[must_use]
pub fn windows(want: i64, most: i64) -> [i64; 3] {
    let first = want.min(most);
    let second = 1_000.min(most - first);
    [first, second, most - first - second]
}

/// A half-open range of ids: `low <= id < high`. It holds nothing if `low` is not below `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first id that belongs to it.
    pub low: Uuid,
    /// The first id above it.
    pub high: Uuid,
}

impl Range {
    /// Every id.
    pub const ALL: Self = Self { low: Uuid::nil(), high: Uuid::max() };

    /// The ids of events accepted in a stretch of time, and of their deliveries.
    #[must_use]
    pub fn accepted(span: Span) -> Self {
        // Ids hold milliseconds: an event accepted at or after a moment has at least the next whole one.
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

    /// Nothing from `before` on.
    #[must_use]
    pub fn before(self, before: Option<Uuid>) -> Self {
        Self { high: before.map_or(self.high, |before| self.high.min(before)), ..self }
    }

    /// What lies in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { low: self.low.max(other.low), high: self.high.min(other.high) }
    }
}

/// Where deliveries lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Owed: `delivery`.
    Delivery,
    /// Given up: `dead_letter`.
    DeadLetter,
    /// Delivered or cancelled: `finished`.
    Finished,
}

/// The places that may hold what a filter asks for.
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

/// How dead letters of a key are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfKey {
    /// Among these events, which are all of them.
    ByEvents,
    /// By reading dead letters in their order: the deaths of events beyond the newest may come before all others.
    ByDeaths,
}

/// `found` counts what a look for one event more than [`EVENTS_OF_KEY_MAX`] gave.
#[must_use]
pub const fn dead_letters_of_key(found: usize) -> OfKey {
    if found > EVENTS_OF_KEY_MAX { OfKey::ByDeaths } else { OfKey::ByEvents }
}

/// Where a page of dead letters ends.
pub type Death = (Timestamp, DeliveryId);

/// Dead letters that died from the first moment on, strictly before the second place: before the cursor and before the end
/// of the stretch asked for, whichever comes first.
#[must_use]
pub fn deaths(span: Span, before: Option<Death>) -> (Timestamp, Death) {
    let since = span.since.unwrap_or(Timestamp::from_micros(i64::MIN));
    let nobody = DeliveryId::from_uuid(Uuid::nil());
    let until = (span.until.unwrap_or(Timestamp::from_micros(i64::MAX)), nobody);
    (since, before.map_or(until, |before| until.min(before)))
}

/// What a source gave: everything from `end` on, or all of it if there is no `end`. Rows have their places in the order.
#[derive(Debug)]
pub struct Found<T, P = Uuid> {
    /// What was found.
    pub rows: Vec<(P, T)>,
    /// Where it was not read any further.
    pub end: Option<P>,
}

/// One page of what several sources gave: none goes below the place that another has not been read to.
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

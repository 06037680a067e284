//! Pages that read a bounded number of rows, whatever their filter lets through.
//!
//! A page is read in windows: the first is as large as the page, so that a filter which lets everything through
//! reads no more than it shows; the last ends the page even if it is not full.

use ringback::{
    id::EventId,
    store::{Page, Span},
    time::Timestamp,
};
use sqlx::{
    Sqlite as Dialect, SqliteConnection,
    sqlite::{SqliteArguments, SqliteRow},
};
use uuid::Uuid;

use crate::read::uuid;

/// Rows in the windows after the first; together the bound of a page.
pub(super) const WINDOWS: [i64; 2] = [1000, 9000];

/// A half-open range of ids: `low <= id < high`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) low: Uuid,
    pub(super) high: Uuid,
}

impl Range {
    /// The ids of events accepted in `span`, and of their deliveries.
    pub(super) fn accepted(span: Span) -> Self {
        Self {
            low: span.since.map_or(Uuid::nil(), |since| first_at(since).uuid()),
            high: span.until.map_or(Uuid::max(), |until| first_at(until).uuid()),
        }
    }

    /// One id.
    pub(super) fn of(id: Uuid) -> Self {
        Self { low: id, high: Uuid::from_u128(id.as_u128().saturating_add(1)) }
    }

    /// The deliveries of one event.
    pub(super) fn of_event(event: EventId) -> Self {
        Self { low: event.uuid(), ..Self::of(event.delivery(u16::MAX).uuid()) }
    }

    /// Nothing from `before` on.
    pub(super) fn before(self, before: Option<Uuid>) -> Self {
        Self { high: before.map_or(self.high, |before| self.high.min(before)), ..self }
    }

    /// What lies in both.
    pub(super) fn and(self, other: Self) -> Self {
        Self { low: self.low.max(other.low), high: self.high.min(other.high) }
    }
}

/// The smallest id of an event that was accepted at `time` or later: ids have whole milliseconds.
fn first_at(time: Timestamp) -> EventId {
    EventId::floor(Timestamp::from_micros(time.micros().saturating_add(999)))
}

/// A statement with its arguments.
pub(super) type Query = sqlx::query::Query<'static, Dialect, SqliteArguments>;

/// A table as lists read it, newest first.
pub(super) struct Source<'a> {
    /// ?1 and ?2 the range, ?3 the window, ?4 how many rows, and what `bind` adds.
    pub(super) page: &'static str,
    /// The id at which a window ends, if the table goes on below it. The same arguments.
    pub(super) end: &'static str,
    /// The filter's arguments, from ?5 on.
    pub(super) bind: &'a (dyn Fn(Query) -> Query + Sync),
}

/// What a source gave: everything in the range from `end` on, or all of it.
pub(super) struct Found<T> {
    pub(super) rows: Vec<(Uuid, T)>,
    pub(super) end: Option<Uuid>,
}

impl Source<'_> {
    /// Reads until there are `want` rows, the range ends, or the windows do.
    pub(super) async fn read<T>(
        &self,
        connection: &mut SqliteConnection,
        mut range: Range,
        want: i64,
        read: impl Fn(&SqliteRow) -> sqlx::Result<(Uuid, T)>,
    ) -> sqlx::Result<Found<T>> {
        let mut found = Found { rows: Vec::new(), end: None };
        let mut left = want;
        for window in std::iter::once(want).chain(WINDOWS) {
            let rows = self.query(self.page, range, window, left).fetch_all(&mut *connection).await?;
            for row in &rows {
                found.rows.push(read(row)?);
                left -= 1;
            }
            if left == 0 {
                found.end = found.rows.last().map(|(id, _)| *id);
                return Ok(found);
            }
            let end = self.query(self.end, range, window, left).fetch_optional(&mut *connection).await?;
            let Some(end) = end else {
                found.end = None;
                return Ok(found);
            };
            range.high = uuid(&end, "id")?;
            found.end = Some(range.high);
        }
        Ok(found)
    }

    fn query(&self, statement: &'static str, range: Range, window: i64, want: i64) -> Query {
        let query = sqlx::query(statement)
            .bind(range.low.as_bytes().to_vec())
            .bind(range.high.as_bytes().to_vec())
            .bind(window)
            .bind(want);
        (self.bind)(query)
    }
}

/// One page of what several sources gave: none goes below the place that another has not been read to.
pub(super) fn merge<T>(sources: Vec<Found<T>>, limit: u32) -> Page<T, Uuid> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let horizon = sources.iter().filter_map(|source| source.end).max();
    let mut rows: Vec<_> = sources.into_iter().flat_map(|source| source.rows).collect();
    rows.retain(|(id, _)| horizon.is_none_or(|horizon| *id >= horizon));
    rows.sort_by(|(a, _), (b, _)| b.cmp(a));
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = if more { rows.last().map(|(id, _)| *id) } else { horizon };
    Page { items: rows.into_iter().map(|(_, row)| row).collect(), next }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(ids: &[u128], end: Option<u128>) -> Found<u128> {
        let rows = ids.iter().map(|id| (Uuid::from_u128(*id), *id)).collect();
        Found { rows, end: end.map(Uuid::from_u128) }
    }

    #[test]
    fn a_page_ends_where_a_source_was_not_read_further() {
        let page = merge(vec![found(&[9, 3], None), found(&[8], Some(5))], 10);
        assert_eq!(page.items, [9, 8]);
        assert_eq!(page.next, Some(Uuid::from_u128(5)));
    }

    #[test]
    fn the_last_page_says_so() {
        let page = merge(vec![found(&[9, 3], None), found(&[8], None)], 3);
        assert_eq!(page.items, [9, 8, 3]);
        assert_eq!(page.next, None);
    }

    #[test]
    fn a_full_page_goes_on_after_its_last_item() {
        let page = merge(vec![found(&[9, 8, 7], None)], 2);
        assert_eq!(page.items, [9, 8]);
        assert_eq!(page.next, Some(Uuid::from_u128(8)));
    }
}

//! Pages that read a bounded number of rows, however few of them pass the filter.
//!
//! A page is read in windows. The first is as large as the page, so that a page whose rows all pass the filter reads no more
//! than it shows; the last ends the page even if that is not full. [`ringback::store::rules::page`] decides the windows'
//! sizes and where a page ends.

pub(crate) use ringback::store::rules::page::Range;
use ringback::store::rules::page::windows;
pub(super) use ringback::store::rules::page::{Found, merge};
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

pub(super) use crate::read::Query;
use crate::read::uuid;

/// A table as lists read it, newest first.
pub(super) struct Source<'a> {
    /// ?1 and ?2 the range, ?3 the window, ?4 how many rows, and what `bind` adds.
    pub(super) page: &'static str,
    /// Finds the id at which a window ends, if the table goes on below it. It has the same arguments.
    pub(super) end: &'static str,
    /// Most rows that a page looks at.
    pub(super) most: i64,
    /// The filter's arguments, from ?5 on.
    pub(super) bind: &'a (dyn Fn(Query) -> Query + Sync),
}

impl Source<'_> {
    /// Reads until there are `want` rows, the range ends, or the last window was read.
    pub(super) async fn read<T>(
        &self,
        connection: &mut SqliteConnection,
        mut range: Range,
        want: i64,
        read: impl Fn(&SqliteRow) -> sqlx::Result<(Uuid, T)>,
    ) -> sqlx::Result<Found<T>> {
        let mut found = Found { rows: Vec::new(), end: None };
        let mut left = want;
        for window in windows(want, self.most).into_iter().filter(|window| *window > 0) {
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

//! Pages that read a bounded number of rows, however few of them pass the filter.
//!
//! A page reads the newest rows of a table in order, up to a bound, and stops early once it has as many as it shows. If it
//! found fewer, it ends where it stopped reading, and the next page goes on from there.

pub(super) use ringback::store::rules::page::{Found, Range};
use ringback::{
    delivery::LaneId,
    store::{DeliveryFilter, Result, Span, rules::page::DELIVERIES_MAX},
};
use sqlx::{
    PgConnection, Postgres as Db, SqlStr,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use uuid::Uuid;

use crate::{error::from_sqlx, rows, sql::query};

/// The ids of events accepted in a stretch of time, and of their deliveries: from the first to below the second.
pub(crate) fn ids(span: Span) -> (Uuid, Uuid) {
    let range = Range::accepted(span);
    (range.low, range.high)
}

/// A statement with its arguments.
pub(super) type Bound<'q> = Query<'q, Db, PgArguments>;

/// Binds a filter's conditions on event and destination: $5 to $10 of the statements that list deliveries.
pub(super) fn bind<'q>(list: Bound<'q>, filter: &'q DeliveryFilter) -> Bound<'q> {
    let endpoints: Vec<_> = filter.host.iter().flat_map(|(_, endpoints)| endpoints).map(|id| id.uuid()).collect();
    list.bind(filter.tenant.as_deref())
        .bind(filter.event_type.as_deref())
        .bind(filter.key.as_deref())
        .bind(filter.host.as_ref().map(|(host, _)| &**host))
        .bind(endpoints)
        .bind(filter.endpoint.map(|endpoint| endpoint.uuid()))
}

/// A table as lists read it, newest first.
pub(super) struct Source<'a> {
    pub(super) page: &'a SqlStr,
    /// Finds the id at which a page ends that has looked at as many rows as it may.
    pub(super) end: &'a SqlStr,
    pub(super) own: Own,
}

/// $11 of a page: a condition that only one table has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Own {
    /// The endpoint's lane: `delivery` has no index by endpoint.
    Lane(Option<LaneId>),
    /// A reason or a status.
    Code(Option<i16>),
}

impl Source<'_> {
    /// Reads until there are `want` rows, the range ends, or the page has looked at as many rows as it may.
    pub(super) async fn read(
        &self,
        connection: &mut PgConnection,
        filter: &DeliveryFilter,
        range: Range,
        want: i64,
    ) -> Result<Found<PgRow>> {
        let list = query(self.page).bind(range.low).bind(range.high).bind(DELIVERIES_MAX).bind(want);
        let list = bind(list, filter);
        let list = match self.own {
            Own::Lane(lane) => list.bind(lane.map(LaneId::as_i64)),
            Own::Code(code) => list.bind(code),
        };
        let rows = list.fetch_all(&mut *connection).await.map_err(from_sqlx)?;
        let end = if i64::try_from(rows.len()) == Ok(want) {
            rows.last().map(|row| rows::get(row, "delivery_id")).transpose()?
        } else {
            self.end(connection, filter, range).await?
        };
        Ok(Found { rows: placed(rows)?, end })
    }

    async fn end(&self, connection: &mut PgConnection, filter: &DeliveryFilter, range: Range) -> Result<Option<Uuid>> {
        let mut end = query(self.end)
            .bind(range.low)
            .bind(range.high)
            .bind(DELIVERIES_MAX)
            .bind(filter.endpoint.map(|endpoint| endpoint.uuid()));
        if let Own::Lane(lane) = self.own {
            end = end.bind(lane.map(LaneId::as_i64));
        }
        let row = end.fetch_optional(connection).await.map_err(from_sqlx)?;
        row.map(|row| rows::get(&row, "id")).transpose()
    }
}

/// Rows with their ids.
pub(super) fn placed(rows: Vec<PgRow>) -> Result<Vec<(Uuid, PgRow)>> {
    rows.into_iter().map(|row| Ok((rows::get(&row, "delivery_id")?, row))).collect()
}

/// The lanes of these rows, each once.
pub(super) fn lanes(lanes: impl Iterator<Item = LaneId>) -> Vec<i64> {
    let mut lanes: Vec<i64> = lanes.map(LaneId::as_i64).collect();
    lanes.sort_unstable();
    lanes.dedup();
    lanes
}

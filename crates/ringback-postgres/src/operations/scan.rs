//! Pages that read a bounded number of rows, whatever their filter lets through.
//!
//! A page reads the newest so many rows of a table in order and stops early at as many as it wants. If it has found
//! fewer, it ends where it has read to, and the next goes on from there.

use ringback::{
    delivery::{LaneId, Status},
    endpoint::KeptDestination,
    event::Event,
    id::EventId,
    store::{DeliveryFilter, DeliveryRow, Page, Result, Span},
    time::Timestamp,
};
use sqlx::{
    PgConnection, Postgres as Db, SqlStr,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use uuid::Uuid;

use crate::{error::from_sqlx, rows, sql::query};

/// Most events that a page looks at: they lie side by side, so this takes some ten milliseconds.
pub(super) const EVENTS_MAX: i64 = 20_000;

/// Most deliveries that a page looks at in each table: the event of each is looked up.
pub(super) const DELIVERIES_MAX: i64 = 5_000;

/// Most events of one key that a page of deliveries looks at.
pub(super) const EVENTS_OF_KEY_MAX: u32 = 1_000;

/// A half-open range of ids: `low <= id < high`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) low: Uuid,
    pub(super) high: Uuid,
}

impl Range {
    /// The ids of events accepted in a stretch of time, and of their deliveries.
    pub(super) fn accepted(span: Span) -> Self {
        let (low, high) = ids(span);
        Self { low, high }
    }

    /// Nothing from `before` on.
    pub(super) fn before(self, before: Option<Uuid>) -> Self {
        Self { high: before.map_or(self.high, |before| self.high.min(before)), ..self }
    }
}

/// The ids of events accepted in a stretch of time, and of their deliveries: from the first to below the second.
pub(super) fn ids(span: Span) -> (Uuid, Uuid) {
    let bound = |time: Timestamp| {
        // Ids hold milliseconds: an event accepted at or after `time` has at least the next whole one.
        EventId::floor(Timestamp::from_micros(time.micros().saturating_add(999))).uuid()
    };
    (span.since.map_or(Uuid::nil(), bound), span.until.map_or(Uuid::max(), bound))
}

/// A statement with its arguments.
pub(super) type Bound<'q> = Query<'q, Db, PgArguments>;

/// Binds what a filter asks of a delivery's event and destination: $5 to $10 of the statements that list deliveries.
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
    /// Gives the id at which a page ends that looks at as many rows as it may.
    pub(super) end: &'a SqlStr,
    pub(super) own: Own,
}

/// $11 of a page: what is asked of one table only.
#[derive(Debug, Clone, Copy)]
pub(super) enum Own {
    /// The endpoint's lane: `delivery` has no index by endpoint.
    Lane(Option<LaneId>),
    /// A reason or a status.
    Code(Option<i16>),
}

/// What a source gave: everything in the range from `end` on, or all of it.
pub(super) struct Found {
    pub(super) rows: Vec<PgRow>,
    pub(super) end: Option<Uuid>,
}

impl Source<'_> {
    /// Reads until there are `want` rows, the range ends, or a page may not look any further.
    pub(super) async fn read(
        &self,
        connection: &mut PgConnection,
        filter: &DeliveryFilter,
        range: Range,
        want: i64,
    ) -> Result<Found> {
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
        Ok(Found { rows, end })
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

/// One page of what several sources gave: none goes below the place that another has not been read to. `horizon` is
/// the highest of those places.
pub(super) fn merge(mut rows: Vec<DeliveryRow>, horizon: Option<Uuid>, limit: u32) -> Page<DeliveryRow, Uuid> {
    let limit = limit as usize;
    rows.retain(|row| horizon.is_none_or(|horizon| row.id.uuid() >= horizon));
    rows.sort_by(|a, b| b.id.cmp(&a.id));
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = if more { rows.last().map(|row| row.id.uuid()) } else { horizon };
    Page { items: rows, next }
}

/// Whether an inline destination's host is the wanted one: the statements only look for the text.
pub(super) fn goes_to(filter: &DeliveryFilter, row: &DeliveryRow) -> bool {
    let Some((host, _)) = &filter.host else { return true };
    row.endpoint.is_some() || inline_host(&row.event).is_some_and(|inline| inline.eq_ignore_ascii_case(host))
}

/// The host of an event's inline destination, read leniently: what came by SQL may lack its scheme.
fn inline_host(event: &Event) -> Option<String> {
    let kept: KeptDestination = serde_json::from_str(event.destination.as_deref()?).ok()?;
    let rest = kept.url.split_once("://").map_or(&*kept.url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.starts_with('[') {
        return host.split_inclusive(']').next().map(str::to_owned);
    }
    host.split(':').next().map(str::to_owned)
}

/// The number that `delivery_anywhere` shows for a status.
pub(super) const fn status_code(status: Status) -> i16 {
    match status {
        Status::Pending => 1,
        Status::Delivered => 2,
        Status::Dead => 3,
        Status::Cancelled => 4,
    }
}

/// Reads [`status_code`] back.
pub(super) const fn status_of(code: i16) -> Option<Status> {
    match code {
        1 => Some(Status::Pending),
        2 => Some(Status::Delivered),
        3 => Some(Status::Dead),
        4 => Some(Status::Cancelled),
        _ => None,
    }
}

/// The lanes of these rows, each once.
pub(super) fn lanes(lanes: impl Iterator<Item = LaneId>) -> Vec<i64> {
    let mut lanes: Vec<i64> = lanes.map(LaneId::as_i64).collect();
    lanes.sort_unstable();
    lanes.dedup();
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(url: &str) -> Event {
        Event {
            id: EventId::floor(Timestamp::from_millis(1)),
            seq: 1,
            tenant: "default".to_owned(),
            event_type: "CALL_ENDED".to_owned(),
            key: None,
            ordering_key: None,
            idempotency_key: None,
            occurred_at: Timestamp::default(),
            endpoint_keys: None,
            destination: Some(serde_json::json!({ "url": url }).to_string()),
            test: false,
        }
    }

    #[test]
    fn the_host_of_an_inline_destination_is_found_without_a_scheme_too() {
        for url in ["https://u:p@example.com:8443/hook", "example.com/hook", "http://example.com?x=/y", "example.com"] {
            assert_eq!(inline_host(&to(url)).as_deref(), Some("example.com"), "{url}");
        }
        assert_eq!(inline_host(&to("http://[::1]:8080/")).as_deref(), Some("[::1]"));
    }

    #[test]
    fn a_stretch_of_time_holds_its_beginning_and_not_its_end() {
        let at = |micros| Timestamp::from_micros(micros);
        let (from, to) = ids(Span { since: Some(at(5_000)), until: Some(at(7_000)) });
        let event = |ms| EventId::floor(Timestamp::from_millis(ms)).uuid();
        assert!(event(5) >= from && event(4) < from);
        assert!(event(6) < to && event(7) >= to);
        let (from, _) = ids(Span { since: Some(at(5_001)), until: None });
        assert!(event(5) < from && event(6) >= from);
    }
}

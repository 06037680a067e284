//! Deliveries in all three tables: `delivery`, `dead_letter` and `finished` are read separately and merged by id.

use ringback::{
    attempt::ErrorClass,
    delivery::{DeadReason, HoldReason, LaneId, Marks, Status},
    id::{DeliveryId, EndpointId, EventId},
    store::{
        DeliveryFilter, DeliveryRow, Page,
        codes::Ending,
        rules::{
            host::goes_to,
            page::{DELIVERIES_MAX, EVENTS_OF_KEY_MAX, Table, places},
        },
    },
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::scan::{Found, Query, Range, Source, merge};
use crate::{
    batch::{Hex, json},
    error::corrupt,
    read::{code_or_none, event, now, time_or_none, uuid, uuid_or_none},
};

/// More deliveries than an event can have.
const DELIVERIES_OF_EVENT_MAX: i64 = 65_536;

/// Deliveries, newest first.
pub(super) async fn list(
    connection: &mut SqliteConnection,
    filter: &DeliveryFilter,
    before: Option<DeliveryId>,
    limit: u32,
) -> sqlx::Result<Page<DeliveryRow, DeliveryId>> {
    let range = Range::accepted(filter.span).before(before.map(DeliveryId::uuid));
    let range = filter.event.map_or(range, |event| range.and(Range::of_event(event)));
    let want = i64::from(limit) + 1;
    let found = match &filter.key {
        Some(key) if filter.event.is_none() => of_key(connection, filter, key, range, want).await?,
        _ => everywhere(connection, filter, range, want).await?,
    };
    let page = merge(found, limit);
    Ok(Page { items: page.items, next: page.next.map(DeliveryId::from_uuid) })
}

/// The dead letters of one event.
pub(super) async fn dead_of(
    connection: &mut SqliteConnection,
    filter: &DeliveryFilter,
    event: EventId,
) -> sqlx::Result<Vec<DeliveryRow>> {
    let everything = Range::of_event(event);
    let found = read(Table::DeadLetter, connection, filter, everything, DELIVERIES_OF_EVENT_MAX).await?;
    Ok(found.rows.into_iter().map(|(_, row)| row).collect())
}

/// One delivery.
pub(super) async fn one(connection: &mut SqliteConnection, id: DeliveryId) -> sqlx::Result<Option<DeliveryRow>> {
    let found = everywhere(connection, &DeliveryFilter::default(), Range::of(id.uuid()), 1).await?;
    Ok(found.into_iter().flat_map(|found| found.rows).next().map(|(_, row)| row))
}

async fn everywhere(
    connection: &mut SqliteConnection,
    filter: &DeliveryFilter,
    range: Range,
    want: i64,
) -> sqlx::Result<Vec<Found<DeliveryRow>>> {
    let mut found = Vec::new();
    for place in places(filter) {
        found.push(read(place, connection, filter, range, want).await?);
    }
    Ok(found)
}

/// The newest events with a key that have ids in the range or deliveries there: a key names a call, so there are few.
pub(super) async fn events_of_key(
    connection: &mut SqliteConnection,
    key: &str,
    range: Range,
    most: usize,
) -> sqlx::Result<Vec<EventId>> {
    let events: Vec<Vec<u8>> = sqlx::query_scalar(sql!("deliveries/find_events_of_key"))
        .bind(range.low.as_bytes().as_slice())
        .bind(range.high.as_bytes().as_slice())
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .bind(key)
        .fetch_all(connection)
        .await?;
    events.iter().map(|event| Ok(EventId::from_uuid(Uuid::from_slice(event).map_err(corrupt)?))).collect()
}

/// The deliveries of all events with a key.
async fn of_key(
    connection: &mut SqliteConnection,
    filter: &DeliveryFilter,
    key: &str,
    range: Range,
    want: i64,
) -> sqlx::Result<Vec<Found<DeliveryRow>>> {
    let events = events_of_key(connection, key, range, EVENTS_OF_KEY_MAX).await?;
    let (mut all, mut last) = (Found { rows: Vec::new(), end: None }, None);
    for event in &events {
        for found in everywhere(connection, filter, range.and(Range::of_event(*event)), want).await? {
            all.rows.extend(found.rows);
            all.end = all.end.max(found.end);
        }
        last = Some(event.uuid());
        if i64::try_from(all.rows.len()).is_ok_and(|rows| rows >= want) {
            break;
        }
    }
    // There may be older events with this key: if the page is full, or has looked at as many events as it may.
    if i64::try_from(all.rows.len()).is_ok_and(|rows| rows >= want) || events.len() == EVENTS_OF_KEY_MAX {
        all.end = all.end.max(last);
    }
    Ok(vec![all])
}

fn statements(place: Table, of_endpoint: bool) -> (&'static str, &'static str) {
    match place {
        Table::Delivery => (sql!("deliveries/list_pending"), sql!("deliveries/end_of_pending")),
        Table::DeadLetter => (sql!("deliveries/list_dead"), sql!("deliveries/end_of_dead")),
        Table::Finished if of_endpoint => (
            sql!("deliveries/list_finished", "AND endpoint_id = ?9"),
            sql!("deliveries/end_of_finished", "AND endpoint_id = ?9"),
        ),
        Table::Finished => (sql!("deliveries/list_finished"), sql!("deliveries/end_of_finished")),
    }
}

async fn read(
    place: Table,
    connection: &mut SqliteConnection,
    filter: &DeliveryFilter,
    range: Range,
    want: i64,
) -> sqlx::Result<Found<DeliveryRow>> {
    let bind = bind(filter)?;
    let (page, end) = statements(place, filter.endpoint.is_some());
    // No bound of its own: all deliveries of one event are looked at.
    let most = DELIVERIES_MAX.max(want);
    let source = Source { page, end, most, bind: &bind };
    let mut found = source.read(connection, range, want, delivery_row).await?;
    found.rows.retain(|(_, row)| goes_to(filter, row));
    Ok(found)
}

/// The arguments from ?5 on: now, tenant, type, key, endpoint, status, reason, host, the host's endpoints.
pub(super) fn bind(filter: &DeliveryFilter) -> sqlx::Result<impl Fn(Query) -> Query + Sync + use<>> {
    let now = now();
    let filter = filter.clone();
    let endpoints = match &filter.host {
        Some((_, endpoints)) => json(&endpoints.iter().map(|id| Hex(id.uuid())).collect::<Vec<_>>())?,
        None => "[]".to_owned(),
    };
    Ok(move |query: Query| {
        query
            .bind(now)
            .bind(filter.tenant.clone())
            .bind(filter.event_type.clone())
            .bind(filter.key.clone())
            .bind(filter.endpoint.map(|id| id.uuid().as_bytes().to_vec()))
            .bind(filter.status.and_then(finished_code))
            .bind(filter.reason.map(DeadReason::code))
            .bind(filter.host.as_ref().map(|(host, _)| host.to_ascii_lowercase()))
            .bind(endpoints.clone())
    })
}

/// `status` of a row in `finished`.
const fn finished_code(status: Status) -> Option<i16> {
    match status {
        Status::Delivered => Some(Ending::Delivered.code()),
        Status::Cancelled => Some(Ending::Cancelled.code()),
        Status::Pending | Status::Dead => None,
    }
}

/// A row of any of the three tables: the statements give all of them the same columns.
pub(super) fn delivery_row(row: &SqliteRow) -> sqlx::Result<(Uuid, DeliveryRow)> {
    let id = DeliveryId::from_uuid(uuid(row, "id")?);
    let hold = match (time_or_none(row, "held_until")?, code_or_none(row, "hold_reason", HoldReason::from_code)?) {
        (Some(until), Some(reason)) => Some((until, reason)),
        _ => None,
    };
    let error = code_or_none(row, "last_error", ErrorClass::from_code)?.map(|error| error.to_string());
    let delivery = DeliveryRow {
        id,
        endpoint: uuid_or_none(row, "endpoint_id")?.map(EndpointId::from_uuid),
        lane: LaneId::from_i64(row.try_get("lane")?),
        event: event(row)?,
        marks: Marks::from_bits(row.try_get("marks")?),
        status: status(row.try_get("status")?)?,
        reason: code_or_none(row, "reason", DeadReason::from_code)?,
        attempts: row.try_get("attempts")?,
        due_at: time_or_none(row, "due_at")?,
        hold,
        created_at: id.event().accepted_at(),
        finished_at: time_or_none(row, "finished_at")?,
        last_status: row.try_get("last_status")?,
        last_error: row.try_get::<Option<String>, _>("detail")?.or(error),
    };
    Ok((id.uuid(), delivery))
}

/// `status` as the statements write it.
pub(super) fn status(text: &str) -> sqlx::Result<Status> {
    match text {
        "pending" => Ok(Status::Pending),
        "delivered" => Ok(Status::Delivered),
        "dead" => Ok(Status::Dead),
        "cancelled" => Ok(Status::Cancelled),
        _ => Err(corrupt(format!("status {text}"))),
    }
}

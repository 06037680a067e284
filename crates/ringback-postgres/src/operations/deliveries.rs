//! Deliveries as listed: one row each, wherever it is.

use std::collections::HashMap;

use ringback::{
    attempt::ErrorClass,
    delivery::{DeadReason, LaneId, Marks, Status},
    event::Event,
    id::{DeliveryId, EventId},
    store::{DeliveryFilter, DeliveryRow, Error, Page, Result},
    time::Timestamp,
};
use sqlx::{PgConnection, postgres::PgRow};
use uuid::Uuid;

use super::scan;
use crate::{Postgres, error::from_sqlx, rows, sql::query};

pub(super) async fn list(
    store: &Postgres,
    filter: &DeliveryFilter,
    before: Option<DeliveryId>,
    limit: u32,
) -> Result<Page<DeliveryRow, DeliveryId>> {
    let mut connection = store.desk().await?;
    let (from, to) = scan::ids(filter.span);
    let to = before.map_or(to, |before| to.min(before.uuid()));
    let events = addressed_events(store, &mut connection, filter, from, to).await?;
    let read = if scan::needs_event(filter) { scan::ROWS_MAX.max(limit) } else { limit };
    let statement =
        if events.is_some() { &store.sql().list_deliveries_of_events } else { &store.sql().list_deliveries };
    let mut list = query(statement)
        .bind(from)
        .bind(to)
        .bind(i64::from(read))
        .bind(filter.status.map(scan::status_code))
        .bind(filter.reason.map(DeadReason::code))
        .bind(filter.endpoint.map(|endpoint| endpoint.uuid()));
    if let Some(events) = &events {
        list = list.bind(events.iter().map(|event| event.uuid()).collect::<Vec<_>>());
    }
    let rows = list.fetch_all(&mut *connection).await.map_err(from_sqlx)?;
    let mut found = complete(store, &mut connection, &rows).await?;
    found.retain(|row| scan::admits_delivery(filter, &row.event, row.endpoint));
    let next = next_page(&rows, &found, limit, read, events.as_deref())?;
    found.truncate(limit as usize);
    Ok(Page { items: found, next })
}

pub(super) async fn find(store: &Postgres, id: DeliveryId) -> Result<Option<DeliveryRow>> {
    let mut connection = store.desk().await?;
    let next = Uuid::from_u128(id.uuid().as_u128().saturating_add(1));
    let rows = query(&store.sql().list_deliveries)
        .bind(id.uuid())
        .bind(next)
        .bind(1_i64)
        .bind(None::<i16>)
        .bind(None::<i16>)
        .bind(None::<Uuid>)
        .fetch_all(&mut *connection)
        .await
        .map_err(from_sqlx)?;
    Ok(complete(store, &mut connection, &rows).await?.pop())
}

/// The events whose deliveries are asked for, where an index finds them: by id or by key, newest first.
pub(super) async fn addressed_events(
    store: &Postgres,
    connection: &mut PgConnection,
    filter: &DeliveryFilter,
    from: Uuid,
    to: Uuid,
) -> Result<Option<Vec<EventId>>> {
    if let Some(event) = filter.event {
        return Ok(Some(vec![event]));
    }
    let Some(key) = &filter.key else {
        return Ok(None);
    };
    let rows = query(&store.sql().find_events)
        // An event's own id lies below its deliveries': the event of the first delivery in reach counts.
        .bind(EventId::from_uuid(from).uuid())
        .bind(to)
        .bind(i64::from(scan::EVENTS_OF_KEY_MAX))
        .bind(&**key)
        .fetch_all(connection)
        .await
        .map_err(from_sqlx)?;
    rows.iter().map(|row| Ok(EventId::from_uuid(rows::get(row, "id")?))).collect::<Result<Vec<_>>>().map(Some)
}

/// Where to go on: after the last item of a full page, or after the last row read where more may follow.
fn next_page(
    rows: &[PgRow],
    found: &[DeliveryRow],
    limit: u32,
    read: u32,
    events: Option<&[EventId]>,
) -> Result<Option<DeliveryId>> {
    if let Some(last) = (limit as usize).checked_sub(1).and_then(|last| found.get(last)) {
        return Ok(Some(last.id));
    }
    if rows.len() == read as usize {
        let last = rows.last().map(|row| rows::get(row, "id")).transpose()?;
        return Ok(last.map(DeliveryId::from_uuid));
    }
    // All deliveries of the events looked at were read; there may be older events of the same key.
    Ok(events
        .filter(|events| events.len() == scan::EVENTS_OF_KEY_MAX as usize)
        .and_then(|events| events.last())
        .map(|event| DeliveryId::from_uuid(event.uuid())))
}

/// Adds to rows of deliveries what stands elsewhere: their events, holds of their lanes, replays under way. A row
/// whose event retention has dropped meanwhile is left out.
pub(super) async fn complete(
    store: &Postgres,
    connection: &mut PgConnection,
    rows: &[PgRow],
) -> Result<Vec<DeliveryRow>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let events = events_of(store, connection, rows).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let id = DeliveryId::from_uuid(rows::get(row, "id")?);
        if let Some(event) = events.get(&id.event()) {
            found.push(read(row, id, event)?);
        }
    }
    add_replays_under_way(store, connection, &mut found).await?;
    add_holds(store, connection, &mut found).await?;
    Ok(found)
}

async fn events_of(store: &Postgres, connection: &mut PgConnection, rows: &[PgRow]) -> Result<HashMap<EventId, Event>> {
    let mut ids = Vec::with_capacity(rows.len());
    for row in rows {
        ids.push(DeliveryId::from_uuid(rows::get(row, "id")?).event().uuid());
    }
    ids.dedup();
    let rows = query(&store.sql().read_events).bind(&ids).fetch_all(connection).await.map_err(from_sqlx)?;
    rows.iter().map(|row| rows::event(row).map(|event| (event.id, event))).collect()
}

fn read(row: &PgRow, id: DeliveryId, event: &Event) -> Result<DeliveryRow> {
    let status: i16 = rows::get(row, "status")?;
    let reason: Option<i16> = rows::get(row, "reason")?;
    let last_error: Option<i16> = rows::get(row, "last_error")?;
    let last_error = last_error
        .map(|code| ErrorClass::from_code(code).ok_or_else(|| Error::corrupt(format_args!("error {code}"))))
        .transpose()?;
    let last_status: Option<i32> = rows::get(row, "last_status")?;
    let detail: Option<String> = rows::get(row, "detail")?;
    Ok(DeliveryRow {
        id,
        endpoint: rows::endpoint_id(row, "endpoint_id")?,
        lane: LaneId::from_i64(rows::get(row, "lane")?),
        event: event.clone(),
        marks: Marks::from_bits(rows::get(row, "marks")?),
        status: scan::status_of(status).ok_or_else(|| Error::corrupt(format_args!("status {status}")))?,
        reason: reason
            .map(|code| DeadReason::from_code(code).ok_or_else(|| Error::corrupt(format_args!("reason {code}"))))
            .transpose()?,
        attempts: rows::get(row, "attempts")?,
        due_at: rows::time_or_none(row, "due_at")?,
        hold: None,
        // A delivery is owed from the moment its event is accepted, whenever it is routed.
        created_at: id.event().accepted_at(),
        finished_at: rows::time_or_none(row, "finished_at")?,
        last_status: last_status.and_then(|status| u16::try_from(status).ok()),
        last_error: detail.or_else(|| last_error.map(|error| error.to_string())),
    })
}

async fn add_replays_under_way(
    store: &Postgres,
    connection: &mut PgConnection,
    found: &mut [DeliveryRow],
) -> Result<()> {
    let delivered: Vec<Uuid> =
        found.iter().filter(|row| row.status == Status::Delivered).map(|row| row.id.uuid()).collect();
    if delivered.is_empty() {
        return Ok(());
    }
    let rows =
        query(&store.sql().read_replays_under_way).bind(&delivered).fetch_all(connection).await.map_err(from_sqlx)?;
    let mut under_way = HashMap::new();
    for row in &rows {
        let progress: (Timestamp, i32) = (rows::time(row, "due_at")?, rows::get(row, "attempts")?);
        under_way.insert(rows::get::<Uuid, _>(row, "id")?, progress);
    }
    for row in found {
        if let Some(&(due_at, attempts)) = under_way.get(&row.id.uuid()) {
            row.due_at = Some(due_at);
            row.attempts = row.attempts.max(attempts);
        }
    }
    Ok(())
}

async fn add_holds(store: &Postgres, connection: &mut PgConnection, found: &mut [DeliveryRow]) -> Result<()> {
    let waiting = scan::lanes(found.iter().filter(|row| row.due_at.is_some()).map(|row| row.lane));
    if waiting.is_empty() {
        return Ok(());
    }
    let rows = query(&store.sql().read_lane_holds).bind(&waiting).fetch_all(connection).await.map_err(from_sqlx)?;
    let mut holds = HashMap::new();
    for row in &rows {
        let hold = (rows::time(row, "until")?, rows::hold_reason(rows::get(row, "reason")?)?);
        holds.insert(LaneId::from_i64(rows::get(row, "lane")?), hold);
    }
    for row in found.iter_mut().filter(|row| row.due_at.is_some()) {
        row.hold = holds.get(&row.lane).copied();
    }
    Ok(())
}

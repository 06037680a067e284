//! Deliveries as listed: one row each, from whichever table has it.

use std::collections::HashMap;

use ringback::{
    attempt::ErrorClass,
    delivery::{DeadReason, LaneId, Marks, Status},
    id::{DeliveryId, EventId},
    store::{
        DeliveryFilter, DeliveryRow, Error, Page, Result,
        codes::Ending,
        rules::{
            host,
            page::{EVENTS_OF_KEY_MAX, Table, merge, places},
        },
    },
    time::Timestamp,
};
use sqlx::{PgConnection, postgres::PgRow};
use uuid::Uuid;

use super::scan::{self, Found, Own, Range, Source};
use crate::{Postgres, error::from_sqlx, rows, sql::query};

pub(super) async fn list(
    store: &Postgres,
    filter: &DeliveryFilter,
    before: Option<DeliveryId>,
    limit: u32,
) -> Result<Page<DeliveryRow, DeliveryId>> {
    let mut snapshot = store.snapshot().await?;
    let range = Range::accepted(filter.span).before(before.map(DeliveryId::uuid));
    let want = i64::from(limit) + 1;
    let events = addressed_events(store, &mut snapshot, filter, range, EVENTS_OF_KEY_MAX).await?;
    let found = match &events {
        Some(events) => vec![of_events(store, &mut snapshot, filter, range, want, events).await?],
        None => everywhere(store, &mut snapshot, filter, range, want).await?,
    };
    let found = found.into_iter().map(|found| Ok(Found { rows: read_all(&found.rows, filter)?, end: found.end }));
    let mut page = merge(found.collect::<Result<_>>()?, limit);
    add_replays_under_way(store, &mut snapshot, &mut page.items).await?;
    add_holds(store, &mut snapshot, &mut page.items).await?;
    Ok(Page { items: page.items, next: page.next.map(DeliveryId::from_uuid) })
}

/// The rows of each table that may have some.
async fn everywhere(
    store: &Postgres,
    connection: &mut PgConnection,
    filter: &DeliveryFilter,
    range: Range,
    want: i64,
) -> Result<Vec<Found<PgRow>>> {
    let mut found = Vec::new();
    for place in places(filter) {
        found.push(source(place, store, filter).read(connection, filter, range, want).await?);
    }
    Ok(found)
}

fn source<'a>(place: Table, store: &'a Postgres, filter: &DeliveryFilter) -> Source<'a> {
    let sql = store.sql();
    match place {
        Table::Delivery => Source {
            page: &sql.list_pending,
            end: &sql.end_of_pending,
            own: Own::Lane(filter.endpoint.map(LaneId::of_endpoint)),
        },
        Table::DeadLetter => {
            Source { page: &sql.list_dead, end: &sql.end_of_dead, own: Own::Code(filter.reason.map(DeadReason::code)) }
        }
        Table::Finished => Source {
            page: &sql.list_finished,
            end: &sql.end_of_finished,
            own: Own::Code(filter.status.and_then(finished_code)),
        },
    }
}

/// `status` of a row in `finished`.
const fn finished_code(status: Status) -> Option<i16> {
    match status {
        Status::Delivered => Some(Ending::Delivered.code()),
        Status::Cancelled => Some(Ending::Cancelled.code()),
        Status::Pending | Status::Dead => None,
    }
}

/// The deliveries of some events, and where to go on if older events may have more.
async fn of_events(
    store: &Postgres,
    connection: &mut PgConnection,
    filter: &DeliveryFilter,
    range: Range,
    want: i64,
    events: &[EventId],
) -> Result<Found<PgRow>> {
    let list = query(&store.sql().list_deliveries_of_events)
        .bind(range.low)
        .bind(range.high)
        .bind(want)
        .bind(filter.status.map(Status::code));
    let rows = scan::bind(list, filter)
        .bind(filter.reason.map(DeadReason::code))
        .bind(events.iter().map(|event| event.uuid()).collect::<Vec<_>>())
        .fetch_all(connection)
        .await
        .map_err(from_sqlx)?;
    let end = if i64::try_from(rows.len()) == Ok(want) {
        rows.last().map(|row| rows::get(row, "delivery_id")).transpose()?
    } else {
        let looked_at_all = events.len() < EVENTS_OF_KEY_MAX;
        events.last().filter(|_| !looked_at_all).map(|event| event.uuid())
    };
    Ok(Found { rows: scan::placed(rows)?, end })
}

pub(super) async fn find(store: &Postgres, id: DeliveryId) -> Result<Option<DeliveryRow>> {
    let mut snapshot = store.snapshot().await?;
    let row =
        query(&store.sql().read_delivery).bind(id.uuid()).fetch_optional(&mut *snapshot).await.map_err(from_sqlx)?;
    let mut found: Vec<_> = row.iter().map(read).collect::<Result<_>>()?;
    add_replays_under_way(store, &mut snapshot, &mut found).await?;
    add_holds(store, &mut snapshot, &mut found).await?;
    Ok(found.pop())
}

/// The events whose deliveries are asked for, where an index finds them: by id or by key, the newest `most`.
pub(super) async fn addressed_events(
    store: &Postgres,
    connection: &mut PgConnection,
    filter: &DeliveryFilter,
    range: Range,
    most: usize,
) -> Result<Option<Vec<EventId>>> {
    if let Some(event) = filter.event {
        return Ok(Some(vec![event]));
    }
    let Some(key) = &filter.key else {
        return Ok(None);
    };
    let rows = query(&store.sql().find_events_of_key)
        .bind(range.low)
        .bind(range.high)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .bind(&**key)
        .fetch_all(connection)
        .await
        .map_err(from_sqlx)?;
    rows.iter().map(|row| Ok(EventId::from_uuid(rows::get(row, "id")?))).collect::<Result<Vec<_>>>().map(Some)
}

/// Rows of deliveries with their events. Those whose inline destination only contains the wanted host's name are left out.
pub(super) fn read_all<P: Copy>(rows: &[(P, PgRow)], filter: &DeliveryFilter) -> Result<Vec<(P, DeliveryRow)>> {
    let mut found = rows.iter().map(|(place, row)| Ok((*place, read(row)?))).collect::<Result<Vec<_>>>()?;
    found.retain(|(_, row)| host::goes_to(filter, row));
    Ok(found)
}

fn read(row: &PgRow) -> Result<DeliveryRow> {
    let id = DeliveryId::from_uuid(rows::get(row, "delivery_id")?);
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
        event: rows::event(row)?,
        marks: Marks::from_bits(rows::get(row, "marks")?),
        status: Status::from_code(status).ok_or_else(|| Error::corrupt(format_args!("status {status}")))?,
        reason: reason
            .map(|code| DeadReason::from_code(code).ok_or_else(|| Error::corrupt(format_args!("reason {code}"))))
            .transpose()?,
        attempts: rows::get(row, "attempts")?,
        due_at: rows::time_or_none(row, "due_at")?,
        hold: None,
        // A delivery counts as created when its event is accepted, even if the event is routed later.
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

pub(super) async fn add_holds(
    store: &Postgres,
    connection: &mut PgConnection,
    found: &mut [DeliveryRow],
) -> Result<()> {
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

//! Deliveries as listed: one row each, wherever it is.

use std::collections::HashMap;

use ringback::{
    attempt::ErrorClass,
    delivery::{DeadReason, LaneId, Marks, Status},
    id::{DeliveryId, EventId},
    store::{DeliveryFilter, DeliveryRow, Error, Page, Result},
    time::Timestamp,
};
use sqlx::{PgConnection, postgres::PgRow};
use uuid::Uuid;

use super::scan::{self, Own, Range, Source};
use crate::{Postgres, error::from_sqlx, rows, sql::query};

/// Where deliveries lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Delivery,
    DeadLetter,
    Finished,
}

const PLACES: [Place; 3] = [Place::Delivery, Place::DeadLetter, Place::Finished];

pub(super) async fn list(
    store: &Postgres,
    filter: &DeliveryFilter,
    before: Option<DeliveryId>,
    limit: u32,
) -> Result<Page<DeliveryRow, DeliveryId>> {
    let mut snapshot = store.snapshot().await?;
    let range = Range::accepted(filter.span).before(before.map(DeliveryId::uuid));
    let want = i64::from(limit) + 1;
    let events = addressed_events(store, &mut snapshot, filter, range.low, range.high).await?;
    let (rows, horizon) = match &events {
        Some(events) => of_events(store, &mut snapshot, filter, range, want, events).await?,
        None => everywhere(store, &mut snapshot, filter, range, want).await?,
    };
    let mut page = scan::merge(read_all(&rows, filter)?, horizon, limit);
    add_replays_under_way(store, &mut snapshot, &mut page.items).await?;
    add_holds(store, &mut snapshot, &mut page.items).await?;
    Ok(Page { items: page.items, next: page.next.map(DeliveryId::from_uuid) })
}

/// What each place gave, and the highest end of one that was not read to its own.
async fn everywhere(
    store: &Postgres,
    connection: &mut PgConnection,
    filter: &DeliveryFilter,
    range: Range,
    want: i64,
) -> Result<(Vec<PgRow>, Option<Uuid>)> {
    let (mut rows, mut horizon) = (Vec::new(), None);
    for place in PLACES.into_iter().filter(|place| place.may_hold(filter)) {
        let found = place.source(store, filter).read(connection, filter, range, want).await?;
        horizon = horizon.max(found.end);
        rows.extend(found.rows);
    }
    Ok((rows, horizon))
}

impl Place {
    fn may_hold(self, filter: &DeliveryFilter) -> bool {
        let of_status = match filter.status {
            None => true,
            Some(Status::Pending) => self == Self::Delivery,
            Some(Status::Dead) => self == Self::DeadLetter,
            Some(Status::Delivered | Status::Cancelled) => self == Self::Finished,
        };
        of_status && (filter.reason.is_none() || self == Self::DeadLetter)
    }

    fn source<'a>(self, store: &'a Postgres, filter: &DeliveryFilter) -> Source<'a> {
        let sql = store.sql();
        match self {
            Self::Delivery => Source {
                page: &sql.list_pending,
                end: &sql.end_of_pending,
                own: Own::Lane(filter.endpoint.map(LaneId::of_endpoint)),
            },
            Self::DeadLetter => Source {
                page: &sql.list_dead,
                end: &sql.end_of_dead,
                own: Own::Code(filter.reason.map(DeadReason::code)),
            },
            Self::Finished => Source {
                page: &sql.list_finished,
                end: &sql.end_of_finished,
                own: Own::Code(filter.status.and_then(finished_code)),
            },
        }
    }
}

/// `status` of a row in `finished`.
const fn finished_code(status: Status) -> Option<i16> {
    match status {
        Status::Delivered => Some(1),
        Status::Cancelled => Some(2),
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
) -> Result<(Vec<PgRow>, Option<Uuid>)> {
    let list = query(&store.sql().list_deliveries_of_events)
        .bind(range.low)
        .bind(range.high)
        .bind(want)
        .bind(filter.status.map(scan::status_code));
    let rows = scan::bind(list, filter)
        .bind(filter.reason.map(DeadReason::code))
        .bind(events.iter().map(|event| event.uuid()).collect::<Vec<_>>())
        .fetch_all(connection)
        .await
        .map_err(from_sqlx)?;
    let horizon = if i64::try_from(rows.len()) == Ok(want) {
        rows.last().map(|row| rows::get(row, "delivery_id")).transpose()?
    } else {
        let looked_at_all = events.len() < scan::EVENTS_OF_KEY_MAX as usize;
        events.last().filter(|_| !looked_at_all).map(|event| event.uuid())
    };
    Ok((rows, horizon))
}

pub(super) async fn find(store: &Postgres, id: DeliveryId) -> Result<Option<DeliveryRow>> {
    let mut snapshot = store.snapshot().await?;
    let row =
        query(&store.sql().read_delivery).bind(id.uuid()).fetch_optional(&mut *snapshot).await.map_err(from_sqlx)?;
    let mut found = read_all(row.as_slice(), &DeliveryFilter::default())?;
    add_replays_under_way(store, &mut snapshot, &mut found).await?;
    add_holds(store, &mut snapshot, &mut found).await?;
    Ok(found.pop())
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
        .bind(filter.tenant.as_deref())
        .bind(filter.event_type.as_deref())
        .fetch_all(connection)
        .await
        .map_err(from_sqlx)?;
    rows.iter().map(|row| Ok(EventId::from_uuid(rows::get(row, "id")?))).collect::<Result<Vec<_>>>().map(Some)
}

/// Rows of deliveries with their events, but for those whose inline destination only looked like the wanted host.
pub(super) fn read_all(rows: &[PgRow], filter: &DeliveryFilter) -> Result<Vec<DeliveryRow>> {
    let mut found = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    found.retain(|row| scan::goes_to(filter, row));
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

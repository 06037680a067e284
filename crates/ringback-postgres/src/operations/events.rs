//! Events as listed, with what became of them in routing.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use ringback::{
    id::EventId,
    store::{
        EventFilter, EventRow, EventState, Page, PayloadRead, Result,
        codes::NoDelivery,
        rules::{
            idempotency::{NAMES_MAX, holders_now},
            keys::{EVENTS_FOR_KEYS, near},
            page::{EVENTS_MAX, Found, merge},
        },
    },
};
use sqlx::{PgConnection, postgres::PgRow};
use uuid::Uuid;

use super::scan;
use crate::{Postgres, error::from_sqlx, rows, sql::query};

const UNMATCHED: i16 = NoDelivery::Unmatched.code();
const DUPLICATE: i16 = NoDelivery::Duplicate.code();

pub(super) async fn list(
    store: &Postgres,
    filter: &EventFilter,
    before: Option<EventId>,
    limit: u32,
) -> Result<Page<EventRow, EventId>> {
    let mut connection = store.snapshot().await?;
    let range = scan::Range::accepted(filter.accepted).before(before.map(EventId::uuid));
    let found = read(store, &mut connection, filter, range, i64::from(limit) + 1).await?;
    let mut page = merge(vec![found], limit);
    judge(store, &mut connection, &mut page.items).await?;
    Ok(Page { items: page.items, next: page.next.map(EventId::from_uuid) })
}

/// The newest events that match, and where to go on if a page's bound was reached before enough were found.
async fn read(
    store: &Postgres,
    connection: &mut PgConnection,
    filter: &EventFilter,
    range: scan::Range,
    want: i64,
) -> Result<Found<EventRow>> {
    if let Some(entry) = filter.metadata.0.first_key_value() {
        return read_of_metadata(store, connection, (filter, entry), range, want).await;
    }
    let (sql, tenant, event_type) = (store.sql(), filter.tenant.as_deref(), filter.event_type.as_deref());
    let list = match filter.key.as_deref() {
        Some(key) => query(&sql.find_events).bind(range.low).bind(range.high).bind(want).bind(key),
        None => query(&sql.list_events).bind(range.low).bind(range.high).bind(EVENTS_MAX).bind(want),
    };
    let list = list.bind(tenant).bind(event_type);
    let list = if filter.key.is_some() { list.bind(EVENTS_MAX) } else { list };
    let rows = found(&list.fetch_all(&mut *connection).await.map_err(from_sqlx)?)?;
    if i64::try_from(rows.len()) == Ok(want) {
        return Ok(Found { end: rows.last().map(|(id, _)| *id), rows });
    }
    let end = match filter.key.as_deref() {
        Some(key) => query(&sql.end_of_events_of_key).bind(range.low).bind(range.high).bind(EVENTS_MAX).bind(key),
        None => query(&sql.end_of_events).bind(range.low).bind(range.high).bind(EVENTS_MAX),
    };
    let end = end.fetch_optional(connection).await.map_err(from_sqlx)?;
    Ok(Found { rows, end: end.map(|row| rows::get(&row, "id")).transpose()? })
}

/// The same of events with certain metadata, one entry of which an index finds.
async fn read_of_metadata(
    store: &Postgres,
    connection: &mut PgConnection,
    (filter, (name, value)): (&EventFilter, (&String, &String)),
    range: scan::Range,
    want: i64,
) -> Result<Found<EventRow>> {
    let list = query(&store.sql().find_events_of_metadata)
        .bind(range.low)
        .bind(range.high)
        .bind(want)
        .bind(name)
        .bind(filter.tenant.as_deref())
        .bind(filter.event_type.as_deref())
        .bind(EVENTS_MAX)
        .bind(value)
        .bind(filter.key.as_deref())
        .bind(filter.metadata.to_text());
    let rows = found(&list.fetch_all(&mut *connection).await.map_err(from_sqlx)?)?;
    if i64::try_from(rows.len()) == Ok(want) {
        return Ok(Found { end: rows.last().map(|(id, _)| *id), rows });
    }
    let end = query(&store.sql().end_of_events_of_metadata).bind(range.low).bind(range.high).bind(EVENTS_MAX);
    let end = end.bind(name).bind(value).fetch_optional(connection).await.map_err(from_sqlx)?;
    Ok(Found { rows, end: end.map(|row| rows::get(&row, "id")).transpose()? })
}

fn found(rows: &[PgRow]) -> Result<Vec<(Uuid, EventRow)>> {
    rows.iter().map(|row| unjudged(row).map(|row| (row.event.id.uuid(), row))).collect()
}

pub(super) async fn find(store: &Postgres, id: EventId) -> Result<Option<EventRow>> {
    let mut connection = store.desk().await?;
    let rows = query(&store.sql().read_events)
        .bind(vec![id.uuid()])
        .bind(i64::MAX)
        .fetch_all(&mut *connection)
        .await
        .map_err(from_sqlx)?;
    let mut items = rows.iter().map(unjudged).collect::<Result<Vec<_>>>()?;
    judge(store, &mut connection, &mut items).await?;
    Ok(items.pop())
}

pub(super) async fn payload(store: &Postgres, id: EventId) -> Result<PayloadRead> {
    let row = query(&store.sql().read_payload)
        .bind(id.uuid())
        .fetch_optional(&mut *store.desk().await?)
        .await
        .map_err(from_sqlx)?;
    let Some(row) = row else {
        return Ok(PayloadRead::Absent);
    };
    let payload: Option<Vec<u8>> = rows::get(&row, "payload")?;
    let expunged: bool = rows::get(&row, "expunged")?;
    Ok(match payload {
        Some(payload) => PayloadRead::Bytes(payload.into()),
        None if expunged => PayloadRead::Expunged,
        None => PayloadRead::Expired,
    })
}

/// A row of `event`, before [`judge`] fills in what became of it in routing.
fn unjudged(row: &PgRow) -> Result<EventRow> {
    Ok(EventRow {
        event: rows::event(row)?,
        state: EventState::Unrouted,
        duplicate_of: None,
        payload_bytes: rows::get::<i32, _>(row, "payload_bytes")?.into(),
        expunged_at: rows::time_or_none(row, "expunged_at")?,
        config_version: None,
    })
}

/// Fills in what became of each event in routing: it has a verdict, or a first delivery, or waits in the outbox. If it has
/// none of these, it was routed, and its dead letters were dropped before it.
async fn judge(store: &Postgres, connection: &mut PgConnection, items: &mut [EventRow]) -> Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    let events: Vec<Uuid> = items.iter().map(|row| row.event.id.uuid()).collect();
    let firsts: Vec<Uuid> = items.iter().map(|row| row.event.id.delivery(1).uuid()).collect();
    let rows = query(&store.sql().read_verdicts)
        .bind(&events)
        .bind(&firsts)
        .fetch_all(&mut *connection)
        .await
        .map_err(from_sqlx)?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        found.insert(rows::get::<Uuid, _>(row, "event_id")?, row);
    }
    let mut neither = Vec::new();
    for item in items {
        let Some(row) = found.get(&item.event.id.uuid()) else {
            neither.push(item);
            continue;
        };
        item.state = match rows::get::<i16, _>(row, "kind")? {
            UNMATCHED => EventState::Unmatched,
            DUPLICATE => EventState::Duplicate,
            _ => EventState::Routed,
        };
        item.duplicate_of = rows::get::<Option<Uuid>, _>(row, "duplicate_of")?.map(EventId::from_uuid);
        item.config_version = Some(rows::get(row, "config_version")?);
    }
    if neither.is_empty() {
        return Ok(());
    }
    let events: Vec<Uuid> = neither.iter().map(|item| item.event.id.uuid()).collect();
    let waiting: HashSet<Uuid> = sqlx::query_scalar(store.sql().find_waiting.clone())
        .bind(&events)
        .persistent(false)
        .fetch_all(connection)
        .await
        .map_err(from_sqlx)?
        .into_iter()
        .collect();
    for item in neither.into_iter().filter(|item| !waiting.contains(&item.event.id.uuid())) {
        item.state = EventState::Routed;
    }
    Ok(())
}

pub(super) async fn keys_near(store: &Postgres, tenant: Option<&str>, text: &str, most: u32) -> Result<Vec<String>> {
    let mut snapshot = store.snapshot().await?;
    let mut sides = [Vec::new(), Vec::new()];
    for (side, statement) in sides.iter_mut().zip([&store.sql().find_keys_before, &store.sql().find_keys_after]) {
        let list = query(statement).bind(text).bind(i64::from(EVENTS_FOR_KEYS)).bind(tenant);
        let rows = list.fetch_all(&mut *snapshot).await.map_err(from_sqlx)?;
        *side = rows.iter().map(|row| rows::get(row, "key")).collect::<Result<_>>()?;
    }
    let [before, after] = sides;
    Ok(near(before, after, most))
}

pub(super) async fn key_holders(
    store: &Postgres,
    tenant: Option<&str>,
    key: &str,
    window: Duration,
    most: u32,
) -> Result<Vec<EventId>> {
    let list = query(&store.sql().find_key_takers).bind(key).bind(tenant).bind(i64::from(NAMES_MAX));
    let rows = list.fetch_all(&mut *store.desk().await?).await.map_err(from_sqlx)?;
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let now = rows::time(first, "now")?;
    let took = rows.iter().map(|row| Ok(EventId::from_uuid(rows::get(row, "event_id")?))).collect::<Result<_>>()?;
    Ok(holders_now(took, now, window, most))
}

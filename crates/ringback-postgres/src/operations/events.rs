//! Events as listed: what was accepted and what routing made of it.

use std::collections::HashMap;

use ringback::{
    id::EventId,
    store::{EventFilter, EventRow, EventState, Page, PayloadRead, Result},
};
use sqlx::{PgConnection, postgres::PgRow};
use uuid::Uuid;

use super::scan;
use crate::{Postgres, error::from_sqlx, rows, sql::query};

const UNMATCHED: i16 = 1;
const DUPLICATE: i16 = 2;

pub(super) async fn list(
    store: &Postgres,
    filter: &EventFilter,
    before: Option<EventId>,
    limit: u32,
) -> Result<Page<EventRow, EventId>> {
    let mut connection = store.desk().await?;
    let (from, to) = scan::ids(filter.accepted);
    let to = before.map_or(to, |before| to.min(before.uuid()));
    let filtered = filter.tenant.is_some() || filter.event_type.is_some();
    let read = if filtered { scan::ROWS_MAX.max(limit) } else { limit };
    let rows = match &filter.key {
        Some(key) => query(&store.sql().find_events).bind(from).bind(to).bind(i64::from(read)).bind(&**key),
        None => query(&store.sql().list_events).bind(from).bind(to).bind(i64::from(read)),
    };
    let rows = rows.fetch_all(&mut *connection).await.map_err(from_sqlx)?;
    let mut items = Vec::new();
    let mut last = None;
    for row in &rows {
        let unjudged = unjudged(row)?;
        last = Some(unjudged.event.id);
        if scan::admits_event(filter, &unjudged.event) {
            items.push(unjudged);
            if items.len() == limit as usize {
                break;
            }
        }
    }
    let full = items.len() == limit as usize || rows.len() == read as usize;
    judge(store, &mut connection, &mut items).await?;
    Ok(Page { items, next: last.filter(|_| full) })
}

pub(super) async fn find(store: &Postgres, id: EventId) -> Result<Option<EventRow>> {
    let mut connection = store.desk().await?;
    let rows =
        query(&store.sql().read_events).bind(vec![id.uuid()]).fetch_all(&mut *connection).await.map_err(from_sqlx)?;
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

/// A row of `event` before it is known what routing made of it.
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

/// Fills in what routing made of each event: a verdict, or its first delivery, or nothing yet.
async fn judge(store: &Postgres, connection: &mut PgConnection, items: &mut [EventRow]) -> Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    let events: Vec<Uuid> = items.iter().map(|row| row.event.id.uuid()).collect();
    let firsts: Vec<Uuid> = items.iter().map(|row| row.event.id.delivery(1).uuid()).collect();
    let rows =
        query(&store.sql().read_verdicts).bind(&events).bind(&firsts).fetch_all(connection).await.map_err(from_sqlx)?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        found.insert(rows::get::<Uuid, _>(row, "event_id")?, row);
    }
    for item in items {
        let Some(row) = found.get(&item.event.id.uuid()) else { continue };
        item.state = match rows::get::<i16, _>(row, "kind")? {
            UNMATCHED => EventState::Unmatched,
            DUPLICATE => EventState::Duplicate,
            _ => EventState::Routed,
        };
        item.duplicate_of = rows::get::<Option<Uuid>, _>(row, "duplicate_of")?.map(EventId::from_uuid);
        item.config_version = Some(rows::get(row, "config_version")?);
    }
    Ok(())
}

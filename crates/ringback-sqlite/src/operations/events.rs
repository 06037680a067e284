//! Events, with what became of them in routing.

use bytes::Bytes;
use ringback::{
    id::EventId,
    store::{
        EventFilter, EventRow, EventState, Page, PayloadRead,
        codes::NoDelivery,
        rules::{
            idempotency::NAMES_MAX,
            keys::{EVENTS_FOR_KEYS, near},
            page::EVENTS_MAX,
        },
    },
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::scan::{Query, Range, Source, merge};
use crate::read::{code_or_none, event, time_or_none, uuid, uuid_or_none};

/// Events, newest first.
pub(super) async fn list(
    connection: &mut SqliteConnection,
    filter: &EventFilter,
    before: Option<EventId>,
    limit: u32,
) -> sqlx::Result<Page<EventRow, EventId>> {
    let range = Range::accepted(filter.accepted).before(before.map(EventId::uuid));
    let page = merge(vec![read(connection, filter, range, i64::from(limit) + 1).await?], limit);
    Ok(Page { items: page.items, next: page.next.map(EventId::from_uuid) })
}

/// One event.
pub(super) async fn one(connection: &mut SqliteConnection, id: EventId) -> sqlx::Result<Option<EventRow>> {
    let found = read(connection, &EventFilter::default(), Range::of(id.uuid()), 1).await?;
    Ok(found.rows.into_iter().next().map(|(_, row)| row))
}

async fn read(
    connection: &mut SqliteConnection,
    filter: &EventFilter,
    range: Range,
    want: i64,
) -> sqlx::Result<super::scan::Found<EventRow>> {
    let entry = filter.metadata.0.first_key_value();
    let bind = |query: Query| {
        query
            .bind(filter.key.clone())
            .bind(filter.tenant.clone())
            .bind(filter.event_type.clone())
            .bind(entry.map(|(name, _)| name.clone()))
            .bind(entry.map(|(_, value)| value.clone()))
            .bind(filter.metadata.to_text())
    };
    let (page, end) = if entry.is_some() {
        (
            sql!("events/list_events", "AND {part.is_of_metadata}"),
            sql!("events/end_of_events", "AND {part.is_of_metadata}"),
        )
    } else if filter.key.is_some() {
        (sql!("events/list_events", "AND key = ?5"), sql!("events/end_of_events", "AND key = ?5"))
    } else if filter.tenant.is_some() {
        (sql!("events/list_events", "AND tenant = ?6"), sql!("events/end_of_events", "AND tenant = ?6"))
    } else {
        (sql!("events/list_events"), sql!("events/end_of_events"))
    };
    Source { page, end, most: EVENTS_MAX, bind: &bind }.read(connection, range, want, event_row).await
}

fn event_row(row: &SqliteRow) -> sqlx::Result<(Uuid, EventRow)> {
    let event = event(row)?;
    let unrouted: bool = row.try_get("unrouted")?;
    let state = match (unrouted, code_or_none(row, "kind", NoDelivery::from_code)?) {
        (true, _) => EventState::Unrouted,
        (false, None) => EventState::Routed,
        (false, Some(NoDelivery::Unmatched)) => EventState::Unmatched,
        (false, Some(NoDelivery::Duplicate)) => EventState::Duplicate,
    };
    Ok((
        event.id.uuid(),
        EventRow {
            event,
            state,
            duplicate_of: uuid_or_none(row, "duplicate_of")?.map(EventId::from_uuid),
            payload_bytes: row.try_get("payload_bytes")?,
            expunged_at: time_or_none(row, "expunged_at")?,
            config_version: row.try_get("config_version")?,
        },
    ))
}

/// The exact bytes, or why there are none.
pub(super) async fn payload(connection: &mut SqliteConnection, id: EventId) -> sqlx::Result<PayloadRead> {
    let row = sqlx::query(sql!("events/read_payload"))
        .bind(id.uuid().as_bytes().as_slice())
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(PayloadRead::Absent) };
    let payload: Option<Vec<u8>> = row.try_get("payload")?;
    Ok(match payload {
        Some(payload) => PayloadRead::Bytes(Bytes::from(payload)),
        None if row.try_get("expunged")? => PayloadRead::Expunged,
        None => PayloadRead::Expired,
    })
}

pub(super) async fn keys_near(
    connection: &mut SqliteConnection,
    tenant: Option<&str>,
    text: &str,
    most: u32,
) -> sqlx::Result<Vec<String>> {
    let mut sides = [Vec::new(), Vec::new()];
    for (side, statement) in sides.iter_mut().zip([sql!("events/find_keys_before"), sql!("events/find_keys_after")]) {
        let list = sqlx::query_scalar(statement).bind(text).bind(EVENTS_FOR_KEYS).bind(tenant);
        *side = list.fetch_all(&mut *connection).await?;
    }
    let [before, after] = sides;
    Ok(near(before, after, most))
}

/// The events that took an idempotency key, whether or not they still hold it.
pub(super) async fn key_takers(
    connection: &mut SqliteConnection,
    tenant: Option<&str>,
    key: &str,
) -> sqlx::Result<Vec<EventId>> {
    let list = sqlx::query(sql!("events/find_key_takers")).bind(key).bind(tenant).bind(NAMES_MAX);
    let rows = list.fetch_all(connection).await?;
    rows.iter().map(|row| Ok(EventId::from_uuid(uuid(row, "event_id")?))).collect()
}

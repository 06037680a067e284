//! Erases one event and cancels the deliveries that would still send it.

use ringback::{
    audit::Entry,
    id::EventId,
    store::{Change, Erased, Keys, rules::erasing},
};
use sqlx::{Row as _, SqliteConnection};

use super::answers;
use crate::{
    audit,
    configuration::change,
    operations::{cancel::cancel_event, scan::Range},
    read::{now, owned_or_none, text_or_none},
};

/// Erases an event; false if there is none. The record is written if anything was erased.
pub(super) async fn expunge(
    tx: &mut SqliteConnection,
    id: EventId,
    keys: Keys,
    record: Entry,
) -> sqlx::Result<Option<Erased>> {
    let erased = erase(tx, id, keys).await?;
    if erased.is_some_and(|erased| erased.events > 0) {
        audit::write(tx, &record).await?;
    }
    Ok(erased)
}

/// Erases an event; `None` if there is none.
pub(super) async fn erase(tx: &mut SqliteConnection, id: EventId, keys: Keys) -> sqlx::Result<Option<Erased>> {
    let uuid = id.uuid();
    let row = sqlx::query(sql!("expunging/read_event_to_erase"))
        .bind(uuid.as_bytes().as_slice())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (expunged, has_keys, has_payload): (bool, bool, bool) =
        (row.try_get("expunged")?, row.try_get("has_keys")?, row.try_get("has_payload")?);
    let destination = owned_or_none(&row, "destination")?;
    let erases_keys = keys == Keys::Erase;
    let to_do = !expunged || (erases_keys && has_keys);
    if to_do {
        sqlx::query(sql!("expunging/erase_events"))
            .bind(row.try_get::<i64, _>("seq")?)
            .bind(now())
            .bind(destination.as_deref().map(erasing::erased_destination))
            .bind(erases_keys)
            .execute(&mut *tx)
            .await?;
    }
    // Reads the names as routing did when it took the key under them.
    if let Some(key) = text_or_none(&row, "idempotency_key")? {
        let statement =
            if erases_keys { sql!("expunging/erase_idempotency_keys") } else { sql!("expunging/forget_contents") };
        sqlx::query(statement)
            .bind(text_or_none(&row, "tenant")?)
            .bind(text_or_none(&row, "type")?)
            .bind(key)
            .bind(uuid.as_bytes().as_slice())
            .execute(&mut *tx)
            .await?;
    }
    if !expunged {
        change(tx, &Change::EventExpunged(id)).await?;
    }
    let cancelled = cancel_event(tx, id).await?;
    let attempts = answers::erase(tx, Range::of_event(id), destination.is_some()).await?;
    Ok(Some(Erased {
        events: i64::from(to_do || attempts > 0),
        payload_bytes: if has_payload { row.try_get("payload_bytes")? } else { 0 },
        cancelled: i64::try_from(cancelled).unwrap_or(i64::MAX),
        attempts,
    }))
}

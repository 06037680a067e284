//! Taking back what was owed: expunging an event, discarding a dead letter.

use ringback::{
    audit::Record,
    id::{DeliveryId, EventId},
    store::Change,
};
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::scan::Range;
use crate::{audit, configuration::change, error::corrupt, read::now};

/// Removes an event's payload for good and cancels what is owed or dead of it.
///
/// While it runs, SQLite overwrites what it frees with zeros, so the bytes leave the file and not only the table.
/// Copies in the log are overwritten as the log is used again.
pub(super) async fn expunge(tx: &mut SqliteConnection, id: EventId, record: Record) -> sqlx::Result<bool> {
    let uuid = id.uuid();
    let expunged: Option<bool> =
        sqlx::query_scalar(sql!("is_expunged")).bind(uuid.as_bytes().as_slice()).fetch_optional(&mut *tx).await?;
    match expunged {
        None => return Ok(false),
        Some(true) => return Ok(true),
        Some(false) => {}
    }
    sqlx::query("PRAGMA secure_delete = ON").fetch_all(&mut *tx).await?;
    let outcome = expunge_now(tx, id).await;
    sqlx::query("PRAGMA secure_delete = OFF").fetch_all(&mut *tx).await?;
    outcome?;
    audit::write(tx, &record).await?;
    Ok(true)
}

async fn expunge_now(tx: &mut SqliteConnection, id: EventId) -> sqlx::Result<()> {
    let (uuid, now) = (id.uuid(), now());
    sqlx::query(sql!("expunge_event")).bind(uuid.as_bytes().as_slice()).bind(now).execute(&mut *tx).await?;
    let deliveries = Range::of_event(id);
    apply(tx, sql!("cancel_event"), deliveries, now).await?;
    apply(tx, sql!("delete_deliveries_between"), deliveries, now).await?;
    change(tx, &Change::EventExpunged(id)).await?;
    cancel_dead_letters(tx, deliveries, now).await?;
    Ok(())
}

/// Moves a dead letter to cancelled.
pub(super) async fn discard(tx: &mut SqliteConnection, id: DeliveryId, record: Record) -> sqlx::Result<bool> {
    let discarded = cancel_dead_letters(tx, Range::of(id.uuid()), now()).await? > 0;
    if discarded {
        audit::write(tx, &record).await?;
    }
    Ok(discarded)
}

/// Moves dead letters to cancelled; those that stood before others of their ordering key are told to their lanes.
async fn cancel_dead_letters(tx: &mut SqliteConnection, range: Range, now: i64) -> sqlx::Result<u64> {
    let blocking: Vec<Vec<u8>> = sqlx::query_scalar(sql!("find_blocking_dead_letters"))
        .bind(range.low.as_bytes().as_slice())
        .bind(range.high.as_bytes().as_slice())
        .fetch_all(&mut *tx)
        .await?;
    apply(tx, sql!("cancel_dead_letters"), range, now).await?;
    let cancelled = apply(tx, sql!("delete_dead_letters_between"), range, now).await?;
    for id in blocking {
        let id = DeliveryId::from_uuid(Uuid::from_slice(&id).map_err(corrupt)?);
        change(tx, &Change::DeliveryReleased(id)).await?;
    }
    Ok(cancelled)
}

async fn apply(tx: &mut SqliteConnection, statement: &'static str, range: Range, now: i64) -> sqlx::Result<u64> {
    let done = sqlx::query(statement)
        .bind(range.low.as_bytes().as_slice())
        .bind(range.high.as_bytes().as_slice())
        .bind(now)
        .execute(tx)
        .await?;
    Ok(done.rows_affected())
}

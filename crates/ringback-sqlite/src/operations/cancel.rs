//! Taking back what was owed: of an event that is expunged, or by discarding a dead letter.

use ringback::{
    audit::Entry,
    id::{DeliveryId, EventId},
    store::Change,
};
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::scan::Range;
use crate::{audit, configuration::change, error::corrupt, read::now};

/// Cancels what is owed or dead of an event; how many deliveries.
pub(crate) async fn cancel_event(tx: &mut SqliteConnection, id: EventId) -> sqlx::Result<u64> {
    let (deliveries, now) = (Range::of_event(id), now());
    apply(tx, sql!("expunging/cancel_event"), deliveries, now).await?;
    let owed = apply(tx, sql!("expunging/delete_deliveries_between"), deliveries, now).await?;
    Ok(owed + cancel_dead_letters(tx, deliveries, now).await?)
}

/// Moves a dead letter to cancelled.
pub(super) async fn discard(tx: &mut SqliteConnection, id: DeliveryId, record: Entry) -> sqlx::Result<bool> {
    let discarded = cancel_dead_letters(tx, Range::of(id.uuid()), now()).await? > 0;
    if discarded {
        audit::write(tx, &record).await?;
    }
    Ok(discarded)
}

/// Moves dead letters to cancelled; those that stood before others of their ordering key are told to their lanes.
async fn cancel_dead_letters(tx: &mut SqliteConnection, range: Range, now: i64) -> sqlx::Result<u64> {
    let blocking: Vec<Vec<u8>> = sqlx::query_scalar(sql!("expunging/find_blocking_dead_letters"))
        .bind(range.low.as_bytes().as_slice())
        .bind(range.high.as_bytes().as_slice())
        .fetch_all(&mut *tx)
        .await?;
    apply(tx, sql!("dead_letters/cancel_dead_letters"), range, now).await?;
    let cancelled = apply(tx, sql!("expunging/delete_dead_letters_between"), range, now).await?;
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

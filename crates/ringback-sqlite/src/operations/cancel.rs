//! Cancelling: the deliveries of an event that is expunged, or a dead letter that is discarded.

use ringback::{
    audit::Entry,
    id::{DeliveryId, EventId},
    store::Change,
};
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::scan::Range;
use crate::{audit, configuration::change, error::corrupt, read::now};

/// Cancels the pending deliveries and dead letters of an event; returns how many.
pub(crate) async fn cancel_event(tx: &mut SqliteConnection, id: EventId) -> sqlx::Result<u64> {
    let (deliveries, now) = (Range::of_event(id), now());
    let owed = apply(tx, sql!("expunging/cancel_event"), deliveries, now).await?;
    // Also replays of delivered ones, which stay delivered and so do not count.
    apply(tx, sql!("expunging/delete_deliveries_between"), deliveries, now).await?;
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

/// Moves dead letters to cancelled. For those that blocked their ordering key, a change tells the lane's owner.
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

//! Removes other old rows: dead letters, attempts, idempotency keys, changes, replays, the audit log, tokens. Each step is
//! bounded; it returns true if it reached its bound, so that there may be more.

use std::time::Duration;

use ringback::{
    id::{DeliveryId, EventId},
    store::Change,
    time::Timestamp,
};
use sqlx::{Row as _, SqliteConnection};

use super::{
    CHUNK,
    past::{Counts, Past},
};
use crate::{
    batch::{Hex, json},
    configuration::change,
    read::uuid,
};

/// Most rows that one step over tables with small rows deletes.
pub(super) const ROWS: u32 = 4000;

/// How long changes are kept: a node that has lagged behind for longer must load everything again.
const CHANGES_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes dead letters that died before `until`.
pub(super) async fn drop_dead_letters(tx: &mut SqliteConnection, until: Timestamp) -> sqlx::Result<bool> {
    let rows = sqlx::query(sql!("upkeep/find_dead_letters_to_drop"))
        .bind(until.micros())
        .bind(CHUNK)
        .fetch_all(&mut *tx)
        .await?;
    if rows.is_empty() {
        return Ok(false);
    }
    let (mut past, mut ids, mut blocking) = (Past::default(), Vec::new(), Vec::new());
    for row in &rows {
        let id = DeliveryId::from_uuid(uuid(row, "id")?);
        let counts = Counts { dead: 1, routed: row.try_get("first")?, ..Counts::default() };
        past.add(id.event(), row.try_get("tenant")?, &counts);
        ids.push(Hex(id.uuid()));
        if row.try_get("blocks")? {
            blocking.push(id);
        }
    }
    past.write(tx).await?;
    sqlx::query(sql!("replays/delete_dead_letters")).bind(json(&ids)?).execute(&mut *tx).await?;
    for id in blocking {
        change(tx, &Change::DeliveryReleased(id)).await?;
    }
    Ok(u32::try_from(rows.len()).is_ok_and(|rows| rows >= CHUNK))
}

/// Removes attempts that began before `until` by the clock of their node; attempts of younger events stay.
pub(super) async fn drop_attempts(tx: &mut SqliteConnection, until: Timestamp) -> sqlx::Result<bool> {
    let dropped = sqlx::query(sql!("upkeep/drop_attempts"))
        .bind(until.micros())
        .bind(ROWS)
        .bind(EventId::floor(until).uuid().as_bytes().as_slice())
        .execute(tx)
        .await?
        .rows_affected();
    Ok(dropped >= u64::from(ROWS))
}

/// Removes idempotency keys that were taken before `until`.
pub(super) async fn drop_keys(tx: &mut SqliteConnection, until: Timestamp) -> sqlx::Result<bool> {
    drop_oldest(tx, sql!("upkeep/forget_keys"), until).await
}

/// Forgets by which metadata events accepted before `until` are found.
pub(super) async fn drop_metadata(tx: &mut SqliteConnection, until: Timestamp) -> sqlx::Result<bool> {
    let first = EventId::floor(until).uuid();
    let dropped = sqlx::query(sql!("upkeep/forget_metadata")).bind(first.as_bytes().as_slice()).bind(ROWS);
    Ok(dropped.execute(tx).await?.rows_affected() >= u64::from(ROWS))
}

/// Removes the keys of requests that came before `until`.
pub(super) async fn drop_request_keys(tx: &mut SqliteConnection, until: Timestamp) -> sqlx::Result<bool> {
    drop_oldest(tx, sql!("upkeep/forget_request_keys"), until).await
}

/// Removes changes that every node has read long ago.
pub(super) async fn drop_changes(tx: &mut SqliteConnection, now: Timestamp) -> sqlx::Result<bool> {
    let more = drop_oldest(tx, sql!("upkeep/drop_changes"), now - CHANGES_KEPT).await?;
    sqlx::query(sql!("upkeep/forget_changes")).execute(tx).await?;
    Ok(more)
}

/// Removes replays that ended before `until`, with their items.
pub(super) async fn drop_replays(tx: &mut SqliteConnection, until: Timestamp) -> sqlx::Result<bool> {
    let more = drop_oldest(tx, sql!("upkeep/forget_replay_items"), until).await?;
    if !more {
        sqlx::query(sql!("upkeep/forget_replays")).bind(until.micros()).execute(tx).await?;
    }
    Ok(more)
}

/// Removes audit records of changes before `until`.
pub(super) async fn drop_audit(tx: &mut SqliteConnection, until: Timestamp) -> sqlx::Result<bool> {
    drop_oldest(tx, sql!("upkeep/forget_audit"), until).await
}

/// Removes tokens that expired or were revoked before `until`.
pub(super) async fn drop_tokens(tx: &mut SqliteConnection, until: Timestamp) -> sqlx::Result<bool> {
    drop_oldest(tx, sql!("upkeep/forget_tokens"), until).await
}

/// Removes links that expired or were revoked before `until`.
pub(super) async fn drop_links(tx: &mut SqliteConnection, until: Timestamp) -> sqlx::Result<bool> {
    drop_oldest(tx, sql!("upkeep/forget_links"), until).await
}

/// Removes at most [`ROWS`] rows with times before `until`.
pub(super) async fn drop_oldest(
    tx: &mut SqliteConnection,
    statement: &'static str,
    until: Timestamp,
) -> sqlx::Result<bool> {
    let dropped = sqlx::query(statement).bind(until.micros()).bind(ROWS).execute(tx).await?.rows_affected();
    Ok(dropped >= u64::from(ROWS))
}

//! Removing, a bounded number at a time, what is too old in tables that are not dropped by partition.

use std::time::Duration;

use ringback::{
    id::{DeliveryId, EventId},
    store::{Change, Kept, Result},
    time::Timestamp,
};
use sqlx::SqlStr;
use uuid::Uuid;

use crate::{Postgres, configuration::announce, error::from_sqlx, rows, sql::query};

/// Most rows that one step removes, so that its transaction stays short.
const CHUNK: i64 = 1_000;

/// How long changes are kept: longer than any node can be out of touch and still be a node.
const CHANGES_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long after its beginning the walk over old payloads begins anew.
const WALK_AGAIN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long after its end a hold or a lease is of no interest to anyone.
const ENDED_KEPT: Duration = Duration::from_secs(60 * 60);

/// Cancels what was routed while its endpoint was being deleted or its event expunged.
pub(super) async fn stragglers(store: &Postgres) -> Result<bool> {
    let row = query(&store.sql().cancel_stragglers)
        .bind(rows::micros(CHANGES_KEPT))
        .bind(CHUNK)
        .fetch_one(&mut *store.desk().await?)
        .await
        .map_err(from_sqlx)?;
    Ok(rows::get::<i64, _>(&row, 0)? >= CHUNK)
}

/// Idempotency keys, changes, the audit log, tokens, holds and nodes whose time has passed.
pub(super) async fn forgotten(store: &Postgres, kept: &Kept) -> Result<bool> {
    let sql = store.sql();
    let mut more = remove(store, &sql.forget_keys, kept.idempotency_window).await?;
    more |= forget_changes(store).await?;
    more |= remove(store, &sql.forget_audit, kept.events).await?;
    more |= remove(store, &sql.forget_tokens, kept.events).await?;
    let mut connection = store.desk().await?;
    for statement in [&sql.forget_holds, &sql.forget_nodes] {
        query(statement).bind(rows::micros(ENDED_KEPT)).execute(&mut *connection).await.map_err(from_sqlx)?;
    }
    Ok(more)
}

async fn forget_changes(store: &Postgres) -> Result<bool> {
    let row = query(&store.sql().forget_changes)
        .bind(rows::micros(CHANGES_KEPT))
        .bind(CHUNK)
        .fetch_optional(&mut *store.desk().await?)
        .await
        .map_err(from_sqlx)?;
    row.map_or(Ok(false), |row| Ok(rows::get::<i64, _>(&row, 0)? >= CHUNK))
}

async fn remove(store: &Postgres, statement: &SqlStr, older_than: Duration) -> Result<bool> {
    let done = query(statement)
        .bind(rows::micros(older_than))
        .bind(CHUNK)
        .execute(&mut *store.desk().await?)
        .await
        .map_err(from_sqlx)?;
    Ok(done.rows_affected() >= CHUNK.unsigned_abs())
}

/// Dead letters beyond retention. One that blocked its ordering key lets the next go.
pub(super) async fn dead_letters(store: &Postgres, kept: &Kept) -> Result<bool> {
    let mut transaction = store.begin().await?;
    // Everything that removes dead letters takes turns, and the version's row comes first.
    announce(store, &mut transaction, &[]).await?;
    let rows = query(&store.sql().expire_dead_letters)
        .bind(rows::micros(kept.dead_letters))
        .bind(CHUNK)
        .fetch_all(&mut *transaction)
        .await
        .map_err(from_sqlx)?;
    if rows.is_empty() {
        return Ok(false);
    }
    let mut unblocked = Vec::new();
    for row in &rows {
        if rows::get(row, "blocks")? {
            unblocked.push(Change::DeliveryReleased(DeliveryId::from_uuid(rows::get(row, "id")?)));
        }
    }
    announce(store, &mut transaction, &unblocked).await?;
    transaction.commit().await.map_err(from_sqlx)?;
    Ok(rows.len() as u64 >= CHUNK.unsigned_abs())
}

/// Payloads of old events. An event that is still owed when the walk passes keeps its payload until the walk comes by
/// again: it begins anew [`WALK_AGAIN`] after it last did, since most of what it then passes has no payload any more.
pub(super) async fn payloads(store: &Postgres, kept: &Kept) -> Result<bool> {
    let position = walk(store, "payloads", &store.sql().remove_payloads, kept.payloads).await?;
    if position.is_none() {
        // When it began, as the smallest id of that moment.
        let began = EventId::from_uuid(position_of(store, "payloads_from").await?).accepted_at();
        if began < Timestamp::now() - WALK_AGAIN {
            keep_position(store, "payloads", Uuid::nil()).await?;
            keep_position(store, "payloads_from", EventId::floor(Timestamp::now()).uuid()).await?;
        }
    }
    Ok(position.is_some())
}

/// What outlived its partition and is of no use any more. The walk begins again each time it has come to the end.
pub(super) async fn kept(store: &Postgres, kept: &Kept) -> Result<bool> {
    let mut more = remove(store, &store.sql().prune_kept_attempts, kept.attempts).await?;
    if store.is_walk_of_kept_due() {
        let walking = prune(store, kept).await?;
        if !walking {
            store.walked_kept();
        }
        more |= walking;
    }
    Ok(more)
}

/// One step of the walk over kept events; false at its end.
pub(super) async fn prune(store: &Postgres, kept: &Kept) -> Result<bool> {
    if walk(store, "kept", &store.sql().prune_kept_events, kept.events).await?.is_some() {
        return Ok(true);
    }
    keep_position(store, "kept", Uuid::nil()).await?;
    Ok(false)
}

/// One step of a walk over events older than `age`; the new position, or none at the end.
async fn walk(store: &Postgres, step: &str, statement: &SqlStr, age: Duration) -> Result<Option<Uuid>> {
    let position = position_of(store, step).await?;
    let row = query(statement)
        .bind(position)
        .bind(EventId::floor(Timestamp::now() - age).uuid())
        .bind(CHUNK)
        .fetch_one(&mut *store.desk().await?)
        .await
        .map_err(from_sqlx)?;
    let last: Option<Uuid> = rows::get(&row, "last")?;
    if let Some(last) = last {
        keep_position(store, step, last).await?;
    }
    let full = rows::get::<i64, _>(&row, "looked_at")? >= CHUNK;
    Ok(last.filter(|_| full))
}

/// How far a walk has come; nil if it has not begun.
async fn position_of(store: &Postgres, step: &str) -> Result<Uuid> {
    query(&store.sql().read_position)
        .bind(step)
        .fetch_optional(&mut *store.desk().await?)
        .await
        .map_err(from_sqlx)?
        .map_or(Ok(Uuid::nil()), |row| rows::get(&row, "position"))
}

async fn keep_position(store: &Postgres, step: &str, position: Uuid) -> Result<()> {
    query(&store.sql().keep_position)
        .bind(step)
        .bind(position)
        .execute(&mut *store.desk().await?)
        .await
        .map_err(from_sqlx)?;
    Ok(())
}

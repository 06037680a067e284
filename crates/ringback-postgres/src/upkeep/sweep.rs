//! Removes old rows, a bounded number at a time, from tables that are not dropped by partition.

use std::time::Duration;

use ringback::{
    id::{DeliveryId, EventId},
    store::{Change, Error, Result, Retention, Upkeep as _},
};
use sqlx::{PgConnection, SqlStr};
use uuid::Uuid;

use super::partitions::{begin, unless_in_use};
use crate::{Postgres, configuration::announce, error::from_sqlx, rows, sql::query};

/// Most rows that one step removes, so that its transaction stays short.
const CHUNK: i64 = 1_000;

/// How long changes are kept: longer than a node can be without the database and still have its lease.
const CHANGES_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long after its last beginning the walk over old payloads begins anew.
const WALK_AGAIN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long a hold is kept after its end.
const ENDED_KEPT: Duration = Duration::from_secs(60 * 60);

/// How long it is known that a part of figures was added: much longer than a node tries to add it.
const PARTS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Cancels deliveries that were routed while their endpoint was being deleted or their event expunged.
pub(super) async fn stragglers(store: &Postgres) -> Result<bool> {
    let row = query(&store.sql().cancel_stragglers)
        .bind(rows::micros(CHANGES_KEPT))
        .bind(CHUNK)
        .fetch_one(&mut *store.house().await?)
        .await
        .map_err(from_sqlx)?;
    Ok(rows::get::<i64, _>(&row, 0)? >= CHUNK)
}

/// Removes holds that ended long ago.
pub(super) async fn holds(store: &Postgres) -> Result<bool> {
    remove(store, &store.sql().forget_holds, ENDED_KEPT).await
}

/// Removes figures beyond their retention, those of deleted endpoints, and what nobody needs to add figures any more.
pub(super) async fn figures(store: &Postgres, retention: &Retention) -> Result<bool> {
    let sql = store.sql();
    let mut more = remove(store, &sql.forget_figures, retention.figures).await?;
    more |= remove(store, &sql.forget_figure_parts, PARTS_KEPT).await?;
    let of_deleted = query(&sql.remove_figures).bind(CHUNK).fetch_one(&mut *store.house().await?).await;
    Ok(more || rows::get::<i64, _>(&of_deleted.map_err(from_sqlx)?, 0)? > 0)
}

/// Removes replays that ended longer ago than events are kept: first their items.
pub(super) async fn replays(store: &Postgres, retention: &Retention) -> Result<bool> {
    let more = remove(store, &store.sql().forget_replay_items, retention.events).await?;
    Ok(more || remove(store, &store.sql().forget_replays, retention.events).await?)
}

/// Removes changes that every node has read long ago.
pub(super) async fn changes(store: &Postgres) -> Result<bool> {
    let row = query(&store.sql().forget_changes)
        .bind(rows::micros(CHANGES_KEPT))
        .bind(CHUNK)
        .fetch_optional(&mut *store.house().await?)
        .await
        .map_err(from_sqlx)?;
    row.map_or(Ok(false), |row| Ok(rows::get::<i64, _>(&row, 0)? >= CHUNK))
}

/// Removes a bounded number of rows that are older than `older_than`, by the database's clock.
pub(super) async fn remove(store: &Postgres, statement: &SqlStr, older_than: Duration) -> Result<bool> {
    let done = query(statement)
        .bind(rows::micros(older_than))
        .bind(CHUNK)
        .execute(&mut *store.house().await?)
        .await
        .map_err(from_sqlx)?;
    Ok(done.rows_affected() >= CHUNK.unsigned_abs())
}

/// Removes dead letters beyond their retention. If one blocked its ordering key, the next delivery of the key may be sent.
pub(super) async fn dead_letters(store: &Postgres, retention: &Retention) -> Result<bool> {
    let mut transaction = store.begin_house().await?;
    // Locks the version's row first: transactions that remove dead letters take turns.
    announce(store, &mut transaction, &[]).await?;
    let rows = query(&store.sql().expire_dead_letters)
        .bind(rows::micros(retention.dead_letters))
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

/// Removes payloads of old events. An event that has a pending delivery when the walk passes keeps its payload until the
/// next walk. That begins only [`WALK_AGAIN`] after the last one did, since most events it passes have no payload any more.
pub(super) async fn payloads(store: &Postgres, retention: &Retention) -> Result<bool> {
    let walked = walk(store, "payloads", &store.sql().remove_payloads, retention.payloads).await?;
    if walked == Walked::ToTheEnd {
        let mut connection = store.house().await?;
        // The time when the walk began is stored as the smallest id of that moment.
        let began = EventId::from_uuid(position_of(store, &mut connection, "payloads_from").await?).accepted_at();
        let now = store.clock().await?;
        if began < now - WALK_AGAIN {
            keep_position(store, &mut connection, "payloads", Uuid::nil()).await?;
            keep_position(store, &mut connection, "payloads_from", EventId::floor(now).uuid()).await?;
        }
    }
    Ok(walked == Walked::APart)
}

/// Removes rows that outlived their partition and are not needed any more. The walk begins again once it has ended.
pub(super) async fn kept(store: &Postgres, retention: &Retention) -> Result<bool> {
    let mut more = remove(store, &store.sql().prune_kept_attempts, retention.attempts).await?;
    if store.is_walk_of_kept_due() {
        let walked = prune(store, retention).await?;
        if walked == Walked::ToTheEnd {
            store.walked_kept();
        }
        more |= walked == Walked::APart;
    }
    Ok(more)
}

/// One step of the walk over kept events.
pub(super) async fn prune(store: &Postgres, retention: &Retention) -> Result<Walked> {
    let walked = walk(store, "kept", &store.sql().prune_kept_events, retention.events).await?;
    if walked == Walked::ToTheEnd {
        keep_position(store, &mut *store.house().await?, "kept", Uuid::nil()).await?;
    }
    Ok(walked)
}

/// How far one step of a walk came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walked {
    APart,
    ToTheEnd,
    /// Nothing was done: another node changes partitions, another transaction makes a change, or an event is in use.
    NotNow,
}

/// One step of a walk over events older than `age`. No event is copied to another partition meanwhile, since the copy would
/// bring back what the step removes. Nor is a delivery put back or created: a replay that has read an event commits first,
/// and the step sees its deliveries.
async fn walk(store: &Postgres, step: &str, statement: &SqlStr, age: Duration) -> Result<Walked> {
    let cutoff = EventId::floor(store.clock().await? - age).uuid();
    let Some(mut transaction) = begin(store).await? else { return Ok(Walked::NotNow) };
    match announce(store, &mut transaction, &[]).await {
        Err(Error::Locked(_)) => return Ok(Walked::NotNow),
        announced => drop(announced?),
    }
    let position = position_of(store, &mut transaction, step).await?;
    let row = query(statement).bind(position).bind(cutoff).bind(CHUNK).fetch_one(&mut *transaction).await;
    let Some(row) = unless_in_use(row)? else { return Ok(Walked::NotNow) };
    let last: Option<Uuid> = rows::get(&row, "last")?;
    if let Some(last) = last {
        keep_position(store, &mut transaction, step, last).await?;
    }
    transaction.commit().await.map_err(from_sqlx)?;
    let is_full = rows::get::<i64, _>(&row, "looked_at")? >= CHUNK;
    Ok(if is_full { Walked::APart } else { Walked::ToTheEnd })
}

/// How far a walk has come; the nil id if it has not begun.
async fn position_of(store: &Postgres, connection: &mut PgConnection, step: &str) -> Result<Uuid> {
    query(&store.sql().read_position)
        .bind(step)
        .fetch_optional(connection)
        .await
        .map_err(from_sqlx)?
        .map_or(Ok(Uuid::nil()), |row| rows::get(&row, "position"))
}

async fn keep_position(store: &Postgres, connection: &mut PgConnection, step: &str, position: Uuid) -> Result<()> {
    query(&store.sql().keep_position).bind(step).bind(position).execute(connection).await.map_err(from_sqlx)?;
    Ok(())
}

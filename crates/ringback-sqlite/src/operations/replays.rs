//! Replays of many: a filter's set is fixed once, and then released bit by bit.

use futures_util::TryStreamExt as _;
use ringback::{
    audit::Record,
    delivery::Status,
    id::ReplayId,
    store::{ReplayFilter, ReplayRow, ReplayState, ReplayToCreate},
    time::Timestamp,
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::scan::Range;
use crate::{
    audit,
    batch::{Hex, json},
    error::corrupt,
    read::{now, time, time_or_none, uuid},
};

/// Items inserted by one statement.
const ITEMS_TOGETHER: usize = 5000;

/// What a filter finds: the fixed set.
pub(super) struct Found {
    ids: Vec<Uuid>,
    bytes: i64,
}

/// What the filter finds now.
pub(super) async fn find(connection: &mut SqliteConnection, filter: &ReplayFilter) -> sqlx::Result<Found> {
    let statement = match filter.status {
        Status::Delivered => sql!("fix_delivered"),
        _ => sql!("fix_dead_letters"),
    };
    let range = Range::accepted(filter.created);
    let mut rows = sqlx::query(statement)
        .bind(range.low.as_bytes().as_slice())
        .bind(range.high.as_bytes().as_slice())
        .bind(filter.tenant.as_deref())
        .bind(filter.event_type.as_deref())
        .bind(filter.key.as_deref())
        .bind(filter.endpoint.map(|id| id.uuid().as_bytes().to_vec()))
        .fetch(connection);
    let mut found = Found { ids: Vec::new(), bytes: 0 };
    while let Some(row) = rows.try_next().await? {
        found.ids.push(uuid(&row, "id")?);
        found.bytes += row.try_get::<i64, _>("payload_bytes")?;
    }
    Ok(found)
}

/// What [`create`] would make.
pub(super) fn preview(replay: &ReplayToCreate, found: &Found) -> ReplayRow {
    let matched = i64::try_from(found.ids.len()).unwrap_or(i64::MAX);
    ReplayRow {
        id: None,
        tenant: replay.filter.tenant.clone(),
        state: ReplayState::Preview,
        matched,
        released: 0,
        skipped: 0,
        remaining: matched,
        delivered: 0,
        dead: 0,
        bytes: found.bytes,
        rate_per_second: replay.rate_per_second,
        reason: replay.reason.clone(),
        created_at: Timestamp::from_micros(now()),
        finished_at: None,
    }
}

/// Stores the replay with its fixed set. One that found nothing is completed already.
pub(super) async fn create(
    tx: &mut SqliteConnection,
    replay: &ReplayToCreate,
    found: &Found,
    record: &Record,
) -> sqlx::Result<ReplayRow> {
    let id = replay.id.uuid();
    sqlx::query(sql!("insert_replay"))
        .bind(id.as_bytes().as_slice())
        .bind(replay.filter.tenant.as_deref())
        .bind(replay.filter_json.as_str())
        .bind(replay.reason.as_deref())
        .bind(replay.rate_per_second)
        .bind(i64::try_from(found.ids.len()).unwrap_or(i64::MAX))
        .bind(found.bytes)
        .bind(now())
        .execute(&mut *tx)
        .await?;
    for ids in found.ids.chunks(ITEMS_TOGETHER) {
        let ids: Vec<_> = ids.iter().copied().map(Hex).collect();
        sqlx::query(sql!("insert_replay_items"))
            .bind(id.as_bytes().as_slice())
            .bind(json(&ids)?)
            .execute(&mut *tx)
            .await?;
    }
    audit::write(tx, record).await?;
    read(tx, replay.id).await?.ok_or(sqlx::Error::RowNotFound)
}

/// One replay.
pub(super) async fn read(connection: &mut SqliteConnection, id: ReplayId) -> sqlx::Result<Option<ReplayRow>> {
    let row = sqlx::query(sql!("read_replay")).bind(id.uuid().as_bytes().as_slice()).fetch_optional(connection).await?;
    row.as_ref().map(replay_row).transpose()
}

/// All that are running.
pub(super) async fn running(connection: &mut SqliteConnection) -> sqlx::Result<Vec<ReplayRow>> {
    let rows = sqlx::query(sql!("list_running_replays")).fetch_all(connection).await?;
    rows.iter().map(replay_row).collect()
}

fn replay_row(row: &SqliteRow) -> sqlx::Result<ReplayRow> {
    let (matched, released, skipped): (i64, i64, i64) =
        (row.try_get("matched")?, row.try_get("released")?, row.try_get("skipped")?);
    let state = match row.try_get("state")? {
        1 => ReplayState::Running,
        2 => ReplayState::Completed,
        3 => ReplayState::Cancelled,
        state => return Err(corrupt(format!("state {state} of a replay"))),
    };
    Ok(ReplayRow {
        id: Some(ReplayId::from_uuid(uuid(row, "id")?)),
        tenant: row.try_get("tenant")?,
        state,
        matched,
        released,
        skipped,
        remaining: matched - released - skipped,
        delivered: row.try_get("delivered")?,
        dead: row.try_get("dead")?,
        bytes: row.try_get("bytes")?,
        rate_per_second: row.try_get("rate_per_second")?,
        reason: row.try_get("reason")?,
        created_at: time(row, "created_at")?,
        finished_at: time_or_none(row, "finished_at")?,
    })
}

/// Stops a running replay.
pub(super) async fn cancel(tx: &mut SqliteConnection, id: ReplayId, record: Record) -> sqlx::Result<Option<ReplayRow>> {
    let uuid = id.uuid();
    let cancelled =
        sqlx::query(sql!("cancel_replay")).bind(uuid.as_bytes().as_slice()).bind(now()).execute(&mut *tx).await?;
    if cancelled.rows_affected() == 1 {
        audit::write(tx, &record).await?;
    }
    read(tx, id).await
}

//! Sending deliveries again: one, or a fixed set that is released bit by bit.

use std::collections::HashSet;

use futures_util::TryStreamExt as _;
use ringback::{
    audit::Record,
    delivery::Status,
    id::{DeliveryId, ReplayId},
    store::{Change, ReplayFilter, ReplayOne, ReplayRow, ReplayState, ReplayToCreate},
    time::Timestamp,
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::scan::Range;
use crate::{
    audit,
    batch::{Hex, json},
    configuration::change,
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

/// Puts one delivery back into its lane.
pub(super) async fn one(tx: &mut SqliteConnection, id: DeliveryId, record: Record) -> sqlx::Result<ReplayOne> {
    let classified = classify(tx, &[Hex(id.uuid())]).await?;
    let Some(item) = classified.first() else { return Ok(ReplayOne::Absent) };
    let outcome = item.outcome();
    if outcome == ReplayOne::Released {
        put_back(tx, &[item]).await?;
        audit::write(tx, &record).await?;
    }
    Ok(outcome)
}

/// A delivery as a replay sees it.
struct Item {
    id: Uuid,
    lane: i64,
    pending: bool,
    dead: bool,
    cancelled: bool,
    known: bool,
    expunged: bool,
    payload_gone: bool,
    endpoint_deleted: bool,
}

impl Item {
    /// What releasing it comes to. Expunged goes before everything.
    fn outcome(&self) -> ReplayOne {
        if !self.known {
            ReplayOne::Absent
        } else if self.expunged {
            ReplayOne::Expunged
        } else if self.pending {
            ReplayOne::Pending
        } else if self.cancelled {
            ReplayOne::Cancelled
        } else if self.endpoint_deleted {
            ReplayOne::EndpointDeleted
        } else if self.payload_gone {
            ReplayOne::Expunged
        } else {
            ReplayOne::Released
        }
    }
}

async fn classify(tx: &mut SqliteConnection, ids: &[Hex]) -> sqlx::Result<Vec<Item>> {
    let rows = sqlx::query(sql!("classify_for_replay")).bind(json(ids)?).fetch_all(tx).await?;
    let item = |row: &SqliteRow| {
        Ok(Item {
            id: uuid(row, "id")?,
            lane: row.try_get::<Option<i64>, _>("lane")?.unwrap_or_default(),
            pending: row.try_get("pending")?,
            dead: row.try_get("dead")?,
            cancelled: row.try_get("cancelled")?,
            known: row.try_get("known")?,
            expunged: row.try_get("expunged")?,
            payload_gone: row.try_get("payload_gone")?,
            endpoint_deleted: row.try_get("endpoint_deleted")?,
        })
    };
    rows.iter().map(item).collect()
}

/// Makes them due now with a fresh budget of tries, and tells their lanes.
async fn put_back(tx: &mut SqliteConnection, items: &[&Item]) -> sqlx::Result<()> {
    let hex = |dead: bool| items.iter().filter(|item| item.dead == dead).map(|item| Hex(item.id)).collect::<Vec<_>>();
    let (dead, delivered) = (hex(true), hex(false));
    if !dead.is_empty() {
        let ids = json(&dead)?;
        sqlx::query(sql!("release_dead")).bind(&ids).bind(now()).execute(&mut *tx).await?;
        sqlx::query(sql!("delete_dead_letters")).bind(&ids).execute(&mut *tx).await?;
    }
    if !delivered.is_empty() {
        sqlx::query(sql!("release_delivered")).bind(json(&delivered)?).bind(now()).execute(&mut *tx).await?;
    }
    // One of each lane is enough: its owner looks at the lane, not at the delivery.
    let mut told = HashSet::new();
    for item in items.iter().filter(|item| told.insert(item.lane)) {
        change(tx, &Change::DeliveryReleased(DeliveryId::from_uuid(item.id))).await?;
    }
    Ok(())
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

/// Releases the next `count`; returns how many it looked at.
pub(super) async fn release(tx: &mut SqliteConnection, id: ReplayId, count: u32) -> sqlx::Result<u32> {
    let replay = id.uuid();
    let next: Vec<Vec<u8>> = sqlx::query_scalar(sql!("read_replay_items"))
        .bind(replay.as_bytes().as_slice())
        .bind(count)
        .fetch_all(&mut *tx)
        .await?;
    let ids =
        next.iter().map(|id| Ok(Hex(Uuid::from_slice(id).map_err(corrupt)?))).collect::<sqlx::Result<Vec<_>>>()?;
    let items = classify(tx, &ids).await?;
    let released: Vec<_> = items.iter().filter(|item| item.outcome() == ReplayOne::Released).collect();
    put_back(tx, &released).await?;
    let released: Vec<_> = released.iter().map(|item| Hex(item.id)).collect();
    sqlx::query(sql!("mark_released"))
        .bind(replay.as_bytes().as_slice())
        .bind(json(&released)?)
        .execute(&mut *tx)
        .await?;
    sqlx::query(sql!("advance_replay"))
        .bind(replay.as_bytes().as_slice())
        .bind(ids.last().map(|last| last.0.as_bytes().to_vec()))
        .bind(i64::try_from(released.len()).unwrap_or(i64::MAX))
        .bind(i64::try_from(ids.len() - released.len()).unwrap_or(i64::MAX))
        .bind(now())
        .execute(tx)
        .await?;
    Ok(u32::try_from(ids.len()).unwrap_or(u32::MAX))
}

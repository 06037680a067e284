//! Replays of many: a set fixed at the beginning, released in bounded steps.

use ringback::{
    audit::Record,
    delivery::Status,
    id::{DeliveryId, ReplayId},
    store::{Error, ReplayOne, ReplayRow, ReplayState, ReplayToCreate, Result},
};
use sqlx::{PgConnection, postgres::PgRow};
use uuid::Uuid;

use super::{release as back, scan};
use crate::{Postgres, audit, error::from_sqlx, rows, sql::query};

const RUNNING: i16 = 1;
const COMPLETED: i16 = 2;
const CANCELLED: i16 = 3;

pub(super) async fn create(store: &Postgres, replay: &ReplayToCreate, record: &Record) -> Result<ReplayRow> {
    let mut transaction = store.begin().await?;
    let fixed = fix_set(store, &mut transaction, replay).await?;
    if replay.dry_run {
        return preview(replay, &fixed);
    }
    query(&store.sql().insert_replay)
        .bind(replay.id.uuid())
        .bind(replay.filter.tenant.as_deref())
        .bind(&*replay.filter_json)
        .bind(replay.reason.as_deref())
        .bind(replay.rate_per_second)
        .bind(rows::get::<i64, _>(&fixed, "matched")?)
        .bind(rows::get::<i64, _>(&fixed, "bytes")?)
        .bind(rows::get::<i64, _>(&fixed, "now")?)
        .execute(&mut *transaction)
        .await
        .map_err(from_sqlx)?;
    audit::write(store, &mut transaction, record).await?;
    transaction.commit().await.map_err(from_sqlx)?;
    find(store, replay.id).await?.ok_or_else(|| Error::corrupt("a replay that was just made"))
}

async fn fix_set(store: &Postgres, connection: &mut PgConnection, replay: &ReplayToCreate) -> Result<PgRow> {
    let filter = &replay.filter;
    let statement = match filter.status {
        Status::Dead => &store.sql().fix_dead_letters,
        Status::Delivered => &store.sql().fix_delivered,
        other => return Err(Error::Refused(format!("{other} deliveries cannot be replayed").into())),
    };
    let (from, to) = scan::ids(filter.created);
    query(statement)
        .bind(replay.id.uuid())
        .bind(replay.dry_run)
        .bind(from)
        .bind(to)
        .bind(filter.tenant.as_deref())
        .bind(filter.endpoint.map(|endpoint| endpoint.uuid()))
        .bind(filter.event_type.as_deref())
        .bind(filter.key.as_deref())
        .fetch_one(connection)
        .await
        .map_err(from_sqlx)
}

fn preview(replay: &ReplayToCreate, fixed: &PgRow) -> Result<ReplayRow> {
    let matched = rows::get(fixed, "matched")?;
    Ok(ReplayRow {
        id: None,
        tenant: replay.filter.tenant.clone(),
        state: ReplayState::Preview,
        matched,
        released: 0,
        skipped: 0,
        remaining: matched,
        delivered: 0,
        dead: 0,
        bytes: rows::get(fixed, "bytes")?,
        rate_per_second: replay.rate_per_second,
        reason: replay.reason.clone(),
        created_at: rows::time(fixed, "now")?,
        finished_at: None,
    })
}

pub(super) async fn find(store: &Postgres, id: ReplayId) -> Result<Option<ReplayRow>> {
    let row = query(&store.sql().read_replay)
        .bind(id.uuid())
        .fetch_optional(&mut *store.desk().await?)
        .await
        .map_err(from_sqlx)?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn running(store: &Postgres) -> Result<Vec<ReplayRow>> {
    let rows =
        query(&store.sql().list_running_replays).fetch_all(&mut *store.desk().await?).await.map_err(from_sqlx)?;
    rows.iter().map(read).collect()
}

pub(super) async fn cancel(store: &Postgres, id: ReplayId, record: &Record) -> Result<Option<ReplayRow>> {
    let mut transaction = store.begin().await?;
    let done = query(&store.sql().cancel_replay).bind(id.uuid()).execute(&mut *transaction).await.map_err(from_sqlx)?;
    if done.rows_affected() == 1 {
        audit::write(store, &mut transaction, record).await?;
    }
    transaction.commit().await.map_err(from_sqlx)?;
    find(store, id).await
}

pub(super) async fn release(store: &Postgres, id: ReplayId, count: u32) -> Result<u32> {
    let mut transaction = store.begin().await?;
    let items = next_items(store, &mut transaction, id, count).await?;
    let Some(&last) = items.last() else {
        return Ok(0);
    };
    // Only one statement order is free of deadlocks: the version first, then the replay.
    let came_to = back::release(store, &mut transaction, &items).await?;
    let Some(position) = lock(store, &mut transaction, id).await? else {
        return Ok(0);
    };
    if position >= items[0].uuid() {
        // Another node released these meanwhile.
        return Ok(0);
    }
    let released: Vec<Uuid> =
        items.iter().filter(|id| came_to.get(id) == Some(&ReplayOne::Released)).map(|id| id.uuid()).collect();
    query(&store.sql().mark_released)
        .bind(id.uuid())
        .bind(&released)
        .execute(&mut *transaction)
        .await
        .map_err(from_sqlx)?;
    query(&store.sql().advance_replay)
        .bind(id.uuid())
        .bind(count_of(released.len()))
        .bind(count_of(items.len() - released.len()))
        .bind(last.uuid())
        .execute(&mut *transaction)
        .await
        .map_err(from_sqlx)?;
    transaction.commit().await.map_err(from_sqlx)?;
    Ok(u32::try_from(items.len()).unwrap_or(u32::MAX))
}

/// The next deliveries of a running replay, in order; none if it is not running.
async fn next_items(
    store: &Postgres,
    connection: &mut PgConnection,
    id: ReplayId,
    count: u32,
) -> Result<Vec<DeliveryId>> {
    let rows = query(&store.sql().read_replay_items)
        .bind(id.uuid())
        .bind(i64::from(count))
        .fetch_all(connection)
        .await
        .map_err(from_sqlx)?;
    rows.iter().map(|row| Ok(DeliveryId::from_uuid(rows::get(row, "delivery_id")?))).collect()
}

async fn lock(store: &Postgres, connection: &mut PgConnection, id: ReplayId) -> Result<Option<Uuid>> {
    let row = query(&store.sql().lock_replay).bind(id.uuid()).fetch_optional(connection).await.map_err(from_sqlx)?;
    row.as_ref().map(|row| rows::get(row, "position")).transpose()
}

fn count_of(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

fn read(row: &PgRow) -> Result<ReplayRow> {
    let state: i16 = rows::get(row, "state")?;
    let (matched, released, skipped): (i64, i64, i64) =
        (rows::get(row, "matched")?, rows::get(row, "released")?, rows::get(row, "skipped")?);
    Ok(ReplayRow {
        id: Some(ReplayId::from_uuid(rows::get(row, "id")?)),
        tenant: rows::get(row, "tenant")?,
        state: match state {
            RUNNING => ReplayState::Running,
            COMPLETED => ReplayState::Completed,
            CANCELLED => ReplayState::Cancelled,
            other => return Err(Error::corrupt(format_args!("state of a replay {other}"))),
        },
        matched,
        released,
        skipped,
        remaining: matched - released - skipped,
        delivered: rows::get(row, "delivered")?,
        dead: rows::get(row, "dead")?,
        bytes: rows::get(row, "bytes")?,
        rate_per_second: rows::get(row, "rate_per_second")?,
        reason: rows::get(row, "reason")?,
        created_at: rows::time(row, "created_at")?,
        finished_at: rows::time_or_none(row, "finished_at")?,
    })
}

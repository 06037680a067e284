//! How much waits now. All reads are bounded.

use std::time::Duration;

use ringback::{
    delivery::LaneId,
    id::EventId,
    store::{Backlog, Ingest, Result, UNHELD_LANES, UNHELD_ROWS_OF_LANE, UNHELD_ROWS_OF_SHARD, rules::ingest::ingest},
    time::Timestamp,
};

use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::{Postgres, error::from_sqlx, rows, sql::query};

pub(super) async fn backlog(store: &Postgres, counted_max: u32) -> Result<Backlog> {
    let row = query(&store.sql().read_backlog)
        .bind(i64::from(counted_max))
        .fetch_one(&mut *store.desk().await?)
        .await
        .map_err(from_sqlx)?;
    let count = |column| rows::get::<i64, _>(&row, column).map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    Ok(Backlog { pending: count("pending")?, dead: count("dead")? })
}

pub(super) async fn oldest_due(store: &Postgres) -> Result<Option<Duration>> {
    let row = query(&store.sql().read_oldest_due).fetch_one(&mut *store.desk().await?).await.map_err(from_sqlx)?;
    due_for(&row)
}

pub(super) async fn accepted_since(
    store: &Postgres,
    tenant: Option<&str>,
    since: Timestamp,
    looked_at_max: u32,
) -> Result<Ingest> {
    let row = query(&store.sql().count_accepted)
        .bind(EventId::floor(since).uuid())
        .bind(i64::from(looked_at_max))
        .bind(tenant)
        .fetch_one(&mut *store.desk().await?)
        .await
        .map_err(from_sqlx)?;
    let count = |column| rows::get::<i64, _>(&row, column).map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    let oldest = rows::get::<Option<Uuid>, _>(&row, "oldest")?.map(EventId::from_uuid);
    Ok(ingest(since, looked_at_max, count("looked_at")?, count("accepted")?, oldest))
}

pub(super) async fn oldest_due_outside(store: &Postgres, held: &[LaneId]) -> Result<Option<Duration>> {
    let row = query(&store.sql().read_oldest_due_outside)
        .bind(numbers(held))
        .bind(i64::from(UNHELD_ROWS_OF_SHARD))
        .bind(i64::from(UNHELD_LANES))
        .bind(i64::from(UNHELD_ROWS_OF_LANE))
        .fetch_one(&mut *store.desk().await?)
        .await
        .map_err(from_sqlx)?;
    due_for(&row)
}

pub(super) async fn count_pending_in(store: &Postgres, lanes: &[LaneId], counted_max: u32) -> Result<u32> {
    let row = query(&store.sql().count_pending_in)
        .bind(numbers(lanes))
        .bind(i64::from(counted_max))
        .fetch_one(&mut *store.desk().await?)
        .await
        .map_err(from_sqlx)?;
    Ok(u32::try_from(rows::get::<i64, _>(&row, "pending")?).unwrap_or(u32::MAX))
}

fn numbers(lanes: &[LaneId]) -> Vec<i64> {
    lanes.iter().map(|lane| lane.as_i64()).collect()
}

fn due_for(row: &PgRow) -> Result<Option<Duration>> {
    let micros: Option<i64> = rows::get(row, "due_for")?;
    Ok(micros.and_then(|micros| u64::try_from(micros).ok()).map(Duration::from_micros))
}

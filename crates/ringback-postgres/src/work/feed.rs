//! Reading due deliveries by cursor: reads that lock and write nothing.

use ringback::{
    delivery::{Due, LaneId, Shard},
    store::{Cursor, FeedPage, PendingLane, Result},
    time::Timestamp,
};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::{Postgres, error::from_sqlx, rows, sql::prepared};

pub(super) async fn shards(store: &Postgres, cursors: &[(Shard, Cursor)], limit: u32) -> Result<FeedPage> {
    let shards: Vec<i16> = cursors.iter().map(|(shard, _)| shard.cast_signed()).collect();
    let (due_at, ids) = positions(cursors.iter().map(|(_, cursor)| cursor));
    let rows = prepared(&store.sql().feed_shards)
        .bind(&shards)
        .bind(&due_at)
        .bind(&ids)
        .bind(i64::from(limit))
        .fetch_all(&mut *store.work().await?)
        .await
        .map_err(from_sqlx)?;
    page(&rows)
}

pub(super) async fn lanes(store: &Postgres, cursors: &[(LaneId, Cursor)], limit: u32) -> Result<FeedPage> {
    let lanes: Vec<i64> = cursors.iter().map(|(lane, _)| lane.as_i64()).collect();
    let (due_at, ids) = positions(cursors.iter().map(|(_, cursor)| cursor));
    let rows = prepared(&store.sql().feed_lanes)
        .bind(&lanes)
        .bind(&due_at)
        .bind(&ids)
        .bind(i64::from(limit))
        .fetch_all(&mut *store.work().await?)
        .await
        .map_err(from_sqlx)?;
    page(&rows)
}

pub(super) async fn pending_lanes(store: &Postgres, after: Option<LaneId>, limit: u32) -> Result<Vec<PendingLane>> {
    let rows = prepared(&store.sql().find_lanes)
        .bind(after.map_or(i64::MIN, |after| after.as_i64().saturating_add(1)))
        .bind(i64::from(limit))
        .fetch_all(&mut *store.work().await?)
        .await
        .map_err(from_sqlx)?;
    rows.iter()
        .map(|row| {
            Ok(PendingLane {
                lane: LaneId::from_i64(rows::get(row, "lane")?),
                endpoint: rows::endpoint_id(row, "endpoint_id")?,
                due_at: rows::time(row, "due_at")?,
            })
        })
        .collect()
}

pub(super) async fn heads(store: &Postgres, keys: &[(LaneId, Box<str>)]) -> Result<FeedPage> {
    let lanes: Vec<i64> = keys.iter().map(|(lane, _)| lane.as_i64()).collect();
    let keys: Vec<&str> = keys.iter().map(|(_, key)| &**key).collect();
    let rows = prepared(&store.sql().find_heads)
        .bind(&lanes)
        .bind(&keys)
        .fetch_all(&mut *store.work().await?)
        .await
        .map_err(from_sqlx)?;
    page(&rows)
}

/// What expired before an attempt was recorded, with its event's tenant.
pub(super) async fn overdue(store: &Postgres, shards: &[Shard], limit: u32) -> Result<Vec<(Due, String)>> {
    let shards: Vec<i16> = shards.iter().map(|shard| shard.cast_signed()).collect();
    let rows = prepared(&store.sql().find_overdue)
        .bind(&shards)
        .bind(i64::from(limit))
        .fetch_all(&mut *store.work().await?)
        .await
        .map_err(from_sqlx)?;
    let mut overdue = Vec::with_capacity(rows.len());
    for row in &rows {
        if let Some(due) = rows::due(row)? {
            overdue.push((due, rows::get(row, "tenant")?));
        }
    }
    Ok(overdue)
}

fn positions<'a>(cursors: impl Iterator<Item = &'a Cursor>) -> (Vec<i64>, Vec<Uuid>) {
    cursors.map(|cursor| (cursor.due_at.micros(), cursor.id.uuid())).unzip()
}

/// Reads a page. Every row has the database's time; if nothing is due, one row has only that.
fn page(rows: &[PgRow]) -> Result<FeedPage> {
    let mut page = FeedPage { now: Timestamp::default(), rows: Vec::with_capacity(rows.len()) };
    for row in rows {
        page.rows.extend(rows::due(row)?);
    }
    if let Some(row) = rows.first() {
        page.now = rows::time(row, "now")?;
    }
    Ok(page)
}

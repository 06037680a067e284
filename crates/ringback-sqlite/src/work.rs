//! Feeding lanes, loading events, recording outcomes, keeping holds.

use std::sync::Arc;

use bytes::Bytes;
use ringback::{
    delivery::{Due, HoldReason, LaneId, Shard},
    id::{DeliveryId, EventId},
    store::{Cursor, FeedPage, Hold, LoadedEvent, NodeId, PendingLane, Recorded, Result, Work},
    time::Timestamp,
};
use serde::Serialize;
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use crate::{
    Sqlite,
    batch::{Hex, json},
    feed::{feed, feed_lanes, find_heads, pending_lanes},
    read::{code, due, event, now, time, uuid},
    record::record,
};

#[async_trait::async_trait]
impl Work for Sqlite {
    async fn feed(&self, cursors: &[(Shard, Cursor)], limit: u32) -> Result<FeedPage> {
        let mut snapshot = self.snapshot().await?;
        feed(&mut snapshot, cursors, limit).await.map_err(|error| self.error(error))
    }

    async fn feed_lanes(&self, lanes: &[(LaneId, Cursor)], limit: u32) -> Result<FeedPage> {
        let mut snapshot = self.snapshot().await?;
        feed_lanes(&mut snapshot, lanes, limit).await.map_err(|error| self.error(error))
    }

    async fn pending_lanes(&self, after: Option<LaneId>, limit: u32) -> Result<Vec<PendingLane>> {
        let mut snapshot = self.snapshot().await?;
        pending_lanes(&mut snapshot, after, limit).await.map_err(|error| self.error(error))
    }

    async fn heads(&self, keys: &[(LaneId, Box<str>)]) -> Result<FeedPage> {
        let mut snapshot = self.snapshot().await?;
        let now = now();
        let keys = keys.iter().map(|(lane, key)| (lane.as_i64(), &**key));
        let rows = find_heads(&mut snapshot, keys, now).await.map_err(|error| self.error(error))?;
        Ok(FeedPage { now: Timestamp::from_micros(now), rows })
    }

    async fn load_events(&self, ids: &[EventId]) -> Result<Vec<LoadedEvent>> {
        let mut snapshot = self.snapshot().await?;
        load_events(&mut snapshot, ids).await.map_err(|error| self.error(error))
    }

    async fn record(&self, outcomes: &[Recorded]) -> Result<Vec<bool>> {
        let outcomes = outcomes.to_vec();
        self.apply(move |tx| Box::pin(async move { record(tx, &outcomes).await })).await
    }

    async fn find_untried(&self, deliveries: &[(DeliveryId, i32)]) -> Result<Vec<DeliveryId>> {
        let mut snapshot = self.snapshot().await?;
        find_untried(&mut snapshot, deliveries).await.map_err(|error| self.error(error))
    }

    async fn find_overdue(&self, shards: &[Shard], limit: u32) -> Result<Vec<(Due, String)>> {
        let mut snapshot = self.snapshot().await?;
        find_overdue(&mut snapshot, shards, limit).await.map_err(|error| self.error(error))
    }

    async fn set_holds(&self, node: NodeId, holds: &[Hold]) -> Result<()> {
        let (mut holds, ownership) = (holds.to_vec(), Arc::clone(&self.ownership));
        self.apply(move |tx| {
            // Checked when it is this write's turn, since a shard may have been given away while it was queued.
            holds.retain(|hold| ownership.owns(node, hold.lane.shard()));
            Box::pin(async move { set_holds(tx, &holds).await })
        })
        .await
    }

    async fn load_holds(&self, shards: &[Shard]) -> Result<Vec<Hold>> {
        let mut snapshot = self.snapshot().await?;
        load_holds(&mut snapshot, shards).await.map_err(|error| self.error(error))
    }
}

async fn load_events(connection: &mut SqliteConnection, ids: &[EventId]) -> sqlx::Result<Vec<LoadedEvent>> {
    let ids: Vec<_> = ids.iter().map(|id| Hex(id.uuid())).collect();
    let rows = sqlx::query(sql!("work/load_events")).bind(json(&ids)?).fetch_all(connection).await?;
    let loaded = |row: &SqliteRow| {
        let payload: Option<Vec<u8>> = row.try_get("payload")?;
        Ok(LoadedEvent { event: event(row)?, payload: payload.map(Bytes::from) })
    };
    rows.iter().map(loaded).collect()
}

#[derive(Serialize)]
struct Tried {
    id: Hex,
    attempts: i32,
}

async fn find_untried(
    connection: &mut SqliteConnection,
    deliveries: &[(DeliveryId, i32)],
) -> sqlx::Result<Vec<DeliveryId>> {
    let asked: Vec<_> = deliveries.iter().map(|&(id, attempts)| Tried { id: Hex(id.uuid()), attempts }).collect();
    let rows = sqlx::query(sql!("work/find_untried")).bind(json(&asked)?).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(DeliveryId::from_uuid(uuid(row, "id")?))).collect()
}

async fn find_overdue(
    connection: &mut SqliteConnection,
    shards: &[Shard],
    limit: u32,
) -> sqlx::Result<Vec<(Due, String)>> {
    let list = sqlx::query(sql!("work/find_overdue")).bind(json(shards)?).bind(now()).bind(limit);
    let rows = list.fetch_all(connection).await?;
    rows.iter().map(|row| Ok((due(row)?, row.try_get("tenant")?))).collect()
}

#[derive(Serialize)]
struct HoldRow {
    lane: i64,
    shard: Shard,
    until: i64,
    reason: i16,
    streak: i32,
}

/// How long an ended hold is kept, in microseconds: the next hold may follow it, if the probe fails. A probe ends well
/// within this time.
const ENDED_HOLDS_KEPT: i64 = 3_600_000_000;

async fn set_holds(tx: &mut SqliteConnection, holds: &[Hold]) -> sqlx::Result<()> {
    let now = now();
    let row = |hold: &Hold| HoldRow {
        lane: hold.lane.as_i64(),
        shard: hold.lane.shard(),
        until: hold.until.micros(),
        reason: hold.reason.code(),
        streak: hold.streak,
    };
    let rows: Vec<_> = holds.iter().map(row).collect();
    sqlx::query(sql!("work/set_holds")).bind(json(&rows)?).bind(now).execute(&mut *tx).await?;
    sqlx::query(sql!("upkeep/forget_holds")).bind(now - ENDED_HOLDS_KEPT).execute(tx).await?;
    Ok(())
}

async fn load_holds(connection: &mut SqliteConnection, shards: &[Shard]) -> sqlx::Result<Vec<Hold>> {
    let rows = sqlx::query(sql!("work/load_holds")).bind(json(shards)?).bind(now()).fetch_all(connection).await?;
    let hold = |row: &SqliteRow| {
        Ok(Hold {
            lane: LaneId::from_i64(row.try_get("lane")?),
            until: time(row, "until")?,
            reason: code(row, "reason", HoldReason::from_code)?,
            streak: row.try_get("streak")?,
        })
    };
    rows.iter().map(hold).collect()
}

//! Putting deliveries back into their lanes: one, or the next of a replay's set.

use std::collections::HashSet;

use ringback::{
    audit::Record,
    id::{DeliveryId, ReplayId},
    store::{Change, ReplayOne},
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use crate::{
    audit,
    batch::{Hex, json},
    configuration::change,
    error::corrupt,
    read::{now, uuid},
};

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

/// Releases the next `count`; returns how many it looked at.
pub(super) async fn next(tx: &mut SqliteConnection, id: ReplayId, count: u32) -> sqlx::Result<u32> {
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

//! How much waits now. All reads are bounded.

use std::{collections::HashSet, time::Duration};

use ringback::{
    delivery::{LaneId, SHARDS},
    id::EventId,
    store::{
        Backlog, Ingest, PendingLane, UNHELD_LANES, UNHELD_ROWS_OF_LANE, UNHELD_ROWS_OF_SHARD, rules::ingest::ingest,
    },
    time::Timestamp,
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use crate::{
    batch::json,
    feed::pending_lanes,
    read::{now, uuid_or_none},
};

pub(super) async fn backlog(connection: &mut SqliteConnection, counted_max: u32) -> sqlx::Result<Backlog> {
    let row = sqlx::query(sql!("figures/read_backlog")).bind(counted_max).fetch_one(connection).await?;
    Ok(Backlog { pending: row.try_get("pending")?, dead: row.try_get("dead")? })
}

pub(super) async fn oldest_due(connection: &mut SqliteConnection) -> sqlx::Result<Option<Duration>> {
    let row = sqlx::query(sql!("figures/read_oldest_due")).bind(now()).fetch_one(connection).await?;
    let micros: Option<i64> = row.try_get("due_for")?;
    Ok(micros.map(between))
}

pub(super) async fn accepted_since(
    connection: &mut SqliteConnection,
    tenant: Option<&str>,
    since: Timestamp,
    looked_at_max: u32,
) -> sqlx::Result<Ingest> {
    let count = match tenant {
        Some(_) => sql!("figures/count_accepted", "AND tenant = ?3"),
        None => sql!("figures/count_accepted"),
    };
    let from = EventId::floor(since).uuid();
    let count = sqlx::query(count).bind(from.as_bytes().as_slice()).bind(looked_at_max).bind(tenant);
    let row = count.fetch_one(connection).await?;
    let accepted = row.try_get("accepted")?;
    let oldest = uuid_or_none(&row, "oldest")?.map(EventId::from_uuid);
    Ok(ingest(since, looked_at_max, accepted, accepted, oldest))
}

/// Lanes are looked at only if in some shard all rows that are looked at are kept back.
pub(super) async fn oldest_due_outside(
    connection: &mut SqliteConnection,
    held: &[LaneId],
) -> sqlx::Result<Option<Duration>> {
    let now = now();
    let held: HashSet<i64> = held.iter().map(|lane| lane.as_i64()).collect();
    let (mut oldest, mut hiding) = (None, HashSet::new());
    for shard in 0..SHARDS {
        let read = sqlx::query(sql!("figures/read_first_due")).bind(shard).bind(now).bind(UNHELD_ROWS_OF_SHARD);
        let rows = read.fetch_all(&mut *connection).await?;
        let free = first_free(&rows, &held)?;
        if free.is_none() && rows.len() >= UNHELD_ROWS_OF_SHARD as usize {
            hiding.insert(shard);
        }
        oldest = earlier(oldest, free);
    }
    if hiding.is_empty() {
        return Ok(oldest.map(|due_at| between(now - due_at)));
    }
    let lanes = pending_lanes(connection, None, UNHELD_LANES).await?;
    for PendingLane { lane, .. } in lanes {
        if hiding.contains(&lane.shard()) && !held.contains(&lane.as_i64()) {
            let read = sqlx::query_scalar(sql!("figures/read_first_due_of_lane"));
            let read = read.bind(lane.as_i64()).bind(now).bind(UNHELD_ROWS_OF_LANE);
            oldest = earlier(oldest, read.fetch_one(&mut *connection).await?);
        }
    }
    Ok(oldest.map(|due_at| between(now - due_at)))
}

/// When the first of these rows became due that nothing keeps from being sent.
fn first_free(rows: &[SqliteRow], held: &HashSet<i64>) -> sqlx::Result<Option<i64>> {
    for row in rows {
        if row.try_get("is_first")? && !held.contains(&row.try_get("lane")?) {
            return row.try_get("due_at").map(Some);
        }
    }
    Ok(None)
}

fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    one.into_iter().chain(other).min()
}

/// A span in microseconds; none if it is negative.
fn between(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

pub(super) async fn count_pending_in(
    connection: &mut SqliteConnection,
    lanes: &[LaneId],
    counted_max: u32,
) -> sqlx::Result<u32> {
    let lanes: Vec<_> = lanes.iter().map(|lane| lane.as_i64()).collect();
    let count = sqlx::query_scalar(sql!("figures/count_pending_in")).bind(json(&lanes)?).bind(counted_max);
    count.fetch_one(connection).await
}

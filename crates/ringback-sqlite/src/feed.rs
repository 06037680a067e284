//! Reading due deliveries: by shard, by lane, and by the head of an ordering key. Writes nothing.
//!
//! SQLite has no LATERAL: one statement finds the shards (or lanes) that have due deliveries, then one statement reads each
//! of them. If nothing is due, a feed is one statement.

use std::collections::HashSet;

use ringback::{
    delivery::{Due, LaneId, Shard},
    id::EndpointId,
    store::{Cursor, FeedPage, PendingLane},
    time::Timestamp,
};
use serde::Serialize;
use sqlx::{Row as _, SqliteConnection};

use crate::{
    batch::{Hex, json},
    read::{due, now, time, uuid_or_none},
};

/// How far a shard or lane has been read.
#[derive(Serialize)]
struct Place {
    of: i64,
    due_at: i64,
    id: Hex,
}

impl Place {
    fn new(of: i64, cursor: &Cursor) -> Self {
        Self { of, due_at: cursor.due_at.micros(), id: Hex(cursor.id.uuid()) }
    }
}

/// The due deliveries of each shard after its cursor.
pub(crate) async fn feed(
    connection: &mut SqliteConnection,
    cursors: &[(Shard, Cursor)],
    limit: u32,
) -> sqlx::Result<FeedPage> {
    let mut places: Vec<_> = cursors.iter().map(|(shard, cursor)| Place::new(i64::from(*shard), cursor)).collect();
    places.sort_by_key(|place| place.of);
    let find = sql!("work/find_due", "d.shard = place.value ->> 'of'");
    read_places(connection, &places, limit, find, sql!("work/feed", "d.shard = ?1")).await
}

/// The due deliveries of each lane after its cursor.
pub(crate) async fn feed_lanes(
    connection: &mut SqliteConnection,
    cursors: &[(LaneId, Cursor)],
    limit: u32,
) -> sqlx::Result<FeedPage> {
    let mut places: Vec<_> = cursors.iter().map(|(lane, cursor)| Place::new(lane.as_i64(), cursor)).collect();
    places.sort_by_key(|place| (place.of & 63, place.of));
    let find = sql!("work/find_due", "d.lane = place.value ->> 'of'");
    read_places(connection, &places, limit, find, sql!("work/feed", "d.lane = ?1")).await
}

async fn read_places(
    connection: &mut SqliteConnection,
    places: &[Place],
    limit: u32,
    find: &'static str,
    read: &'static str,
) -> sqlx::Result<FeedPage> {
    let now = now();
    let found: HashSet<i64> =
        sqlx::query_scalar(find).bind(json(places)?).bind(now).fetch_all(&mut *connection).await?.into_iter().collect();
    let mut rows = Vec::new();
    for place in places.iter().filter(|place| found.contains(&place.of)) {
        let read = sqlx::query(read)
            .bind(place.of)
            .bind(place.due_at)
            .bind(place.id.0.as_bytes().as_slice())
            .bind(now)
            .bind(limit)
            .fetch_all(&mut *connection)
            .await?;
        for row in &read {
            rows.push(due(row)?);
        }
    }
    Ok(FeedPage { now: Timestamp::from_micros(now), rows })
}

/// The lanes after this one that have pending deliveries.
pub(crate) async fn pending_lanes(
    connection: &mut SqliteConnection,
    after: Option<LaneId>,
    limit: u32,
) -> sqlx::Result<Vec<PendingLane>> {
    let rows = sqlx::query(sql!("work/find_lanes"))
        .bind(after.map_or(i64::MIN, |after| after.as_i64().saturating_add(1)))
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(PendingLane {
                lane: LaneId::from_i64(row.try_get("lane")?),
                endpoint: uuid_or_none(row, "endpoint_id")?.map(EndpointId::from_uuid),
                due_at: time(row, "due_at")?,
            })
        })
        .collect()
}

/// The heads of ordering keys that are due at `now`.
pub(crate) async fn find_heads(
    connection: &mut SqliteConnection,
    keys: impl IntoIterator<Item = (i64, &str)>,
    now: i64,
) -> sqlx::Result<Vec<Due>> {
    let keys: Vec<_> = keys.into_iter().map(|(lane, key)| Key { lane, key }).collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(sql!("work/find_heads")).bind(json(&keys)?).bind(now).fetch_all(connection).await?;
    rows.iter().map(due).collect()
}

#[derive(Serialize)]
struct Key<'a> {
    lane: i64,
    key: &'a str,
}

//! Old events: first their payloads are removed, then the events with their finished deliveries. An event that has a pending
//! delivery or a dead letter stays, with its payload.

use ringback::{id::EventId, store::codes::NoDelivery, time::Timestamp};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use super::{
    CHUNK,
    past::{Counts, Past},
};
use crate::{
    batch::{Hex, json},
    read::uuid,
};

/// A range of events by `seq`: after `start`, up to and including `end`.
#[derive(Clone, Copy)]
pub(super) struct Chunk {
    start: i64,
    pub(super) end: i64,
}

/// The next chunk, unless all of it is younger than `oldest_kept`.
pub(super) async fn next_chunk(
    connection: &mut SqliteConnection,
    start: i64,
    oldest_kept: Timestamp,
) -> sqlx::Result<Option<Chunk>> {
    let row = sqlx::query(sql!("upkeep/find_chunk_of_events"))
        .bind(start)
        .bind(CHUNK)
        .bind(floor(oldest_kept))
        .fetch_one(connection)
        .await?;
    let old: i64 = row.try_get("old")?;
    if old == 0 {
        return Ok(None);
    }
    Ok(Some(Chunk { start, end: row.try_get("end")? }))
}

fn floor(time: Timestamp) -> Vec<u8> {
    EventId::floor(time).uuid().as_bytes().to_vec()
}

/// Drops payloads and events of the chunk that are older than their retentions.
pub(super) async fn drop_old(
    tx: &mut SqliteConnection,
    chunk: Chunk,
    payloads_until: Timestamp,
    events_until: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(sql!("upkeep/remove_payloads"))
        .bind(chunk.start)
        .bind(chunk.end)
        .bind(floor(payloads_until))
        .execute(&mut *tx)
        .await?;
    let rows = sqlx::query(sql!("upkeep/find_events_to_drop"))
        .bind(chunk.start)
        .bind(chunk.end)
        .bind(floor(events_until))
        .fetch_all(&mut *tx)
        .await?;
    if rows.is_empty() {
        return Ok(());
    }
    let (mut past, mut ids) = (Past::default(), Vec::with_capacity(rows.len()));
    for row in &rows {
        let id = EventId::from_uuid(uuid(row, "id")?);
        ids.push(Hex(id.uuid()));
        past.add(id, row.try_get("tenant")?, &counts(row)?);
    }
    past.write(tx).await?;
    let ids = json(&ids)?;
    let statements = [
        sql!("upkeep/drop_finished"),
        sql!("upkeep/drop_attempts_of_events"),
        sql!("upkeep/drop_verdicts"),
        sql!("upkeep/drop_events"),
    ];
    for statement in statements {
        sqlx::query(statement).bind(&ids).execute(&mut *tx).await?;
    }
    Ok(())
}

fn counts(row: &SqliteRow) -> sqlx::Result<Counts> {
    let kind: Option<i16> = row.try_get("kind")?;
    Ok(Counts {
        accepted: 1,
        unmatched: i64::from(kind == Some(NoDelivery::Unmatched.code())),
        duplicate: i64::from(kind == Some(NoDelivery::Duplicate.code())),
        routed: row.try_get("routed")?,
        delivered: row.try_get("delivered")?,
        dead: 0,
        cancelled: row.try_get("cancelled")?,
    })
}

//! Figures: what waits, and how an endpoint's attempts have ended lately. Bounded reads.

use std::time::Duration;

use ringback::{
    attempt::Conclusion,
    delivery::LaneId,
    id::EndpointId,
    store::{Backlog, RecentAttempt},
    time::Timestamp,
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use crate::{
    error::corrupt,
    read::{code, now},
};

pub(super) async fn backlog(connection: &mut SqliteConnection, pending_max: u32) -> sqlx::Result<Backlog> {
    let now = now();
    let row = sqlx::query(sql!("read_backlog")).bind(now).bind(pending_max).fetch_one(&mut *connection).await?;
    let held = sqlx::query(sql!("read_held_lanes")).bind(now).fetch_all(connection).await?;
    Ok(Backlog {
        pending: row.try_get("pending")?,
        oldest_due: duration(&row, "oldest_due")?,
        held_lanes: held.iter().map(|row| row.try_get("lane").map(LaneId::from_i64)).collect::<Result<_, _>>()?,
    })
}

pub(super) async fn recent_attempts(
    connection: &mut SqliteConnection,
    endpoint: EndpointId,
    since: Timestamp,
    most: u32,
) -> sqlx::Result<Vec<RecentAttempt>> {
    let rows = sqlx::query(sql!("read_recent_attempts"))
        .bind(endpoint.uuid().as_bytes().as_slice())
        .bind(LaneId::of_endpoint(endpoint).as_i64())
        .bind(since.micros())
        .bind(most)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let conclusion = code(row, "conclusion", Conclusion::from_code)?;
            Ok(RecentAttempt { conclusion, duration: duration(row, "duration")? })
        })
        .collect()
}

fn duration(row: &SqliteRow, column: &str) -> sqlx::Result<Duration> {
    let micros: i64 = row.try_get(column)?;
    Ok(Duration::from_micros(u64::try_from(micros).map_err(corrupt)?))
}

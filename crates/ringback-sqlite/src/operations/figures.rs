//! Figures: how much waits, and how an endpoint's last attempts ended. All reads are bounded.

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

pub(super) async fn backlog(connection: &mut SqliteConnection, counted_max: u32) -> sqlx::Result<Backlog> {
    let row = sqlx::query(sql!("figures/read_backlog")).bind(counted_max).fetch_one(connection).await?;
    Ok(Backlog { pending: row.try_get("pending")?, dead: row.try_get("dead")? })
}

pub(super) async fn oldest_due(connection: &mut SqliteConnection) -> sqlx::Result<Option<Duration>> {
    let row = sqlx::query(sql!("figures/read_oldest_due")).bind(now()).fetch_one(connection).await?;
    let micros: Option<i64> = row.try_get("due_for")?;
    Ok(micros.and_then(|micros| u64::try_from(micros).ok()).map(Duration::from_micros))
}

pub(super) async fn recent_attempts(
    connection: &mut SqliteConnection,
    endpoint: EndpointId,
    since: Timestamp,
    most: u32,
) -> sqlx::Result<Vec<RecentAttempt>> {
    let rows = sqlx::query(sql!("figures/read_recent_attempts"))
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

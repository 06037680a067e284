//! Figures: how much waits, and how an endpoint's last attempts ended. All reads are bounded.

use std::time::Duration;

use ringback::{
    attempt::Conclusion,
    delivery::LaneId,
    id::EndpointId,
    store::{Backlog, Error, RecentAttempt, Result, UNHELD_LANES, UNHELD_ROWS_OF_LANE, UNHELD_ROWS_OF_SHARD},
    time::Timestamp,
};

use sqlx::postgres::PgRow;

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

pub(super) async fn recent_attempts(
    store: &Postgres,
    endpoint: EndpointId,
    since: Timestamp,
    most: u32,
) -> Result<Vec<RecentAttempt>> {
    let rows = query(&store.sql().read_recent_attempts)
        .bind(endpoint.uuid())
        .bind(LaneId::of_endpoint(endpoint).as_i64())
        .bind(since.micros())
        .bind(i64::from(most))
        .fetch_all(&mut *store.desk().await?)
        .await
        .map_err(from_sqlx)?;
    rows.iter()
        .map(|row| {
            let code: i16 = rows::get(row, "conclusion")?;
            let conclusion = Conclusion::from_code(code);
            Ok(RecentAttempt {
                conclusion: conclusion.ok_or_else(|| Error::corrupt(format_args!("code {code} of an attempt")))?,
                duration: duration(rows::get(row, "duration")?),
            })
        })
        .collect()
}

fn duration(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

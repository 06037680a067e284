//! The attempts of one delivery: rows of `attempt`, and the one that is stored in a row of `finished`.

use std::time::Duration;

use bytes::Bytes;
use ringback::{
    attempt::{Attempt, Conclusion, ErrorClass, Phase},
    id::DeliveryId,
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use crate::{
    error::corrupt,
    read::{code, code_or_none, time},
};

/// In order of (number, at).
pub(super) async fn of(connection: &mut SqliteConnection, id: DeliveryId) -> sqlx::Result<Vec<Attempt>> {
    let rows = sqlx::query(sql!("deliveries/read_attempts"))
        .bind(id.uuid().as_bytes().as_slice())
        .fetch_all(connection)
        .await?;
    rows.iter().map(attempt).collect()
}

fn attempt(row: &SqliteRow) -> sqlx::Result<Attempt> {
    let micros: i64 = row.try_get("duration")?;
    Ok(Attempt {
        number: row.try_get("number")?,
        at: time(row, "at")?,
        conclusion: code(row, "conclusion", Conclusion::from_code)?,
        status: row.try_get("answered")?,
        error: code_or_none(row, "error", ErrorClass::from_code)?,
        phase: code_or_none(row, "phase", Phase::from_code)?,
        ambiguous: row.try_get("ambiguous")?,
        duration: Duration::from_micros(u64::try_from(micros).map_err(corrupt)?),
        detail: Bytes::from(row.try_get::<Vec<u8>, _>("detail")?),
        response_body: Bytes::from(row.try_get::<Vec<u8>, _>("response_body")?),
    })
}

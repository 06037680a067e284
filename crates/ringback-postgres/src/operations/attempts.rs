//! A delivery's attempts.

use std::time::Duration;

use ringback::{
    attempt::{Attempt, Conclusion, ErrorClass, Phase},
    id::DeliveryId,
    store::{Error, Result},
};
use sqlx::postgres::PgRow;

use crate::{Postgres, error::from_sqlx, rows, sql::query};

pub(super) async fn read(store: &Postgres, id: DeliveryId) -> Result<Vec<Attempt>> {
    let rows = query(&store.sql().read_attempts)
        .bind(id.uuid())
        .fetch_all(&mut *store.desk().await?)
        .await
        .map_err(from_sqlx)?;
    rows.iter().map(attempt).collect()
}

fn attempt(row: &PgRow) -> Result<Attempt> {
    let duration: i64 = rows::get(row, "duration")?;
    let status: Option<i32> = rows::get(row, "answered")?;
    Ok(Attempt {
        number: rows::get(row, "number")?,
        at: rows::time(row, "at")?,
        conclusion: coded(Conclusion::from_code, rows::get(row, "conclusion")?)?,
        status: status.and_then(|status| u16::try_from(status).ok()),
        error: rows::get::<Option<i16>, _>(row, "error")?.map(|code| coded(ErrorClass::from_code, code)).transpose()?,
        phase: rows::get::<Option<i16>, _>(row, "phase")?.map(|code| coded(Phase::from_code, code)).transpose()?,
        ambiguous: rows::get(row, "ambiguous")?,
        duration: Duration::from_micros(u64::try_from(duration).unwrap_or(0)),
        detail: rows::get::<Vec<u8>, _>(row, "detail")?.into(),
        response_body: rows::get::<Vec<u8>, _>(row, "response_body")?.into(),
    })
}

fn coded<T>(read: impl Fn(i16) -> Option<T>, code: i16) -> Result<T> {
    read(code).ok_or_else(|| Error::corrupt(format_args!("code {code} of an attempt")))
}

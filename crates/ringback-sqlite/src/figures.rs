//! Figures over time, and how the receivers of endpoints do.

use ringback::{
    attempt::ErrorClass,
    delivery::{HoldReason, LaneId},
    id::EndpointId,
    store::{FigureKeeping, Figures, FiguresPart, Histogram, HoldNow, LastFailure, Pulse, Result, Subject, Vitals},
    time::Timestamp,
};
use serde::Serialize;
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use crate::{
    Sqlite,
    batch::{Hex, json},
    error::corrupt,
    read::{code_or_none, now, time, time_or_none, uuid},
};

#[async_trait::async_trait]
impl FigureKeeping for Sqlite {
    async fn add_figures(&self, part: &FiguresPart) -> Result<()> {
        let part = part.clone();
        self.apply(move |tx| Box::pin(add(tx, part))).await
    }

    async fn read_figures(
        &self,
        subject: &Subject,
        from: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Timestamp, Figures)>> {
        let mut snapshot = self.snapshot().await?;
        let rows = sqlx::query(sql!("figures/read_figures"))
            .bind(subject.tenant())
            .bind(subject.endpoint().as_bytes().to_vec())
            .bind(from.micros())
            .bind(until.micros())
            .bind(limit)
            .fetch_all(&mut *snapshot)
            .await
            .map_err(|error| self.error(error))?;
        let read = |row| Ok((time(row, "at")?, figures(row)?));
        rows.iter().map(read).collect::<sqlx::Result<_>>().map_err(|error| self.error(error))
    }

    async fn vitals(&self, endpoints: &[EndpointId], counted_max: u32) -> Result<Vec<Vitals>> {
        let mut snapshot = self.snapshot().await?;
        let read = read_vitals(&mut snapshot, endpoints, counted_max).await;
        read.map_err(|error| self.error(error))
    }

    async fn failing_endpoints(&self, since: Timestamp, most: u32) -> Result<Vec<EndpointId>> {
        let mut snapshot = self.snapshot().await?;
        let rows = sqlx::query(sql!("figures/find_failing"))
            .bind(since.micros())
            .bind(most)
            .fetch_all(&mut *snapshot)
            .await
            .map_err(|error| self.error(error))?;
        let read = |row| uuid(row, "endpoint_id").map(EndpointId::from_uuid);
        rows.iter().map(read).collect::<sqlx::Result<_>>().map_err(|error| self.error(error))
    }
}

/// A row of `figure`, as the statement that adds it reads it.
#[derive(Serialize)]
struct MinuteRow<'a> {
    tenant: &'a str,
    endpoint: Hex,
    at: i64,
    delivered: u64,
    failed: u64,
    first_attempts: u64,
    dead: u64,
    errors: &'a std::collections::BTreeMap<String, u64>,
    durations: &'a Histogram,
}

/// A row of `pulse`.
#[derive(Serialize)]
struct PulseRow {
    endpoint: Hex,
    last_success_at: Option<i64>,
    last_failure_at: Option<i64>,
    succeeding_since: Option<i64>,
    failing_since: Option<i64>,
    last_error: Option<i16>,
    last_status: Option<u16>,
}

async fn add(tx: &mut SqliteConnection, FiguresPart { id, minutes, pulses }: FiguresPart) -> sqlx::Result<()> {
    let first =
        sqlx::query(sql!("figures/add_part")).bind(id.as_bytes().to_vec()).bind(now()).execute(&mut *tx).await?;
    if first.rows_affected() == 0 {
        return Ok(());
    }
    let rows = minutes.iter().map(|minute| MinuteRow {
        tenant: minute.subject.tenant(),
        endpoint: Hex(minute.subject.endpoint()),
        at: minute.at.micros(),
        delivered: minute.figures.delivered,
        failed: minute.figures.failed,
        first_attempts: minute.figures.first_attempts,
        dead: minute.figures.dead,
        errors: &minute.figures.errors,
        durations: &minute.figures.durations,
    });
    sqlx::query(sql!("figures/add_figures")).bind(json(&rows.collect::<Vec<_>>())?).execute(&mut *tx).await?;
    let rows = pulses.iter().map(|(endpoint, pulse)| PulseRow {
        endpoint: Hex(endpoint.uuid()),
        last_success_at: pulse.last_success_at.map(Timestamp::micros),
        last_failure_at: pulse.last_failure.map(|failure| failure.at.micros()),
        succeeding_since: pulse.succeeding_since.map(Timestamp::micros),
        failing_since: pulse.failing_since.map(Timestamp::micros),
        last_error: pulse.last_failure.and_then(|failure| failure.error.map(ErrorClass::code)),
        last_status: pulse.last_failure.and_then(|failure| failure.status),
    });
    sqlx::query(sql!("figures/add_pulses")).bind(json(&rows.collect::<Vec<_>>())?).execute(&mut *tx).await?;
    Ok(())
}

fn figures(row: &SqliteRow) -> sqlx::Result<Figures> {
    Ok(Figures {
        delivered: row.try_get("delivered")?,
        failed: row.try_get("failed")?,
        first_attempts: row.try_get("first_attempts")?,
        dead: row.try_get("dead")?,
        errors: serde_json::from_str(row.try_get("errors")?).map_err(corrupt)?,
        durations: serde_json::from_str(row.try_get("durations")?).map_err(corrupt)?,
    })
}

async fn read_vitals(
    connection: &mut SqliteConnection,
    endpoints: &[EndpointId],
    counted_max: u32,
) -> sqlx::Result<Vec<Vitals>> {
    #[derive(Serialize)]
    struct Asked {
        endpoint: Hex,
        lane: i64,
    }
    let asked = endpoints
        .iter()
        .map(|endpoint| Asked { endpoint: Hex(endpoint.uuid()), lane: LaneId::of_endpoint(*endpoint).as_i64() });
    let read = sqlx::query(sql!("figures/read_vitals")).bind(json(&asked.collect::<Vec<_>>())?);
    let rows = read.bind(now()).bind(counted_max).fetch_all(connection).await?;
    rows.iter().map(vitals).collect()
}

fn vitals(row: &SqliteRow) -> sqlx::Result<Vitals> {
    let last_failure = time_or_none(row, "last_failure_at")?.map(|at| -> sqlx::Result<_> {
        let error = code_or_none(row, "last_error", ErrorClass::from_code)?;
        Ok(LastFailure { at, error, status: row.try_get("last_status")? })
    });
    let hold = code_or_none(row, "reason", HoldReason::from_code)?.map(|reason| -> sqlx::Result<_> {
        Ok(HoldNow { reason, since: time(row, "since")?, until: time(row, "until")? })
    });
    Ok(Vitals {
        pulse: Pulse {
            last_success_at: time_or_none(row, "last_success_at")?,
            last_failure: last_failure.transpose()?,
            succeeding_since: time_or_none(row, "succeeding_since")?,
            failing_since: time_or_none(row, "failing_since")?,
        },
        hold: hold.transpose()?,
        pending: row.try_get("pending")?,
        oldest_due_at: time_or_none(row, "oldest_due_at")?,
    })
}

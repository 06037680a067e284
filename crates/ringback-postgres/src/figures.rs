//! Figures over time, and how the receivers of endpoints do.

use ringback::{
    attempt::ErrorClass,
    delivery::LaneId,
    id::EndpointId,
    store::{
        Error, FigureKeeping, Figures, FiguresPart, HoldNow, LastFailure, MinuteOf, Pulse, Result, Subject, Vitals,
    },
    time::Timestamp,
};
use sqlx::{PgConnection, postgres::PgRow};
use uuid::Uuid;

use crate::{
    Postgres,
    error::from_sqlx,
    rows,
    sql::{Statements, prepared, query},
};

#[async_trait::async_trait]
impl FigureKeeping for Postgres {
    async fn add_figures(&self, part: &FiguresPart) -> Result<()> {
        let (sql, mut transaction) = (self.sql(), self.begin_work().await?);
        let first = prepared(&sql.add_part).bind(part.id).execute(&mut *transaction).await.map_err(from_sqlx)?;
        if first.rows_affected() == 0 {
            return Ok(());
        }
        add_minutes(sql, &mut transaction, &part.minutes).await?;
        add_pulses(sql, &mut transaction, &part.pulses).await?;
        transaction.commit().await.map_err(from_sqlx)
    }

    async fn read_figures(
        &self,
        subject: &Subject,
        from: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Timestamp, Figures)>> {
        let rows = query(&self.sql().read_figures)
            .bind(subject.tenant())
            .bind(subject.endpoint())
            .bind(from.micros())
            .bind(until.micros())
            .bind(i64::from(limit))
            .fetch_all(&mut *self.desk().await?)
            .await
            .map_err(from_sqlx)?;
        rows.iter().map(|row| Ok((rows::time(row, "at")?, figures(row)?))).collect()
    }

    async fn vitals(&self, endpoints: &[EndpointId], counted_max: u32) -> Result<Vec<Vitals>> {
        let ids: Vec<Uuid> = endpoints.iter().map(|endpoint| endpoint.uuid()).collect();
        let lanes: Vec<i64> = endpoints.iter().map(|endpoint| LaneId::of_endpoint(*endpoint).as_i64()).collect();
        let rows = query(&self.sql().read_vitals)
            .bind(ids)
            .bind(lanes)
            .bind(i64::from(counted_max))
            .fetch_all(&mut *self.desk().await?)
            .await
            .map_err(from_sqlx)?;
        rows.iter().map(vitals).collect()
    }

    async fn failing_endpoints(&self, since: Timestamp, most: u32) -> Result<Vec<EndpointId>> {
        let rows = query(&self.sql().find_failing)
            .bind(since.micros())
            .bind(i64::from(most))
            .fetch_all(&mut *self.desk().await?)
            .await
            .map_err(from_sqlx)?;
        rows.iter().map(|row| rows::get(row, "endpoint_id").map(EndpointId::from_uuid)).collect()
    }
}

async fn add_minutes(sql: &Statements, connection: &mut PgConnection, minutes: &[MinuteOf]) -> Result<()> {
    if minutes.is_empty() {
        return Ok(());
    }
    let numbers = |number: fn(&Figures) -> u64| -> Vec<i64> {
        minutes.iter().map(|minute| i64::try_from(number(&minute.figures)).unwrap_or(i64::MAX)).collect()
    };
    let texts = |text: fn(&Figures) -> serde_json::Result<String>| -> Result<Vec<String>> {
        minutes.iter().map(|minute| text(&minute.figures).map_err(Error::corrupt)).collect()
    };
    prepared(&sql.add_figures)
        .bind(minutes.iter().map(|minute| minute.subject.tenant()).collect::<Vec<_>>())
        .bind(minutes.iter().map(|minute| minute.subject.endpoint()).collect::<Vec<_>>())
        .bind(minutes.iter().map(|minute| minute.at.micros()).collect::<Vec<_>>())
        .bind(numbers(|figures| figures.delivered))
        .bind(numbers(|figures| figures.failed))
        .bind(numbers(|figures| figures.first_attempts))
        .bind(numbers(|figures| figures.dead))
        .bind(texts(|figures| serde_json::to_string(&figures.errors))?)
        .bind(texts(|figures| serde_json::to_string(&figures.durations))?)
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
    Ok(())
}

async fn add_pulses(sql: &Statements, connection: &mut PgConnection, pulses: &[(EndpointId, Pulse)]) -> Result<()> {
    if pulses.is_empty() {
        return Ok(());
    }
    let times = |time: fn(&Pulse) -> Option<Timestamp>| -> Vec<Option<i64>> {
        pulses.iter().map(|(_, pulse)| time(pulse).map(Timestamp::micros)).collect()
    };
    let failures = || pulses.iter().map(|(_, pulse)| pulse.last_failure);
    prepared(&sql.add_pulses)
        .bind(pulses.iter().map(|(endpoint, _)| endpoint.uuid()).collect::<Vec<_>>())
        .bind(times(|pulse| pulse.last_success_at))
        .bind(times(|pulse| pulse.last_failure.map(|failure| failure.at)))
        .bind(times(|pulse| pulse.succeeding_since))
        .bind(times(|pulse| pulse.failing_since))
        .bind(failures().map(|failure| failure?.error.map(ErrorClass::code)).collect::<Vec<Option<i16>>>())
        .bind(failures().map(|failure| failure?.status.map(i32::from)).collect::<Vec<Option<i32>>>())
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
    Ok(())
}

fn figures(row: &PgRow) -> Result<Figures> {
    let number = |column| rows::get::<i64, _>(row, column).map(|number| u64::try_from(number).unwrap_or(0));
    Ok(Figures {
        delivered: number("delivered")?,
        failed: number("failed")?,
        first_attempts: number("first_attempts")?,
        dead: number("dead")?,
        errors: serde_json::from_str(rows::get(row, "errors")?).map_err(Error::corrupt)?,
        durations: serde_json::from_str(rows::get(row, "durations")?).map_err(Error::corrupt)?,
    })
}

fn vitals(row: &PgRow) -> Result<Vitals> {
    let last_failure = rows::time_or_none(row, "last_failure_at")?.map(|at| -> Result<_> {
        let (error, status): (Option<i16>, Option<i32>) =
            (rows::get(row, "last_error")?, rows::get(row, "last_status")?);
        Ok(LastFailure {
            at,
            error: error.and_then(ErrorClass::from_code),
            status: status.and_then(|status| u16::try_from(status).ok()),
        })
    });
    let hold = rows::get::<Option<i16>, _>(row, "reason")?.map(|reason| -> Result<_> {
        let (since, until) = (rows::time(row, "since")?, rows::time(row, "until")?);
        Ok(HoldNow { reason: rows::hold_reason(reason)?, since, until })
    });
    Ok(Vitals {
        pulse: Pulse {
            last_success_at: rows::time_or_none(row, "last_success_at")?,
            last_failure: last_failure.transpose()?,
            succeeding_since: rows::time_or_none(row, "succeeding_since")?,
            failing_since: rows::time_or_none(row, "failing_since")?,
        },
        hold: hold.transpose()?,
        pending: u32::try_from(rows::get::<i64, _>(row, "pending")?).unwrap_or(u32::MAX),
        oldest_due_at: rows::time_or_none(row, "oldest_due_at")?,
    })
}

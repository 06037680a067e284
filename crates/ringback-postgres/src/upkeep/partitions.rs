//! Listing partitions, and changing them without keeping anyone waiting.

use std::time::Duration;

use ringback::{
    id::EventId,
    store::{Result, Retention},
    time::Timestamp,
};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Postgres as Db, Transaction};
use uuid::Uuid;

use crate::{Postgres, error::from_sqlx, rows, sql::query};

/// How long a change of partitions waits for its locks, in milliseconds. Transactions that come after it wait behind it for
/// as long at most.
pub(super) const LOCK_TIMEOUT: u32 = 100;

/// Most partitions that a retention is cut into. With the kept one, the newest one and one that is late to be dropped, this
/// is well under 64.
const PARTITIONS: u32 = 48;

/// Shortest time span of a partition.
const PERIOD_MIN: Duration = Duration::from_secs(24 * 60 * 60);

/// Boundaries are on whole hours; microseconds of an hour.
const HOUR: i64 = 60 * 60 * 1_000_000;

/// Tables that are cut at the same boundaries and dropped together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    pub(super) tables: &'static [&'static str],
}

/// Events, with their verdicts and finished deliveries: the ledger balances because one transaction drops all three.
pub(super) const EVENTS: Family = Family { tables: &["event", "verdict", "finished"] };

/// Attempts, which have a shorter retention.
pub(super) const ATTEMPTS: Family = Family { tables: &["attempt"] };

impl Family {
    pub(super) fn retention(self, retention: &Retention) -> Duration {
        if self.tables == EVENTS.tables { retention.events } else { retention.attempts }
    }

    /// The time span of one partition.
    pub(super) fn period(self, retention: &Retention) -> Duration {
        (self.retention(retention) / PARTITIONS).max(PERIOD_MIN)
    }

    /// The table whose partitions are looked at; the family's other tables have the same boundaries.
    pub(super) fn head(self) -> &'static str {
        self.tables[0]
    }
}

/// One partition: ids from `lower` to below `upper`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Partition {
    pub(super) table: String,
    pub(crate) name: String,
    pub(crate) lower: Option<Uuid>,
    pub(crate) upper: Option<Uuid>,
    pub(crate) bytes: i64,
}

/// All partitions, oldest first within each table.
pub(crate) async fn list(store: &Postgres, connection: &mut PgConnection) -> Result<Vec<Partition>> {
    let rows = query(&store.sql().list_partitions).fetch_all(connection).await.map_err(from_sqlx)?;
    rows.iter()
        .map(|row| {
            Ok(Partition {
                table: rows::get(row, "parent")?,
                name: rows::get(row, "name")?,
                lower: rows::get(row, "lower")?,
                upper: rows::get(row, "upper")?,
                bytes: rows::get(row, "bytes")?,
            })
        })
        .collect()
}

/// The boundary at the first whole hour not before `time`.
pub(super) fn boundary(time: Timestamp) -> Uuid {
    let hours = time.micros().saturating_add(HOUR - 1).div_euclid(HOUR);
    EventId::floor(Timestamp::from_micros(hours * HOUR)).uuid()
}

/// When the range above a boundary begins.
pub(super) fn time_of(boundary: Uuid) -> Timestamp {
    EventId::from_uuid(boundary).accepted_at()
}

/// The name of the partition of `table` that begins at a boundary.
pub(super) fn name(table: &str, boundary: Uuid) -> String {
    format!("{table}_{}", time_of(boundary).millis())
}

/// A transaction that may change partitions, with short waits for locks; only one at a time. `None` if another node has one.
pub(super) async fn begin(store: &Postgres) -> Result<Option<Transaction<'static, Db>>> {
    let mut transaction = store.begin_house().await?;
    run(&mut transaction, &format!("SET LOCAL lock_timeout = '{LOCK_TIMEOUT}ms'")).await.map_err(from_sqlx)?;
    let row = sqlx::query("SELECT pg_try_advisory_xact_lock(hashtextextended('ringback partitions ' || $1, 0))")
        .persistent(false)
        .bind(store.schema())
        .fetch_one(&mut *transaction)
        .await
        .map_err(from_sqlx)?;
    Ok(rows::get::<bool, _>(&row, 0)?.then_some(transaction))
}

/// Runs statements that are made of Ringback's own names and ids.
pub(crate) async fn run(connection: &mut PgConnection, statements: &str) -> std::result::Result<(), sqlx::Error> {
    connection.execute(AssertSqlSafe(statements.to_owned())).await?;
    Ok(())
}

/// The result of a change of partitions; `None` if a table was in use for longer than [`LOCK_TIMEOUT`].
pub(super) fn unless_in_use<T>(answer: std::result::Result<T, sqlx::Error>) -> Result<Option<T>> {
    const LOCK_NOT_AVAILABLE: &str = "55P03";
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(LOCK_NOT_AVAILABLE) => Ok(None),
        Err(error) => Err(from_sqlx(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retention_is_cut_into_few_partitions_of_at_least_a_day() {
        let kept = |days: u64| Retention { events: Duration::from_secs(days * 86_400), ..Retention::default() };
        assert_eq!(EVENTS.period(&kept(1)), Duration::from_secs(86_400));
        assert_eq!(EVENTS.period(&kept(480)), Duration::from_secs(10 * 86_400));
        assert_eq!(EVENTS.retention(&kept(480)).as_secs() / EVENTS.period(&kept(480)).as_secs(), 48);
    }

    #[test]
    fn boundaries_lie_on_whole_hours() {
        let hour = Timestamp::from_micros(1_000 * HOUR);
        assert_eq!(time_of(boundary(hour)), hour);
        assert_eq!(time_of(boundary(hour + Duration::from_micros(1))), hour + Duration::from_secs(3_600));
        assert_eq!(name("event", boundary(hour)), "event_3600000000");
    }
}

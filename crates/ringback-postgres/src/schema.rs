//! The schema: its name, its migrations, and the record of which have run.
//!
//! The record is the table `migration` in the schema; the host's `_sqlx_migrations` is never touched. Processes that
//! migrate at once take turns on an advisory lock keyed by the schema's name.

use ringback::store::{self, Error, Result};
use ringback_migrations::{Migration, POSTGRES};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

use crate::{error::from_sqlx, sql::render};

/// The default name of Ringback's schema.
pub const DEFAULT_SCHEMA: &str = "ringback";

/// Longest identifier that PostgreSQL does not cut off, in bytes.
const NAME_BYTES_MAX: usize = 63;

/// Refuses a name that could not stand unquoted in every statement: `[a-z_][a-z0-9_]{0,62}`, not `pg_…`.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let first = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let rest = |byte: u8| first(byte) || byte.is_ascii_digit();
    let fits = name.len() <= NAME_BYTES_MAX
        && name.bytes().next().is_some_and(first)
        && name.bytes().all(rest)
        && !name.starts_with("pg_");
    if fits {
        return Ok(());
    }
    Err(Error::Schema(format!(
        "the schema's name must be 1 to {NAME_BYTES_MAX} of the characters a-z 0-9 _, not begin with a digit or pg_, \
         and not be {name:?}"
    )))
}

/// Brings the schema up to date, if it is not.
pub(crate) async fn migrate(connection: &mut PgConnection, schema: &str) -> Result<()> {
    check_server(connection).await?;
    let mut transaction = connection.begin().await.map_err(from_sqlx)?;
    // No limits while waiting for another process that migrates, and for long migrations. Waiting for locks on tables is
    // limited below: emits would queue behind this transaction while it waits.
    transaction.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0").await.map_err(from_sqlx)?;
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('ringback migrate ' || $1, 0))")
        .bind(schema)
        .execute(&mut *transaction)
        .await
        .map_err(from_sqlx)?;
    transaction.execute("SET LOCAL lock_timeout = '4s'").await.map_err(from_sqlx)?;
    transaction.execute(render(MEMORY, schema)).await.map_err(from_sqlx)?;
    let done = applied(&mut transaction, schema).await?;
    check_history(&done, schema)?;
    for step in &POSTGRES[done.len()..] {
        tracing::info!("migration {} ({}) begins", step.number, step.name);
        transaction.execute(AssertSqlSafe(step.sql(schema))).await.map_err(|error| failed(step, error))?;
        remember(&mut transaction, schema, step).await?;
    }
    transaction.commit().await.map_err(from_sqlx)
}

/// Whether the schema is the one that this program was built with.
pub(crate) async fn check(connection: &mut PgConnection, schema: &str) -> Result<()> {
    let done = match applied(connection, schema).await {
        Err(Error::Schema(_)) => Vec::new(),
        other => other?,
    };
    check_history(&done, schema)?;
    if done.len() < POSTGRES.len() {
        return Err(Error::Schema(format!(
            "the schema {schema} is at version {} and this program needs {}: run `ringback migrate`",
            done.len(),
            POSTGRES.len()
        )));
    }
    Ok(())
}

/// Creates the schema, unless an administrator has created it, and the table of migrations.
pub(crate) const MEMORY: &str = "DO $$
BEGIN
    IF to_regnamespace('{schema}') IS NULL THEN
        CREATE SCHEMA {schema};
    END IF;
END
$$;
CREATE TABLE IF NOT EXISTS {schema}.migration (
    number integer NOT NULL PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)";

async fn check_server(connection: &mut PgConnection) -> Result<()> {
    let row = sqlx::query("SELECT current_setting('server_version_num')::integer, current_setting('server_encoding')")
        .fetch_one(connection)
        .await
        .map_err(from_sqlx)?;
    let version: i32 = row.try_get(0).map_err(from_sqlx)?;
    let encoding: String = row.try_get(1).map_err(from_sqlx)?;
    if version < 150_000 {
        return Err(Error::Schema(format!("PostgreSQL 15 or later is needed; this is {}", version / 10_000)));
    }
    if encoding != "UTF8" {
        return Err(Error::Schema(format!("the database's encoding must be UTF8; it is {encoding}")));
    }
    Ok(())
}

async fn applied(connection: &mut PgConnection, schema: &str) -> Result<Vec<(i32, String)>> {
    let rows = sqlx::query(render("SELECT number, checksum FROM {schema}.migration ORDER BY number", schema))
        .persistent(false)
        .fetch_all(connection)
        .await
        .map_err(from_sqlx)?;
    rows.iter().map(|row| Ok((row.try_get(0).map_err(from_sqlx)?, row.try_get(1).map_err(from_sqlx)?))).collect()
}

/// The migrations that have run must be the first ones of this program, unchanged.
fn check_history(done: &[(i32, String)], schema: &str) -> Result<()> {
    if done.len() > POSTGRES.len() {
        return Err(Error::Schema(format!(
            "the schema {schema} is at version {} and this program knows only {}: it is older than the schema",
            done.len(),
            POSTGRES.len()
        )));
    }
    for ((number, checksum), step) in done.iter().zip(POSTGRES) {
        if *number != step.number || *checksum != step.checksum() {
            return Err(Error::Schema(format!(
                "migration {} ({}) of the schema {schema} was run with another content",
                step.number, step.name
            )));
        }
    }
    Ok(())
}

async fn remember(connection: &mut PgConnection, schema: &str, step: &Migration) -> Result<()> {
    sqlx::query(render("INSERT INTO {schema}.migration (number, name, checksum) VALUES ($1, $2, $3)", schema))
        .persistent(false)
        .bind(step.number)
        .bind(step.name)
        .bind(step.checksum())
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
    Ok(())
}

fn failed(step: &Migration, error: sqlx::Error) -> store::Error {
    match from_sqlx(error) {
        away @ (Error::Unavailable(_) | Error::Locked(_) | Error::ReadOnly(_) | Error::Full(_)) => away,
        other => Error::Schema(format!("migration {} ({}) failed: {other}", step.number, step.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_become_schemas() {
        for good in ["ringback", "_r2", "a"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        let long = "a".repeat(64);
        for bad in ["", "1a", "Ringback", "a-b", "a\"b", "pg_ringback", "a.b", "ü", &long] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_changed_or_unknown_migration_is_refused() {
        let known: Vec<_> = POSTGRES.iter().map(|step| (step.number, step.checksum())).collect();
        assert!(check_history(&known, "ringback").is_ok());
        let changed = vec![(1, "other".to_owned())];
        assert!(check_history(&changed, "ringback").is_err());
        let mut newer = known;
        newer.push((i32::MAX, String::new()));
        assert!(check_history(&newer, "ringback").is_err());
    }
}

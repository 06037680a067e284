//! What PostgreSQL wrote: from its own account of the log between two positions.
//!
//! Full-page images follow from when the last checkpoint was, not from what was asked for, so they are counted apart.

use sqlx::{Connection as _, PgConnection, Row as _};

use crate::failure::{Result, While as _};

/// What was written to the log in between.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Written {
    /// Records, without the full-page images in them, in bytes.
    pub(crate) bytes: f64,
    /// Full-page images, in bytes.
    pub(crate) images: f64,
    /// Commits that wrote: each waits for the disk, alone or with others.
    pub(crate) commits: f64,
}

/// A position in the log.
#[derive(Debug, Clone)]
pub(crate) struct Position(String);

/// Where the log ends now.
pub(crate) async fn position(connection: &mut PgConnection) -> Result<Position> {
    let position = sqlx::query("SELECT pg_current_wal_flush_lsn()::text").fetch_one(connection).await?;
    Ok(Position(position.try_get(0)?))
}

/// What was written between two positions. `None` where the server does not tell: the extension `pg_walinspect` is
/// missing or not allowed, or the log of that time is gone.
pub(crate) async fn between(url: &str, from: &Position, to: &Position) -> Option<Written> {
    let told = read(url, from, to).await.during("reading PostgreSQL's log");
    told.map_err(|failure| eprintln!("  not told: {failure}")).ok()
}

async fn read(url: &str, from: &Position, to: &Position) -> Result<Written> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query("SET client_min_messages = error").execute(&mut connection).await?;
    sqlx::query("CREATE EXTENSION IF NOT EXISTS pg_walinspect").execute(&mut connection).await?;
    let row = sqlx::query(
        r#"SELECT coalesce(sum(record_size), 0)::float8, coalesce(sum(fpi_size), 0)::float8,
                  coalesce(sum(count) FILTER (WHERE "resource_manager/record_type" = 'Transaction/COMMIT'), 0)::float8
           FROM pg_get_wal_stats($1::pg_lsn, $2::pg_lsn, true)"#,
    )
    .bind(&from.0)
    .bind(&to.0)
    .fetch_one(&mut connection)
    .await?;
    Ok(Written { bytes: row.try_get(0)?, images: row.try_get(1)?, commits: row.try_get(2)? })
}

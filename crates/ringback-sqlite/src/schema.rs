//! Bringing the file's schema up to date, and checking that it is.
//!
//! Ringback records in a table of its own which migrations have run: the host's `_sqlx_migrations` is never touched.

use std::{path::Path, sync::Arc};

use ringback::store::{Error, Result};
use ringback_migrations::{Migration, SQLITE};
use sqlx::{Executor as _, Row as _, SqliteConnection};

use crate::{Sqlite, error::file_error, read::now};

/// A migration that has run.
struct Applied {
    number: i32,
    checksum: String,
}

impl Sqlite {
    /// Runs the migrations that have not run yet, all in one transaction. Safe to call at every start.
    ///
    /// # Errors
    /// [`Error::Schema`] if the file is from a later program, or a migration that has run has changed since.
    pub async fn migrate(&self) -> Result<()> {
        let options = Arc::clone(&self.options);
        self.write(move |tx| Box::pin(async move { migrate(tx, &options.path).await })).await
    }

    /// Whether the file has exactly the schema that this program needs.
    ///
    /// # Errors
    /// [`Error::Schema`] if it has not.
    pub async fn check_schema(&self) -> Result<()> {
        let mut snapshot = self.snapshot().await?;
        let tables: i64 = sqlx::query_scalar(sql!("schema/count_migration_table"))
            .fetch_one(&mut *snapshot)
            .await
            .map_err(|error| self.error(error))?;
        if tables == 0 {
            return Err(Error::Schema("the database has no schema yet: run `ringback migrate`".to_owned()));
        }
        if let Some(next) = missing(&applied(&mut snapshot).await.map_err(|error| self.error(error))?)?.first() {
            return Err(Error::Schema(format!(
                "the database lacks migration {} ({}): run `ringback migrate`",
                next.number, next.name
            )));
        }
        Ok(())
    }
}

async fn migrate(tx: &mut SqliteConnection, file: &Path) -> Result<()> {
    let told = |error| file_error(file, error);
    tx.execute(sql!("schema/create_migration_table")).await.map_err(told)?;
    for migration in missing(&applied(tx).await.map_err(told)?)? {
        tracing::info!("migration {} ({}) begins", migration.number, migration.name);
        let text = sqlx::AssertSqlSafe(migration.sql(""));
        sqlx::raw_sql(text).execute(&mut *tx).await.map_err(told)?;
        sqlx::query(sql!("schema/insert_migration"))
            .bind(migration.number)
            .bind(migration.name)
            .bind(migration.checksum())
            .bind(now())
            .execute(&mut *tx)
            .await
            .map_err(told)?;
    }
    Ok(())
}

async fn applied(connection: &mut SqliteConnection) -> sqlx::Result<Vec<Applied>> {
    let rows = sqlx::query(sql!("schema/read_migrations")).fetch_all(connection).await?;
    let read = |row: &sqlx::sqlite::SqliteRow| {
        Ok(Applied { number: row.try_get("number")?, checksum: row.try_get("checksum")? })
    };
    rows.iter().map(read).collect()
}

/// The migrations of this program that have not run, after checking that those that have run are its first ones, unchanged.
fn missing(applied: &[Applied]) -> Result<&'static [Migration]> {
    for (index, step) in applied.iter().enumerate() {
        let Some(ours) = SQLITE.get(index).filter(|ours| ours.number == step.number) else {
            return Err(Error::Schema(format!(
                "the database has migration {}, which this program does not know: it is from a later version",
                step.number
            )));
        };
        if ours.checksum() != step.checksum {
            return Err(Error::Schema(format!(
                "migration {} ({}) was another one when it ran on this database",
                ours.number, ours.name
            )));
        }
    }
    Ok(&SQLITE[applied.len()..])
}

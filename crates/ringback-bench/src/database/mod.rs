//! A fresh database for each scenario, filled and questioned past Ringback.

mod fill;
mod history;

use std::{path::PathBuf, time::Duration};

use serde::Serialize;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

pub(crate) use self::{fill::To, history::DEAD_EACH};
use crate::{
    failure::{Failure, Result, While as _},
    process::{cluster::Cluster, node},
};

/// Which store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Store {
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
}

impl Store {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        }
    }
}

/// A migrated database; [`Database::remove`] removes it.
pub(crate) struct Database {
    store: Store,
    url: String,
    /// Holds the SQLite file; for PostgreSQL only a place to run in.
    folder: TempDir,
    /// The server's own database and the name of this one.
    server: Option<(String, String)>,
}

/// A connection to it.
pub(crate) enum Session {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Database {
    /// A fresh one.
    pub(crate) async fn fresh(store: Store, cluster: Option<&Cluster>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("ringback-bench-").tempdir()?;
        let database = match (store, cluster) {
            (Store::Sqlite, _) => {
                let url = format!("sqlite://{}", folder.path().join("ringback.db").display());
                Self { store, url, folder, server: None }
            }
            (Store::Postgres, None) => return Err(Failure::new("there is no PostgreSQL server")),
            (Store::Postgres, Some(cluster)) => {
                let name = format!("ringback_bench_{}_{}", std::process::id(), crate::measure::clock::monotonic_ns());
                let mut connection = PgConnection::connect(&cluster.url).await?;
                sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
                let (server, _) =
                    cluster.url.rsplit_once('/').ok_or_else(|| Failure::new("a URL without a database"))?;
                Self { store, url: format!("{server}/{name}"), folder, server: Some((cluster.url.clone(), name)) }
            }
        };
        node::once(&database, &["migrate"]).await?;
        Ok(database)
    }

    pub(crate) const fn store(&self) -> Store {
        self.store
    }

    /// What `RINGBACK_DATABASE_URL` is set to.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Where its processes run.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// A connection of the platform's own.
    pub(crate) async fn session(&self) -> Result<Session> {
        Ok(match self.store {
            Store::Postgres => Session::Postgres(PgConnection::connect(&self.url).await?),
            Store::Sqlite => {
                let options = SqliteConnectOptions::new()
                    .filename(self.folder.path().join("ringback.db"))
                    .busy_timeout(Duration::from_secs(60))
                    .pragma("synchronous", "FULL");
                Session::Sqlite(SqliteConnection::connect_with(&options).await?)
            }
        })
    }

    /// The name of one of Ringback's tables.
    pub(crate) fn table(&self, name: &str) -> String {
        match self.store {
            Store::Postgres => format!("ringback.{name}"),
            Store::Sqlite => format!("ringback_{name}"),
        }
    }

    /// Removes it.
    pub(crate) async fn remove(mut self) -> Result<()> {
        match self.server.take() {
            Some((server, name)) => remove(server, name).await,
            None => Ok(()),
        }
    }
}

/// What fails leaves nothing behind on a server that goes on running.
impl Drop for Database {
    fn drop(&mut self) {
        let Some((server, name)) = self.server.take() else { return };
        // Dropping cannot wait for a future.
        let gone = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(remove(server, name))
        });
        if !matches!(gone.join(), Ok(Ok(()))) {
            eprintln!("a database of the benchmarks was left behind");
        }
    }
}

async fn remove(server: String, name: String) -> Result<()> {
    let mut connection = PgConnection::connect(&server).await?;
    let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await?;
    Ok(())
}

impl Session {
    /// Waits for everything to be written down and measured from here: what was filled in is no longer news.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        match self {
            Self::Postgres(connection) => {
                for statement in ["VACUUM ANALYZE", "CHECKPOINT"] {
                    sqlx::query(statement).execute(&mut *connection).await.during(statement)?;
                }
            }
            Self::Sqlite(connection) => {
                sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(connection).await?;
            }
        }
        Ok(())
    }

    /// One whole number.
    pub(crate) async fn number(&mut self, statement: String) -> Result<i64> {
        let text = statement.clone();
        let statement = AssertSqlSafe(statement);
        let number: Option<i64> = match self {
            Self::Postgres(connection) => {
                sqlx::query(statement).fetch_one(connection).await.during(&text)?.try_get(0)?
            }
            Self::Sqlite(connection) => sqlx::query(statement).fetch_one(connection).await.during(&text)?.try_get(0)?,
        };
        Ok(number.unwrap_or(0))
    }

    /// Executes something that answers nothing.
    pub(crate) async fn execute(&mut self, statement: String) -> Result<()> {
        let begin: String = statement.trim_start().chars().take(40).collect();
        let statement = AssertSqlSafe(statement);
        match self {
            Self::Postgres(connection) => sqlx::query(statement).execute(connection).await.map(|_| ()),
            Self::Sqlite(connection) => sqlx::query(statement).execute(connection).await.map(|_| ()),
        }
        .during(&begin)
    }

    /// The connection, if it is one to PostgreSQL.
    pub(crate) fn postgres(&mut self) -> Option<&mut PgConnection> {
        match self {
            Self::Postgres(connection) => Some(connection),
            Self::Sqlite(_) => None,
        }
    }
}

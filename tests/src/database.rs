//! A fresh database that goes away with its test.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use ringback::event::NewEvent;
use sqlx::{
    ConnectOptions as _, Connection as _, Row as _,
    postgres::PgConnection,
    sqlite::{SqliteConnectOptions, SqliteConnection},
};
use tempfile::TempDir;

use crate::{cluster::Cluster, stores::Store, until::BOUND};

#[path = "../../crates/ringback-postgres/tests/fresh/template.rs"]
mod template;

/// One database of its own. On PostgreSQL it is a copy of one that was migrated for all tests, and knows no event; SQLite's
/// is empty until a server or command migrates it.
pub struct Database {
    store: Store,
    /// What `RINGBACK_DATABASE_URL` is set to.
    url: String,
    /// Holds the SQLite file, its key and its token; for PostgreSQL only a place to run in.
    folder: TempDir,
    /// What is to be dropped on the tests' server when the test ends.
    postgres_name: Option<String>,
}

/// Why an event could not be emitted past Ringback. It may have been emitted nevertheless.
pub type NotEmitted = Box<dyn std::error::Error + Send + Sync>;

impl Database {
    /// That of a PostgreSQL cluster which goes away with it.
    #[must_use]
    pub fn of(cluster: &Cluster) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { store: Store::Postgres, url: cluster.url(), folder, postgres_name: None }
    }

    /// A fresh file of SQLite in a folder below this one.
    #[must_use]
    pub fn below(folder: &Path) -> Self {
        let folder = TempDir::new_in(folder).expect("a temporary folder");
        let url = format!("sqlite://{}", folder.path().join("ringback.db").display());
        Self { store: Store::Sqlite, url, folder, postgres_name: None }
    }

    /// A fresh one.
    ///
    /// # Panics
    /// When there is no server to make it on: that is a broken set-up, never a reason to skip a test.
    pub async fn fresh(store: Store) -> Self {
        match store {
            Store::Sqlite => Self::below(&std::env::temp_dir()),
            Store::Postgres => {
                let (url, name) = new_one();
                template::copy(&server_url(), &name).await;
                Self::called(url, name)
            }
        }
    }

    /// A fresh one that nobody has migrated: for tests of migrating.
    ///
    /// # Panics
    /// As [`Database::fresh`].
    pub async fn bare(store: Store) -> Self {
        match store {
            Store::Sqlite => Self::fresh(store).await,
            Store::Postgres => {
                let (url, name) = new_one();
                let mut connection = PgConnection::connect(&server_url()).await.expect("the test server answers");
                sqlx::query(sqlx::AssertSqlSafe(format!("create database {name}")))
                    .execute(&mut connection)
                    .await
                    .expect("its user is a superuser");
                Self::called(url, name)
            }
        }
    }

    fn called(url: String, name: String) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { store: Store::Postgres, url, folder, postgres_name: Some(name) }
    }

    /// Its kind.
    #[must_use]
    pub const fn store(&self) -> Store {
        self.store
    }

    /// What `RINGBACK_DATABASE_URL` is set to.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// An empty folder of this test, where its processes run.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// A connection of the platform's own, as a caller of `ringback.emit` has one.
    pub async fn postgres(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.expect("the test database answers")
    }

    /// A connection to the same server that does not depend on this database.
    pub async fn another_database(&self) -> PgConnection {
        PgConnection::connect(&server_url()).await.expect("the test server answers")
    }

    /// A connection of the platform's own to the shared file. It waits for its turn to write as long as tests wait for
    /// anything: a machine that runs many of them at once writes slowly.
    pub async fn sqlite(&self) -> SqliteConnection {
        self.sqlite_options().connect().await.expect("the test database opens")
    }

    fn sqlite_options(&self) -> SqliteConnectOptions {
        self.url.parse::<SqliteConnectOptions>().expect("a URL of SQLite").busy_timeout(BOUND)
    }

    /// Emits in a transaction of the platform's own, with Rust's `emit` of the store; returns the event's id.
    pub async fn emit(&self, event: &NewEvent) -> String {
        self.try_emit(event).await.expect("emitted")
    }

    /// As [`Database::emit`], where the database may be away.
    ///
    /// # Errors
    /// What the database or the way to it says.
    pub async fn try_emit(&self, event: &NewEvent) -> Result<String, NotEmitted> {
        Ok(match self.store {
            Store::Postgres => {
                let mut connection = PgConnection::connect(&self.url).await?;
                ringback_postgres::emit(&mut connection, event).await?.to_string()
            }
            Store::Sqlite => {
                let mut connection = self.sqlite_options().connect().await?;
                ringback_sqlite::emit(&mut connection, event).await?.to_string()
            }
        })
    }

    /// The ids, or other bytes, in one of Ringback's tables as hex, read past Ringback.
    ///
    /// `table` is the name without the schema or prefix that a store puts before it.
    pub async fn ids(&self, table: &str, column: &str) -> Vec<String> {
        match self.store {
            Store::Postgres => {
                let column = format!("replace(replace({column}::text, '-', ''), '\\x', '')");
                let statement = format!("select {column} from ringback.{table}");
                let rows = sqlx::query(sqlx::AssertSqlSafe(statement)).fetch_all(&mut self.postgres().await).await;
                rows.expect("the table is there").iter().map(|row| row.get(0)).collect()
            }
            Store::Sqlite => {
                let statement = format!("select lower(hex({column})) from ringback_{table}");
                let rows = sqlx::query(sqlx::AssertSqlSafe(statement)).fetch_all(&mut self.sqlite().await).await;
                rows.expect("the table is there").iter().map(|row| row.get(0)).collect()
            }
        }
    }

    /// Changes rows of one of Ringback's tables past Ringback, as an accident would.
    ///
    /// `table` is the name without the schema or prefix that a store puts before it; `change` is what follows the name
    /// in an UPDATE.
    ///
    /// # Panics
    /// When the database refuses it, or no row changes.
    pub async fn tamper(&self, table: &str, change: &str) {
        let rows = match self.store {
            Store::Postgres => {
                let statement = sqlx::AssertSqlSafe(format!("update ringback.{table} {change}"));
                sqlx::query(statement).execute(&mut self.postgres().await).await.map(|done| done.rows_affected())
            }
            Store::Sqlite => {
                let statement = sqlx::AssertSqlSafe(format!("update ringback_{table} {change}"));
                sqlx::query(statement).execute(&mut self.sqlite().await).await.map(|done| done.rows_affected())
            }
        };
        assert!(rows.expect("the database takes it") > 0, "no row: {change}");
    }

    /// Garbles all pages of a SQLite database but the first, which says that it is one, while it is in use.
    ///
    /// # Panics
    /// When it is none, or its log cannot be cut.
    pub async fn garble(&self) {
        const PAGE: u64 = 8_192;
        assert_eq!(self.store, Store::Sqlite);
        let cut = sqlx::query("pragma wal_checkpoint(truncate)").fetch_one(&mut self.sqlite().await).await;
        assert_eq!(cut.expect("it answers").get::<i64, _>(0), 0, "nobody reads from the log");
        let file = std::fs::File::options().write(true).open(self.folder.path().join("ringback.db"));
        let file = file.expect("it is ours");
        for page in 1..file.metadata().expect("it is there").len() / PAGE {
            std::os::unix::fs::FileExt::write_all_at(&file, &[0xa5; PAGE as usize], page * PAGE).expect("it is ours");
        }
    }

    /// Sets the clock of a PostgreSQL database by `offset`, such as `- interval '1 day'`, to what the true one shows: it is
    /// a function of Ringback's schema.
    ///
    /// # Panics
    /// When the schema is not there.
    pub async fn set_clock(&self, offset: &str) {
        let statement = format!(
            "create or replace function ringback.clock() returns bigint language sql volatile parallel safe
             return (extract(epoch from clock_timestamp() {offset}) * 1000000)::bigint"
        );
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut self.postgres().await).await.expect("it is set");
    }

    /// Bytes as this database's SQL writes them.
    #[must_use]
    pub fn literal(&self, hex: &str) -> String {
        match self.store {
            Store::Postgres => format!("'\\x{hex}'"),
            Store::Sqlite => format!("x'{hex}'"),
        }
    }

    /// An id of the API in this database's SQL.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn id_literal(&self, id: &str) -> String {
        let (_, hex) = id.split_once('_').expect("a prefix and 32 digits");
        match self.store {
            Store::Postgres => format!("'{hex}'"),
            Store::Sqlite => format!("x'{hex}'"),
        }
    }

    /// Everything that is stored, as text and as the bytes of the files: what a thief of the database would hold.
    pub async fn dump(&self) -> Vec<u8> {
        match self.store {
            Store::Sqlite => {
                let mut all = Vec::new();
                for name in ["ringback.db", "ringback.db-wal"] {
                    all.extend(std::fs::read(self.folder.path().join(name)).unwrap_or_default());
                }
                all
            }
            Store::Postgres => {
                let mut connection = self.postgres().await;
                let tables = sqlx::query(
                    "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = 'ringback'",
                );
                let tables = tables.fetch_all(&mut connection).await.expect("a list of tables");
                let mut all = String::new();
                for table in tables {
                    let statement = format!("select t::text from {} t", table.get::<String, _>(0));
                    let rows = sqlx::query(sqlx::AssertSqlSafe(statement)).fetch_all(&mut connection).await;
                    for row in rows.expect("a table") {
                        writeln!(all, "{}", row.get::<String, _>(0)).expect("a string takes everything");
                    }
                }
                all.into_bytes()
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some(name) = self.postgres_name.take() else { return };
        // Dropping cannot wait for a future, and the test's own runtime may be on its way out.
        let gone = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&server_url()).await?;
                let statement = format!("drop database if exists {name} with (force)");
                sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await?;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            })
        });
        if !matches!(gone.join(), Ok(Ok(()))) {
            eprintln!("a test database was left behind");
        }
    }
}

/// The URL and the name of a database that nobody has made on the tests' server yet.
fn new_one() -> (String, String) {
    let name = format!("ringback_test_{}", uuid::Uuid::new_v4().simple());
    let server = server_url();
    let (server, _) = server.rsplit_once('/').expect("it ends with the name of a database");
    (format!("{server}/{name}"), name)
}

/// The server that tests create databases on, as a superuser.
///
/// # Panics
/// When none is named.
#[must_use]
pub fn server_url() -> String {
    std::env::var("RINGBACK_TEST_POSTGRES_URL")
        .expect("RINGBACK_TEST_POSTGRES_URL names a PostgreSQL server; tests/run brings one up")
}

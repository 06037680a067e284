//! Opening the file: how every connection is set up, and what the store holds.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use ringback::store::{Error, Result};
use sqlx::{
    ConnectOptions as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{error::store_error, leases::Ownership, upkeep::Round, write::Writer};

/// The first SQLite without the WAL-reset bug, which could corrupt a file that two processes use.
const VERSION_MIN: (u32, u32, u32) = (3, 51, 3);

/// Bytes of a page of a new file: two-kilobyte payloads and attempts fit without overflow pages.
const PAGE_SIZE: u32 = 8192;

/// Pages in the log before a commit copies them into the file: 32 MiB.
const CHECKPOINT_PAGES: &str = "4000";

/// Bytes that the log is cut back to after a checkpoint.
const LOG_BYTES_KEPT: &str = "67108864";

/// The writer's page cache, in KiB (negative: as SQLite wants it).
const WRITER_CACHE: &str = "-16384";

/// Prepared statements kept per connection: more than there are.
const STATEMENTS_KEPT: usize = 256;

/// Connections that only read. Reads are short, and two cores do not serve more.
const READERS: u32 = 4;

/// Where the database is and how patient to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// The database file; created if missing.
    pub path: PathBuf,
    /// How long a commit waits for another process that is writing; 5 s unless set.
    pub busy_timeout: Duration,
}

impl Options {
    /// The defaults for this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), busy_timeout: Duration::from_secs(5) }
    }
}

impl From<&Path> for Options {
    fn from(path: &Path) -> Self {
        Self::new(path)
    }
}

impl From<PathBuf> for Options {
    fn from(path: PathBuf) -> Self {
        Self::new(path)
    }
}

impl From<&str> for Options {
    /// A path, or `sqlite://relative/path`, or `sqlite:///absolute/path`.
    fn from(text: &str) -> Self {
        let path = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:")).unwrap_or(text);
        Self::new(path)
    }
}

/// The store. Clones share everything; the writer ends when the last one is dropped.
#[derive(Clone)]
pub struct Sqlite {
    pub(crate) writer: Writer,
    pub(crate) readers: SqlitePool,
    pub(crate) ownership: Arc<Ownership>,
    pub(crate) round: Arc<Mutex<Round>>,
}

impl Sqlite {
    /// Opens the file, creating it if it is missing. The schema is [`Sqlite::migrate`]'s work.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the file cannot be opened, [`Error::Schema`] for a SQLite older than 3.51.3,
    /// [`Error::Corrupt`] for a file that is no database.
    pub async fn open(options: impl Into<Options>) -> Result<Self> {
        let options = options.into();
        let mut connection = connect_writer(&options).await.map_err(store_error)?;
        assert_version(&mut connection).await?;
        Ok(Self {
            writer: Writer::start(connection, options.clone()),
            readers: readers(&options),
            ownership: Arc::new(Ownership::beside(&options.path)),
            round: Arc::default(),
        })
    }
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sqlite").finish_non_exhaustive()
    }
}

/// The one connection that writes. `secure_delete` is off but while a payload is expunged.
pub(crate) async fn connect_writer(options: &Options) -> sqlx::Result<SqliteConnection> {
    connect_options(options)
        .create_if_missing(true)
        .page_size(PAGE_SIZE)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("journal_size_limit", LOG_BYTES_KEPT)
        .pragma("cache_size", WRITER_CACHE)
        .pragma("secure_delete", "OFF")
        .connect()
        .await
}

fn readers(options: &Options) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .test_before_acquire(false)
        .connect_lazy_with(connect_options(options).pragma("query_only", "ON"))
}

/// What all connections share. Memory-mapping stays off: a truncated file would be a signal, not an error.
fn connect_options(options: &Options) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(&options.path)
        .busy_timeout(options.busy_timeout)
        .statement_cache_capacity(STATEMENTS_KEPT)
        .row_buffer_size(ROWS_BUFFERED)
        .pragma("mmap_size", "0")
        .disable_statement_logging()
}

/// Rows between SQLite's thread and the task that reads them.
const ROWS_BUFFERED: usize = 512;

async fn assert_version(connection: &mut SqliteConnection) -> Result<()> {
    let version: String =
        sqlx::query_scalar("SELECT sqlite_version()").fetch_one(connection).await.map_err(store_error)?;
    if is_new_enough(&version) {
        return Ok(());
    }
    let (major, minor, patch) = VERSION_MIN;
    Err(Error::Schema(format!("SQLite {version} is linked; {major}.{minor}.{patch} or later is needed")))
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next()) >= VERSION_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_with_the_log_reset_bug_is_refused() {
        assert!(!is_new_enough("3.46.0"));
        assert!(!is_new_enough("3.51.2"));
        assert!(is_new_enough("3.51.3"));
        assert!(is_new_enough("3.100.0"));
    }

    #[test]
    fn urls_and_paths_name_the_same_files() {
        assert_eq!(Options::from("sqlite://ringback.db").path, Path::new("ringback.db"));
        assert_eq!(Options::from("sqlite:///var/ringback.db").path, Path::new("/var/ringback.db"));
        assert_eq!(Options::from("ringback.db").path, Path::new("ringback.db"));
    }
}

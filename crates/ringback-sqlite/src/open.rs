//! Opening the file: how every connection is set up, and what the store consists of.

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

use crate::{
    backup::folder,
    error::{file_error, store_error},
    file::{Missing, make_if_missing},
    leases::Ownership,
    presence::{Files, Identity},
    upkeep::Round,
    write::Writer,
};

/// The first SQLite without the WAL-reset bug, which could corrupt a file that two processes use.
const VERSION_MIN: (u32, u32, u32) = (3, 51, 3);

/// Page size of a new file, in bytes: payloads of two kilobytes, and attempts, fit without overflow pages.
const PAGE_SIZE: u32 = 8192;

/// Pages in the log before a commit copies them into the file: 32 MiB.
const CHECKPOINT_PAGES: &str = "4000";

/// The size that the log is cut back to after a checkpoint, in bytes.
const LOG_BYTES_KEPT: &str = "67108864";

/// The writer's page cache, in KiB (negative: as SQLite wants it).
const WRITER_CACHE: &str = "-16384";

/// Prepared statements kept per connection: more than there are.
const STATEMENTS_KEPT: usize = 256;

/// Connections that only read. Reads are short, and the few cores that SQLite is used on serve no more at once.
const READERS: u32 = 4;

/// Where the database is and how patient to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// The database file. If it is created, only its owner may read it.
    pub path: PathBuf,
    /// How long a commit waits for another process that is writing; 5 s unless set.
    pub busy_timeout: Duration,
    /// When a missing file is created.
    pub missing: Missing,
}

impl Options {
    /// The defaults for this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), busy_timeout: Duration::from_secs(5), missing: Missing::default() }
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

/// The store. Clones share everything. [`Sqlite::close`] ends it in an orderly way; without that, the writer ends when the
/// last clone is dropped.
#[derive(Clone)]
pub struct Sqlite {
    pub(crate) options: Arc<Options>,
    pub(crate) writer: Writer,
    pub(crate) readers: SqlitePool,
    pub(crate) files: Arc<Files>,
    pub(crate) ownership: Arc<Ownership>,
    pub(crate) round: Arc<Mutex<Round>>,
}

impl Sqlite {
    /// Opens the file, and creates a missing one if [`Options::missing`] says so. [`Sqlite::migrate`] creates the schema.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the file cannot be opened, [`Error::Schema`] for a SQLite older than 3.51.3,
    /// [`Error::Damaged`] for a file that is damaged, or no database.
    pub async fn open(options: impl Into<Options>) -> Result<Self> {
        let options = options.into();
        make_if_missing(&options)?;
        let identity = Identity::of(&options.path).map_err(|error| Error::Unavailable(error.into()))?;
        let mut connection = connect_writer(&options).await.map_err(|error| not_opened(&options.path, error))?;
        assert_version(&mut connection).await?;
        let files = Arc::new(Files::of(&options.path, identity)?);
        Ok(Self {
            writer: Writer::start(connection, options.clone(), Arc::clone(&files)),
            readers: readers(&options),
            ownership: Arc::new(Ownership::beside(&options.path, Arc::clone(&files))),
            files,
            options: Arc::new(options),
            round: Arc::default(),
        })
    }
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sqlite").finish_non_exhaustive()
    }
}

/// Where SQLite cannot make the log beside the file, it only says that it cannot open the file: finds out whether nobody can
/// make a file there.
fn not_opened(path: &Path, error: sqlx::Error) -> Error {
    let made = tempfile::Builder::new().prefix(".ringback-").tempfile_in(folder(path));
    match (file_error(path, error), made) {
        (Error::Unavailable(_), Err(why)) => {
            Error::ReadOnly(format!("{}: nothing can be written beside it: {why}", path.display()).into())
        }
        (error, _) => error,
    }
}

/// The one connection that writes. It has read once, so that the log's file exists. With `secure_delete` SQLite overwrites
/// with zeros what it deletes or moves to another page: data that is erased later must not leave a copy behind. The cost is
/// too small to be measured.
pub(crate) async fn connect_writer(options: &Options) -> sqlx::Result<SqliteConnection> {
    let mut connection = connect_options(options)
        .page_size(PAGE_SIZE)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("journal_size_limit", LOG_BYTES_KEPT)
        .pragma("cache_size", WRITER_CACHE)
        .pragma("secure_delete", "ON")
        .connect()
        .await?;
    sqlx::query("SELECT count(*) FROM sqlite_schema").execute(&mut connection).await?;
    Ok(connection)
}

fn readers(options: &Options) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .test_before_acquire(false)
        .connect_lazy_with(connect_options(options).pragma("query_only", "ON"))
}

/// Options of all connections. Memory-mapping stays off: a truncated file would then raise a signal, not an error.
pub(crate) fn connect_options(options: &Options) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(&options.path)
        .busy_timeout(options.busy_timeout)
        .statement_cache_capacity(STATEMENTS_KEPT)
        .row_buffer_size(ROWS_BUFFERED)
        .pragma("mmap_size", "0")
        .disable_statement_logging()
}

/// Rows that are buffered between SQLite's thread and the task that reads them.
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

    async fn answers(connection: &mut SqliteConnection, pragmas: &[&str]) -> Vec<(String, String)> {
        let mut answers = Vec::new();
        for pragma in pragmas {
            let query = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}")));
            let row = query.fetch_one(&mut *connection).await.unwrap();
            answers.push(((*pragma).to_owned(), sqlx::Row::get(&row, 0)));
        }
        answers
    }

    /// With any of them changed most tests would pass: a power cut, an erased page or a truncated file is none of theirs.
    #[tokio::test]
    async fn connections_are_set_up_as_promised() {
        let promised = |list: &[(&str, &str)]| -> Vec<(String, String)> {
            list.iter().map(|(pragma, value)| ((*pragma).to_owned(), (*value).to_owned())).collect()
        };
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(folder.path().join("r.db")).await.unwrap();
        let writer = [
            ("journal_mode", "wal"),
            ("synchronous", "2"),
            ("secure_delete", "1"),
            ("foreign_keys", "1"),
            ("page_size", "8192"),
            ("journal_size_limit", "67108864"),
            ("query_only", "0"),
        ];
        let names = writer.map(|(name, _)| name);
        let asked = store.apply(move |tx| Box::pin(async move { Ok(answers(tx, &names).await) })).await.unwrap();
        assert_eq!(asked, promised(&writer));
        // These have no function of that name, and are asked outside of a transaction.
        let mut connection = connect_writer(&store.options).await.unwrap();
        for (pragma, value) in [("wal_autocheckpoint", 4000), ("mmap_size", 0), ("busy_timeout", 5000)] {
            let query = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(format!("PRAGMA {pragma}")));
            assert_eq!(query.fetch_one(&mut connection).await.unwrap(), value, "{pragma}");
        }
        let reader = [("journal_mode", "wal"), ("query_only", "1"), ("foreign_keys", "1")];
        let mut snapshot = store.snapshot().await.unwrap();
        assert_eq!(answers(&mut snapshot, &reader.map(|(name, _)| name)).await, promised(&reader));
    }

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

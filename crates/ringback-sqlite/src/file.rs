//! The database's file and those beside it: who may read them, and when a missing one is created.

use std::{
    ffi::OsStr,
    fs::{File, OpenOptions},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use ringback::store::{Error, Result};

use crate::Options;

/// Files that show that there was a database: the key that sealed its secrets, the lock of the process that sends, and after
/// an unclean stop the log.
const TRACES: [&str; 3] = [".key", ".lock", "-wal"];

/// When a missing database file is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// Unless its key, lock or log shows that there was one: then it was moved or lost, and a new one would hide that.
    #[default]
    MakeIfNew,
    /// Always.
    Make,
    /// Never.
    Refuse,
}

/// Why a missing file was not created.
#[derive(Debug, thiserror::Error)]
enum NotMade {
    #[error(
        "there is no database {}, but {} is there, so there was one: put it back, or say that a new one is meant (`--create`)",
        database.display(), trace.display()
    )]
    WasThere { database: PathBuf, trace: PathBuf },
    #[error("there is no database {}", .0.display())]
    Absent(PathBuf),
    #[error("the database {} cannot be made: {error}", path.display())]
    Io { path: PathBuf, error: std::io::Error },
}

impl Options {
    /// A file beside a missing database which shows that there was one.
    #[must_use]
    pub fn trace(&self) -> Option<PathBuf> {
        let mut traces = TRACES.iter().map(|ending| beside(&self.path, ending));
        if self.path.exists() { None } else { traces.find(|trace| trace.exists()) }
    }
}

/// `ringback.db` and `.key` make `ringback.db.key`.
pub(crate) fn beside(database: &Path, ending: impl AsRef<OsStr>) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The database's own path, if `database` is a link to it. The lock is named by it, as SQLite names the log: processes that
/// open the database by different names must use the same lock.
pub(crate) fn real(database: &Path) -> PathBuf {
    database.canonicalize().unwrap_or_else(|_| database.to_owned())
}

/// Creates the database's file if it is missing and may be created: empty, for its owner alone. SQLite gives the log and the
/// shared memory beside it the same mode.
pub(crate) fn make_if_missing(options: &Options) -> Result<()> {
    if options.path.exists() {
        return Ok(());
    }
    let path = options.path.clone();
    let refused = match (options.missing, options.trace()) {
        (Missing::Refuse, _) => NotMade::Absent(path),
        (Missing::MakeIfNew, Some(trace)) => NotMade::WasThere { database: path, trace },
        (Missing::MakeIfNew | Missing::Make, _) => match private().create_new(true).open(&path) {
            // `AlreadyExists`: another process was faster, which is fine.
            Err(error) if error.kind() != ErrorKind::AlreadyExists => NotMade::Io { path, error },
            _ => return Ok(()),
        },
    };
    Err(Error::Unavailable(Box::new(refused)))
}

/// Opens a lock file, and creates it if it is missing.
pub(crate) fn open_lock(path: &Path) -> std::io::Result<File> {
    private().create(true).truncate(false).open(path)
}

/// Options that create files for their owner alone, whatever the umask.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sqlite;

    #[tokio::test]
    async fn a_database_that_was_there_is_not_made_anew() {
        for ending in TRACES {
            let folder = tempfile::tempdir().unwrap();
            let options = Options::new(folder.path().join("r.db"));
            let trace = beside(&options.path, ending);
            std::fs::write(&trace, "").unwrap();
            let refused = Sqlite::open(options.clone()).await.unwrap_err().to_string();
            assert!(refused.contains(trace.to_str().unwrap()) && refused.contains("--create"), "{refused}");
            assert!(!options.path.exists());
            let meant = Options { missing: Missing::Make, ..options.clone() };
            Sqlite::open(meant).await.unwrap().migrate().await.unwrap();
            Sqlite::open(options).await.unwrap().check_schema().await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_missing_database_is_not_made_where_it_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { missing: Missing::Refuse, ..Options::new(folder.path().join("r.db")) };
        assert!(Sqlite::open(options.clone()).await.is_err());
        assert!(!options.path.exists());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_holds_data_is_for_its_owner_alone() {
        use std::{os::unix::fs::PermissionsExt as _, time::Duration};

        use ringback::store::Leases as _;
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(folder.path().join("r.db")).await.unwrap();
        store.migrate().await.unwrap();
        store.register_node(Duration::from_secs(12)).await.unwrap();
        let mut seen = Vec::new();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
            seen.push(entry.file_name().into_string().unwrap());
        }
        seen.sort();
        assert_eq!(seen, ["r.db", "r.db-shm", "r.db-wal", "r.db.lock"]);
    }
}

//! Whether the database's files are still those that were opened.
//!
//! A file that was removed or replaced still exists for the process that has it open, but nobody finds what that process
//! writes then. So the writer checks the files before it answers a commit, and a read once its transaction has begun.
//! Once a file was found gone, this store fails for good, since its readers may have opened other files meanwhile.

use std::{
    fs::{File, Metadata},
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use ringback::store::{Error, Result};

use crate::{
    Sqlite,
    file::{beside, real},
};

/// Between checks of [`Sqlite::until_gone`].
const PAUSE: Duration = Duration::from_millis(250);

/// Identifies a file, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// The identity of the file that has this name now.
    pub(crate) fn of(path: &Path) -> std::io::Result<Self> {
        std::fs::metadata(path).map(|metadata| Self::from(&metadata))
    }

    /// The identity of an open file.
    pub(crate) fn of_open(file: &File) -> std::io::Result<Self> {
        file.metadata().map(|metadata| Self::from(&metadata))
    }
}

impl From<&Metadata> for Identity {
    #[cfg(unix)]
    fn from(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self { device: metadata.dev(), inode: metadata.ino() }
    }

    /// On other systems an open file cannot be removed or replaced, so all identities are equal.
    #[cfg(not(unix))]
    fn from(_: &Metadata) -> Self {
        Self { device: 0, inode: 0 }
    }
}

/// A file that must stay where it is.
#[derive(Debug)]
struct Opened {
    path: PathBuf,
    identity: Identity,
}

/// The files of one store, as they were when it was opened.
#[derive(Debug)]
pub(crate) struct Files {
    database: Opened,
    beside: Vec<Opened>,
    /// The lock of the process that sends, while it is this one.
    lock: Mutex<Option<Opened>>,
    gone: OnceLock<String>,
    closed: AtomicBool,
}

impl Files {
    /// The files of a database. At least one connection must be open and have read, so that the log and the shared memory
    /// exist. `identity` is the database's, from before any connection opened it.
    pub(crate) fn of(database: &Path, identity: Identity) -> Result<Self> {
        let real = real(database);
        let beside = ["-wal", "-shm"].map(|ending| beside(&real, ending));
        let beside =
            beside.into_iter().filter_map(|path| Identity::of(&path).ok().map(|identity| Opened { path, identity }));
        let database = Opened { path: database.to_owned(), identity };
        let files = Self {
            database,
            beside: beside.collect(),
            lock: Mutex::default(),
            gone: OnceLock::new(),
            closed: AtomicBool::new(false),
        };
        files.check().map(|()| files)
    }

    /// From now on the lock is checked, too.
    pub(crate) fn keep_lock(&self, path: &Path, identity: Identity) {
        *self.lock.lock() = Some(Opened { path: path.to_owned(), identity });
    }

    /// The lock was released: it is checked no longer.
    pub(crate) fn forget_lock(&self) {
        *self.lock.lock() = None;
    }

    /// Checks that all files are where they were.
    ///
    /// # Errors
    /// [`Error::Gone`], which names the first file that is not, now or at any time before.
    pub(crate) fn check(&self) -> Result<()> {
        if self.gone.get().is_none() && !self.closed.load(Ordering::Acquire) {
            let lock = self.lock.lock();
            let all = std::iter::once(&self.database).chain(&self.beside).chain(lock.as_ref());
            if let Some(why) = all.filter_map(Opened::missed).next() {
                tracing::error!("{why}");
                // Fails if another thread has set it first.
                let _ = self.gone.set(why);
            }
        }
        self.gone.get().map_or(Ok(()), |why| Err(Error::Gone(why.clone())))
    }

    /// From now on no file is checked: the store closes, which removes its log.
    pub(crate) fn let_go(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether connections may be closed. The last one that is closed makes SQLite remove the log by its name, unless the
    /// database was moved. By now a log of that name may belong to another database.
    pub(crate) fn may_close(&self) -> bool {
        self.beside.iter().all(|file| Identity::of(&file.path).map_or(true, |now| now == file.identity))
    }
}

impl Opened {
    /// The error text if the file is no longer there.
    fn missed(&self) -> Option<String> {
        let path = self.path.display();
        let what = match Identity::of(&self.path) {
            Ok(identity) if identity == self.identity => return None,
            Ok(_) => "replaced by another file",
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => "removed",
            // The file cannot be examined, so nothing is known about it.
            Err(_) => return None,
        };
        Some(format!(
            "{path} was {what} while it was in use: nothing is written any more, what is there must be opened anew"
        ))
    }
}

impl Sqlite {
    /// Returns once a file of the database was removed or replaced, with [`Error::Gone`] that names it. From then on every
    /// call returns the same error. It checks a few times a second.
    pub async fn until_gone(&self) -> Error {
        loop {
            if let Err(gone) = self.files.check() {
                return gone;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

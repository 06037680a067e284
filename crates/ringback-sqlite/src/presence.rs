//! Whether the database's files are still those that were opened.
//!
//! A file that was removed or replaced lives on for the process that has it open. Whatever that process writes then is
//! found by nobody, so the writer looks before it answers a commit, and a read looks once its transaction has begun.
//! What was once found gone stays gone for this store: readers may have opened other files meanwhile.

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

/// Between looks of [`Sqlite::until_gone`].
const PAUSE: Duration = Duration::from_millis(250);

/// Which file it is, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// Of the file that has this name now.
    pub(crate) fn of(path: &Path) -> std::io::Result<Self> {
        std::fs::metadata(path).map(|metadata| Self::from(&metadata))
    }

    /// Of a file that is open.
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

    /// Elsewhere the system does not let go of the name of a file that is open.
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
    /// Those of a database of which at least one connection is open and has read: then the log and the shared memory are
    /// there. `identity` was the database's before anything opened it.
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

    /// From now on the lock must stay, too.
    pub(crate) fn keep_lock(&self, path: &Path, identity: Identity) {
        *self.lock.lock() = Some(Opened { path: path.to_owned(), identity });
    }

    /// The lock was given back.
    pub(crate) fn forget_lock(&self) {
        *self.lock.lock() = None;
    }

    /// Looks whether all are where they were.
    ///
    /// # Errors
    /// [`Error::Gone`] naming the first that is not, now or at any time before.
    pub(crate) fn check(&self) -> Result<()> {
        if self.gone.get().is_none() && !self.closed.load(Ordering::Acquire) {
            let lock = self.lock.lock();
            let all = std::iter::once(&self.database).chain(&self.beside).chain(lock.as_ref());
            if let Some(why) = all.filter_map(Opened::missed).next() {
                tracing::error!("{why}");
                // Another thread may have seen it first.
                let _ = self.gone.set(why);
            }
        }
        self.gone.get().map_or(Ok(()), |why| Err(Error::Gone(why.clone())))
    }

    /// From now on nothing is looked for: the store closes, and its log goes.
    pub(crate) fn let_go(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether the connection may be closed. The last one to be closed removes the log by its name, unless the database has
    /// moved. The log of that name may by now be another one.
    pub(crate) fn may_close(&self) -> bool {
        self.beside.iter().all(|file| Identity::of(&file.path).map_or(true, |now| now == file.identity))
    }
}

impl Opened {
    /// What to say if it is no longer there.
    fn missed(&self) -> Option<String> {
        let path = self.path.display();
        let what = match Identity::of(&self.path) {
            Ok(identity) if identity == self.identity => return None,
            Ok(_) => "replaced by another file",
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => "removed",
            // It cannot be looked at, which says nothing about it.
            Err(_) => return None,
        };
        Some(format!(
            "{path} was {what} while it was in use: nothing is written any more, what is there must be opened anew"
        ))
    }
}

impl Sqlite {
    /// Returns once a file of the database was removed or replaced, with [`Error::Gone`] that names it. From then on every
    /// call is answered with the same error. It looks a few times a second.
    pub async fn until_gone(&self) -> Error {
        loop {
            if let Err(gone) = self.files.check() {
                return gone;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

//! Whether the database's files are still those that were opened.
//!
//! A file that was removed or replaced still exists for the process that has it open, but nobody finds what that process
//! writes then. So the writer checks the files before it answers a commit, and a read once its transaction has begun.
//! Once a file was found gone, this store fails for good, since its readers may have opened other files meanwhile.
//!
//! What `contents.rs` finds in a file that is still there is checked by [`Sqlite::until_gone`] alone.

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
    contents::Contents,
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
    /// The database's file holds another database.
    overwritten: AtomicBool,
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
            overwritten: AtomicBool::new(false),
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

    /// The database's file holds another database: from now on everything fails with the error that is returned.
    fn overwritten(&self) -> Error {
        self.overwritten.store(true, Ordering::Release);
        let why = self.gone.get_or_init(|| {
            let path = self.database.path.display();
            let why = format!(
                "{path} was overwritten by another database, or by an earlier copy of this one, while it was in use: nothing is \
                 written any more, and part of what this process wrote may be in it; stop every process that uses it and put \
                 the other database there once more"
            );
            tracing::error!("{why}");
            why
        });
        Error::Gone(why.clone())
    }

    /// Puts the log of a database that was overwritten aside: whoever opens the other database would copy it into that.
    pub(crate) fn put_log_aside(&self) {
        if !self.overwritten.load(Ordering::Acquire) {
            return;
        }
        for Opened { path, .. } in &self.beside {
            let aside = beside(path, ".overwritten");
            match std::fs::rename(path, &aside) {
                Ok(()) => {
                    tracing::warn!("what belonged to the database that was overwritten is {} now", aside.display())
                }
                Err(error) => {
                    tracing::error!(%error, "{} belongs to the database that was overwritten", path.display())
                }
            }
        }
    }

    /// From now on no file is checked: the store closes, which removes its log.
    pub(crate) fn let_go(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether connections may be closed, and the log copied into the database's file. The last one that is closed makes SQLite remove the log by its name, unless the
    /// database was moved. By now a log of that name may belong to another database.
    pub(crate) fn may_close(&self) -> bool {
        let is_overwritten = self.overwritten.load(Ordering::Acquire);
        !is_overwritten
            && self.beside.iter().all(|file| Identity::of(&file.path).map_or(true, |now| now == file.identity))
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
    /// Returns once a file of the database was removed or replaced, or the database's file was overwritten by another
    /// database, with [`Error::Gone`] that names it. From then on every call returns the same error. It checks a few times a
    /// second; that a file was overwritten is found by this alone.
    pub async fn until_gone(&self) -> Error {
        let mut contents = Contents::of(&self.options.path);
        loop {
            if let Err(gone) = self.files.check() {
                return gone;
            }
            if contents.are_others(self).await {
                return self.files.overwritten();
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

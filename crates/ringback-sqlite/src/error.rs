//! Turns SQLite's errors into the store's.
//!
//! Inside this crate everything fails with [`sqlx::Error`]; the crate's methods apply [`Sqlite::error`] before they return,
//! which names the file if the file is at fault. [`store_error`] does the same for a caller's connection, without the file.

use std::{
    error::Error as StdError,
    fmt,
    path::{Path, PathBuf},
};

use ringback::store::Error;

use crate::Sqlite;

/// Primary result codes (the low byte of an extended one) that may not occur when the call is made again:
/// BUSY, LOCKED, NOMEM, INTERRUPT, IOERR, CANTOPEN, PROTOCOL, SCHEMA.
const PASSING: [i32; 8] = [5, 6, 7, 9, 10, 14, 15, 17];

/// READONLY: the file, its folder or its file system takes no writes.
const READ_ONLY: i32 = 8;

/// FULL: the disk, or the most pages that the file may have.
const FULL: i32 = 13;

/// Primary result codes of a file that is damaged or no database: CORRUPT, NOTADB.
const DAMAGED: [i32; 2] = [11, 26];

/// Extended result codes of a write that the system refused: IOERR's WRITE, FSYNC, DIR_FSYNC, TRUNCATE, DELETE and SHMSIZE. A
/// file that was made immutable, a file system that was mounted anew for reading, a quota, and a limit of the process say so
/// first; only a connection that is opened later says READONLY. What is in the file is in order.
const NOT_WRITTEN: [i32; 6] = [778, 1034, 1290, 1546, 2570, 4874];

/// Extended result codes of a disk that does not give back what was written: IOERR itself, and its READ, SHORT_READ, FSTAT,
/// DATA, CORRUPTFS and IN_PAGE. All others are about memory, locks and names, and pass.
const DISK_FAILS: [i32; 7] = [10, 266, 522, 1802, 8202, 8458, 8714];

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No known fault: the same call may succeed later.
    Passing,
    ReadOnly,
    /// The system refused a write, and SQLite does not know why.
    NotWritten,
    Full,
    /// What is in the file cannot be read as it should.
    Damaged,
    /// A stored value cannot be read, in a file that is in order.
    Unreadable,
    /// The caller's data.
    Data,
}

impl Fault {
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(_) => code(error).map_or(Self::Data, Self::of_code),
            sqlx::Error::Encode(_) => Self::Data,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::RowNotFound => Self::Unreadable,
            _ => Self::Passing,
        }
    }

    /// By an extended result code.
    fn of_code(code: i32) -> Self {
        match primary(code) {
            READ_ONLY => Self::ReadOnly,
            FULL => Self::Full,
            _ if NOT_WRITTEN.contains(&code) => Self::NotWritten,
            _ if DISK_FAILS.contains(&code) => Self::Damaged,
            primary if DAMAGED.contains(&primary) => Self::Damaged,
            primary if PASSING.contains(&primary) => Self::Passing,
            _ => Self::Data,
        }
    }

    /// The store's error for this fault, with `why` as its source.
    pub(crate) fn told(self, why: Box<dyn StdError + Send + Sync>) -> Error {
        match self {
            Self::Passing => Error::Unavailable(why),
            Self::ReadOnly | Self::NotWritten => Error::ReadOnly(why),
            Self::Full => Error::Full(why),
            Self::Damaged => Error::Damaged(why),
            Self::Unreadable => Error::corrupt(why),
            Self::Data => Error::Refused(why),
        }
    }

    /// What to do, where SQLite's own words do not say it.
    const fn hint(self) -> &'static str {
        match self {
            Self::ReadOnly => " (the file, its folder or its file system is read-only: make it writable again)",
            Self::NotWritten => {
                " (the file cannot be written: see that its file system is not mounted read-only, that its permissions and \
                 attributes allow it, that it is within quotas and limits, and that its disk is in order)"
            }
            _ => "",
        }
    }
}

/// An error, and the file it is about.
#[derive(Debug)]
struct InFile {
    path: PathBuf,
    error: sqlx::Error,
}

impl fmt::Display for InFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", told(&self.path, &self.error))
    }
}

/// An error in words: which file it is about, and what to do.
pub(crate) fn told(path: &Path, error: &sqlx::Error) -> String {
    format!("{}: {error}{}", path.display(), Fault::of(error).hint())
}

impl StdError for InFile {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.error)
    }
}

impl Sqlite {
    /// The store's error for a failure on this store's own connections.
    pub(crate) fn error(&self, error: sqlx::Error) -> Error {
        file_error(&self.options.path, error)
    }
}

/// The store's error for a failure on this file.
pub(crate) fn file_error(path: &Path, error: sqlx::Error) -> Error {
    match Fault::of(&error) {
        Fault::Data => Error::Refused(error.into()),
        fault => fault.told(Box::new(InFile { path: path.to_owned(), error })),
    }
}

/// The store's error for a failure, without the file's name.
pub(crate) fn store_error(error: sqlx::Error) -> Error {
    Fault::of(&error).told(error.into())
}

/// Whether another process holds the file, so that the connection itself is in order.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(code(error).map(primary), Some(5 | 6))
}

/// The error for a stored value that no version of this program writes.
pub(crate) fn corrupt(what: impl Into<Box<dyn StdError + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(what.into())
}

fn code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

const fn primary(code: i32) -> i32 {
    code & 0xff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_code_is_somebodys_fault() {
        for (fault, codes) in [
            // BUSY, BUSY_SNAPSHOT, LOCKED, NOMEM, INTERRUPT, IOERR_NOMEM, IOERR_LOCK, IOERR_SHMLOCK, CANTOPEN, PROTOCOL, SCHEMA.
            (Fault::Passing, &[5, 517, 6, 7, 9, 3082, 3850, 5130, 14, 15, 17][..]),
            // READONLY, READONLY_DIRECTORY.
            (Fault::ReadOnly, &[8, 1544]),
            (Fault::Full, &[13]),
            // IOERR_WRITE, IOERR_FSYNC, IOERR_DIR_FSYNC, IOERR_TRUNCATE, IOERR_DELETE, IOERR_SHMSIZE.
            (Fault::NotWritten, &[778, 1034, 1290, 1546, 2570, 4874]),
            // CORRUPT, CORRUPT_INDEX, NOTADB, IOERR, IOERR_READ, IOERR_SHORT_READ, IOERR_FSTAT, IOERR_DATA, IOERR_CORRUPTFS.
            (Fault::Damaged, &[11, 779, 26, 10, 266, 522, 1802, 8202, 8458]),
            // ERROR, TOOBIG, CONSTRAINT_UNIQUE, MISMATCH.
            (Fault::Data, &[1, 18, 2067, 20]),
        ] {
            for &code in codes {
                assert_eq!(Fault::of_code(code), fault, "{code}");
            }
        }
    }
}

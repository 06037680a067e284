//! Whether the database's file still holds the database that was opened. `cp other.db ringback.db` leaves the file where it is
//! and replaces what is in it: SQLite does not notice, and would copy the log of the one database into the other.
//!
//! The file itself changes only when a log is copied into it. Then its format stays, the counter in its header never falls,
//! the first migration ran when it ran, and the number of the last event and the version of the configuration never fall. So a
//! backup is found by its format (it was written without a log), another database by its first migration, and an earlier state
//! of the same database by its counter, which rises when a process adds the first page to the file, or by those numbers.
//!
//! What is compared is the file without its log, with what it was at an earlier look: between two of them the log may have been
//! copied and the file overwritten. Not found is a copy of the bare file since which, as far as the log was copied into the
//! file, no event was accepted and nothing was configured, released or erased: there are only outcomes of attempts to lose then,
//! and those deliveries are sent again. Nor is anything found that happened while no server ran.

use std::{
    fs::File,
    mem::ManuallyDrop,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::Sqlite;

/// Bytes of the header of a database file.
const HEADER: usize = 100;

/// Its first bytes: what the file is, the size of its pages, and whether it is written with a log.
const FORMAT: usize = 20;

/// Where the counter is, most significant byte first.
const COUNTER: std::ops::Range<usize> = 24..28;

/// Looks in a row that must find another database: a log may be on its way into the file during one of them.
const LOOKS: u32 = 4;

/// Between those.
const PAUSE: Duration = Duration::from_millis(20);

/// What is known of the contents of a file.
pub(crate) struct Contents {
    path: PathBuf,
    /// Never closed: by POSIX closing a file releases all locks that the process has on it, those of its connections included.
    file: Option<ManuallyDrop<File>>,
    header: Option<Header>,
    /// When the file was last written to, as far as it was looked into.
    written_at: Option<SystemTime>,
    /// When the first migration ran, in the microseconds that are stored.
    first_ran_at: Option<i64>,
    /// The numbers in the file that never fall, the greatest that were seen.
    rising: Option<Rising>,
}

/// Numbers that stand in the file itself, without its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rising {
    /// The number of the last event.
    event: i64,
    /// The version of the configuration.
    configuration: i64,
}

impl Rising {
    fn has_fallen_behind(&self, earlier: &Self) -> bool {
        self.event < earlier.event || self.configuration < earlier.configuration
    }
}

/// What stands in the file itself, without its log.
struct InFile {
    first_ran_at: Option<i64>,
    rising: Option<Rising>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header([u8; HEADER]);

/// How a header compares with an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
    Same,
    /// As when a log was copied into the file.
    Later,
    /// Of another database, or an earlier state of this one.
    Other,
}

impl Header {
    /// `None` for a file that is not even as long as that.
    fn read(file: &File) -> Option<Self> {
        let mut bytes = [0; HEADER];
        #[cfg(unix)]
        std::os::unix::fs::FileExt::read_exact_at(file, &mut bytes, 0).ok()?;
        Some(Self(bytes))
    }

    fn counter(&self) -> u32 {
        self.0[COUNTER].iter().fold(0, |counter, byte| counter << 8 | u32::from(*byte))
    }

    fn compare(&self, earlier: &Self) -> Compared {
        if self == earlier {
            return Compared::Same;
        }
        let has_fallen = self.counter().wrapping_sub(earlier.counter()) > u32::MAX / 2;
        match has_fallen || self.0[..FORMAT] != earlier.0[..FORMAT] {
            true => Compared::Other,
            false => Compared::Later,
        }
    }
}

impl Contents {
    /// Those of the file that has this name now.
    pub(crate) fn of(path: &Path) -> Self {
        let file = File::open(path).ok().map(ManuallyDrop::new);
        Self { path: path.to_owned(), file, header: None, written_at: None, first_ran_at: None, rising: None }
    }

    /// Whether the file holds another database by now. The first call says what it is to hold.
    pub(crate) async fn are_others(&mut self, store: &Sqlite) -> bool {
        for _ in 0..LOOKS {
            if !self.seem_others(store).await {
                return false;
            }
            tokio::time::sleep(PAUSE).await;
        }
        true
    }

    async fn seem_others(&mut self, store: &Sqlite) -> bool {
        let Some(file) = &self.file else { return false };
        // Asked before the file is read: what is written later is looked into the next time.
        let written_at = file.metadata().and_then(|metadata| metadata.modified()).ok();
        let header = Header::read(file);
        let compared = match (&self.header, &header) {
            (Some(earlier), Some(now)) => now.compare(earlier),
            // It was cut.
            (Some(_), None) => Compared::Other,
            (None, _) => Compared::Later,
        };
        match compared {
            Compared::Same if written_at == self.written_at => return false,
            Compared::Other => return true,
            Compared::Same | Compared::Later => {}
        }
        if self.first_ran_at.is_none()
            && let Ok(mut snapshot) = store.snapshot().await
        {
            self.first_ran_at = first_ran_at(&mut snapshot).await;
        }
        let InFile { first_ran_at, rising } = self.in_file().await;
        if self.first_ran_at.is_some() && first_ran_at.is_some() && first_ran_at != self.first_ran_at {
            return true;
        }
        if let (Some(earlier), Some(now)) = (&self.rising, &rising)
            && now.has_fallen_behind(earlier)
        {
            return true;
        }
        (self.header, self.written_at, self.rising) = (header, written_at, rising.or(self.rising));
        false
    }

    /// What cannot be told is left out, as while a log is copied into the file.
    async fn in_file(&self) -> InFile {
        let options = SqliteConnectOptions::new().filename(&self.path).read_only(true).immutable(true);
        let Ok(mut connection) = options.disable_statement_logging().connect().await else {
            return InFile { first_ran_at: None, rising: None };
        };
        let first_ran_at = first_ran_at(&mut connection).await;
        let rising = rising(&mut connection).await;
        // An error is of no interest: the connection has only read.
        let _ = connection.close().await;
        InFile { first_ran_at, rising }
    }
}

async fn first_ran_at(connection: &mut SqliteConnection) -> Option<i64> {
    sqlx::query_scalar(sql!("schema/read_first_migration")).fetch_optional(connection).await.ok().flatten()
}

async fn rising(connection: &mut SqliteConnection) -> Option<Rising> {
    let row = sqlx::query(sql!("schema/read_rising")).fetch_optional(connection).await.ok().flatten()?;
    Some(Rising { event: row.try_get("event").ok()?, configuration: row.try_get("configuration").ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(format: u8, counter: u32, pages: u8) -> Header {
        let mut bytes = [0; HEADER];
        bytes[18] = format;
        bytes[COUNTER].copy_from_slice(&counter.to_be_bytes());
        bytes[31] = pages;
        Header(bytes)
    }

    #[test]
    fn a_header_becomes_later_and_never_earlier_or_of_another_format() {
        let before = header(2, 7, 10);
        for (now, compared) in [
            (before, Compared::Same),
            (header(2, 7, 11), Compared::Later),
            (header(2, 8, 3), Compared::Later),
            (header(2, 6, 10), Compared::Other),
            (header(1, 8, 10), Compared::Other),
        ] {
            assert_eq!(now.compare(&before), compared, "{now:?}");
        }
        assert_eq!(header(2, 0, 10).compare(&header(2, u32::MAX, 10)), Compared::Later, "the counter begins anew");
    }
}

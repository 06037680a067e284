//! The write-ahead log may still have erased pages as they were before: it is copied into the file and cut to nothing.

use std::time::Duration;

use ringback::store::{Error, Result};

use crate::Sqlite;

/// Tries before the call fails: a backup, or a long read of another process, may be reading from the log.
const TRIES: u32 = 20;

/// Between tries.
const PAUSE: Duration = Duration::from_millis(100);

/// Why erased bytes may still be beside the database file.
#[derive(Debug, thiserror::Error)]
#[error("erased from the tables, but the log beside the file is in use and still holds it; ask again")]
struct LogInUse;

impl Sqlite {
    /// Returns once the log has nothing of what was committed before this call.
    pub(super) async fn cut_log(&self) -> Result<()> {
        for _ in 0..TRIES {
            if self.writer.cut_log().await?.map_err(|error| self.error(error))? {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(Error::Unavailable(Box::new(LogInUse)))
    }
}

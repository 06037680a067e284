//! How a SQLite file is set up, as another program finds it that opens the file, such as a host application that emits.

use std::path::Path;

use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};

use super::Finding;

/// Nothing if there is no file that can be opened: `check-config`'s look says so.
pub(super) async fn check(path: &Path) -> Vec<Finding> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).disable_statement_logging();
    let Ok(mut connection) = options.connect().await else { return Vec::new() };
    match sqlx::query_scalar::<_, String>("PRAGMA journal_mode").fetch_one(&mut connection).await {
        Ok(mode) => vec![journal(&mode)],
        Err(error) => vec![Finding::warning(Some("database"), format!("its journal_mode cannot be read: {error}"))],
    }
}

/// Ringback asks for a write-ahead log whenever it opens a file. That it has none is the doing of the file system.
fn journal(mode: &str) -> Finding {
    if mode == "wal" {
        let told =
            "SQLite with journal_mode wal; Ringback commits with synchronous FULL, as hosts that emit into it should";
        return Finding::fine("database", told);
    }
    let told = format!("SQLite with journal_mode {mode} instead of wal: readers and writers wait for each other");
    Finding::warning(Some("database"), told)
        .remedy("put the file on a local disk, since a network file system has no wal")
}

#[cfg(test)]
mod tests {
    use super::{super::Severity, *};

    #[test]
    fn a_file_without_a_write_ahead_log_is_told() {
        assert_eq!((journal("wal").severity, journal("delete").severity), (Severity::Fine, Severity::Warning));
    }
}

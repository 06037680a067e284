//! Backup: a copy of the whole database as of one moment, made while others write.

use std::{fs::File, io::ErrorKind, path::Path};

use ringback::store::{Error, Result};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::NamedTempFile;

use crate::{Sqlite, open::connect_options};

/// Why no copy was made.
#[derive(Debug, thiserror::Error)]
enum NotCopied {
    #[error("{0} is there already, and a backup overwrites nothing")]
    IsThere(String),
    #[error("SQLite takes only UTF-8 text for the name of a file, which {0} is not")]
    IsNoText(String),
    #[error("{path} cannot be written: {error}")]
    Io { path: String, error: std::io::Error },
}

impl Sqlite {
    /// Copies the database into the new file `to`, readable by its owner alone. The copy has every transaction that was
    /// answered before this call. Others go on writing meanwhile, and the write-ahead log grows until the copy is made.
    /// Returns how many bytes the copy has.
    ///
    /// The copy is a database of its own without a log. The key that sealed its secrets is not in it: keep both, apart.
    ///
    /// # Errors
    /// [`Error::Refused`] if `to` exists; [`Error::Unavailable`] if it cannot be written. Then nothing is left behind.
    pub async fn backup(&self, to: &Path) -> Result<u64> {
        self.files.check()?;
        if to.exists() {
            return Err(is_there(to));
        }
        // Under a temporary name until it is complete. SQLite fills an empty file without changing its mode.
        let copy = tempfile::Builder::new().prefix(".ringback-backup-").tempfile_in(folder(to)).map_err(io(to))?;
        self.copy_into(copy.path()).await?;
        self.files.check()?;
        let to = to.to_owned();
        let kept = tokio::task::spawn_blocking(move || keep(copy, &to)).await;
        kept.map_err(|error| Error::Unavailable(error.into()))?
    }

    async fn copy_into(&self, path: &Path) -> Result<()> {
        let path =
            path.to_str().ok_or_else(|| Error::Refused(Box::new(NotCopied::IsNoText(path.display().to_string()))))?;
        let mut connection = connect_options(&self.options).connect().await.map_err(|error| self.error(error))?;
        let copied = sqlx::query(sql!("schema/copy_database")).bind(path).execute(&mut connection).await;
        // An error is of no interest: this connection has only read.
        let _ = connection.close().await;
        copied.map(drop).map_err(|error| self.error(error))
    }
}

/// Writes the copy to the disk, then gives it its name.
fn keep(copy: NamedTempFile, to: &Path) -> Result<u64> {
    copy.as_file().sync_all().map_err(io(to))?;
    let bytes = copy.as_file().metadata().map_err(io(to))?.len();
    copy.persist_noclobber(to).map_err(|failed| match failed.error {
        error if error.kind() == ErrorKind::AlreadyExists => is_there(to),
        error => io(to)(error),
    })?;
    // Syncs the folder, so that the name survives a power cut, too.
    File::open(folder(to)).and_then(|folder| folder.sync_all()).map_err(io(to))?;
    Ok(bytes)
}

/// The folder that a file lies in.
pub(crate) fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn is_there(to: &Path) -> Error {
    Error::Refused(Box::new(NotCopied::IsThere(to.display().to_string())))
}

fn io(to: &Path) -> impl Fn(std::io::Error) -> Error {
    move |error| Error::Unavailable(Box::new(NotCopied::Io { path: to.display().to_string(), error }))
}

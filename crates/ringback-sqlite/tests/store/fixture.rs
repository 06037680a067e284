//! A migrated file in a folder of its own.

use std::path::PathBuf;

use ringback_sqlite::Sqlite;
use tempfile::TempDir;

/// A store and the folder that its file lies in.
pub(crate) struct Fixture {
    pub(crate) store: Sqlite,
    pub(crate) folder: TempDir,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Sqlite::open(folder.path().join("ringback.db")).await.unwrap();
        store.migrate().await.unwrap();
        Self { store, folder }
    }

    /// Another handle on the same file, as another process has it.
    pub(crate) async fn another(&self) -> Sqlite {
        Sqlite::open(self.path()).await.unwrap()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("ringback.db")
    }

    /// The database or a file beside it: `beside("-wal")`.
    pub(crate) fn beside(&self, ending: &str) -> PathBuf {
        self.folder.path().join(format!("ringback.db{ending}"))
    }

    /// The names of all files, in order.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs a statement on the connection that writes.
    pub(crate) async fn execute(&self, statement: impl Into<String>) -> ringback::store::Result<()> {
        let statement = statement.into();
        let written = self.store.write(move |tx| {
            Box::pin(async move {
                let done = sqlx::query(sqlx::AssertSqlSafe(statement)).execute(tx).await;
                done.map(drop).map_err(|error| ringback::store::Error::Refused(error.into()))
            })
        });
        written.await
    }
}

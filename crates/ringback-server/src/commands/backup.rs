//! `ringback backup`: copies a SQLite database while others use it.

use std::path::{Path, PathBuf};

use ringback::store;
use ringback_sqlite::Missing;
use serde_json::json;

use crate::{
    configuration::{Configuration, DatabaseUrl, StoreFlags},
    failure::{Failure, Result},
    print, secrets, stores,
};

/// Copy the SQLite database into a new file while it is in use
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback backup /backups/ringback-$(date +%F).db
  ringback backup copy.db --json

Every event that was accepted before the command began is in the copy. The server and its callers
go on meanwhile. The copy is readable by its owner alone, and a file that exists is not overwritten.
The master key is not in it: keep a copy of the key as well, in another place.
To restore: stop the server, put the copy in the place of the database, remove the files with -wal
and -shm at the end of their names beside it, and start the server with the same key.
With PostgreSQL use its own tools: pg_dump, or pg_basebackup with archived logs.")]
pub(crate) struct Backup {
    /// The file to create
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Print what was created as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    flags: StoreFlags,
}

impl Backup {
    /// Copies, and tells what else must be kept.
    pub(crate) async fn run(self) -> Result<()> {
        let configuration = Configuration::load(&self.flags.0)?;
        let bytes = match &configuration.database_url {
            DatabaseUrl::Sqlite(database) => copy(database, &self.file).await?,
            DatabaseUrl::Postgres(_) => return Err(Failure::usage(POSTGRES)),
        };
        let (file, key_file) = (self.file.display(), secrets::key_file(&configuration));
        if self.json {
            print::line(json!({"file": self.file, "bytes": bytes, "key_file": key_file}).to_string());
            return Ok(());
        }
        print::line(format!("{file} is a copy of the database, {}", print::bytes(bytes)));
        let key = key_file.map_or_else(|| "the master_key".to_owned(), |path| path.display().to_string());
        print::line(format!("its secrets are sealed: keep a copy of {key} as well, or they can never be opened again"));
        Ok(())
    }
}

/// The error for PostgreSQL.
const POSTGRES: &str = "backup copies a SQLite database; PostgreSQL has its own tools: pg_dump for a copy, pg_basebackup with \
                        archived logs to go back to any moment. Keep the master_key with either";

async fn copy(database: &Path, to: &Path) -> Result<u64> {
    // The schema is not checked, since people make a backup before an upgrade.
    let store = stores::open_file(database, Missing::Refuse).await?;
    store.backup(to).await.map_err(|error| match error {
        store::Error::Refused(why) => Failure::usage(why),
        error => Failure::failed(error),
    })
}

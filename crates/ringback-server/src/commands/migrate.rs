//! `ringback migrate`: brings the schema up to date, or prints it for a migration tool of one's own.

use crate::{
    configuration::{Configuration, DatabaseUrl, StoreFlags},
    failure::Result,
    print,
    secrets::{self, Missing},
    serve,
    stores::{self, Schema},
};

/// Bring the database's schema up to date
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback migrate
  ringback migrate --print --database-url postgres://localhost/app > migrations/0042_ringback.sql

`ringback serve` does the same at its start, unless it is told --no-migrate.")]
pub(crate) struct Migrate {
    /// Print the statements instead, without opening the database
    #[arg(long)]
    print: bool,

    /// Make a missing SQLite database although its key or lock is there
    #[arg(long, conflicts_with = "print")]
    create: bool,

    #[command(flatten)]
    flags: StoreFlags,
}

impl Migrate {
    /// Migrates or prints.
    pub(crate) async fn run(self) -> Result<()> {
        let configuration = Configuration::load(&self.flags.0)?;
        if self.print {
            print::raw(schema_text(&configuration).as_bytes());
            return Ok(());
        }
        // A migration may take long on large tables: the log says which one runs.
        serve::log::start(&configuration.log.0, configuration.log_format);
        let store = stores::open(&configuration, if self.create { Schema::Create } else { Schema::Migrate }).await?;
        if let (DatabaseUrl::Sqlite(_), Missing::Make) = (&configuration.database_url, Missing::of(&store).await?) {
            secrets::make_for_new(&configuration)?;
        }
        print::line("the schema is up to date");
        Ok(())
    }
}

/// All migrations for the configured database.
fn schema_text(configuration: &Configuration) -> String {
    match configuration.database_url {
        DatabaseUrl::Sqlite(_) => ringback_sqlite::schema_text(),
        DatabaseUrl::Postgres(_) => ringback_postgres::schema_text(&configuration.schema.0),
    }
}

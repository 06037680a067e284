//! The store that a command works with, and the engine's settings.

use std::{path::Path, sync::Arc};

use parking_lot::Mutex;
use ringback::{
    Operations, Settings,
    egress::{Egress, Roots},
    seal::MasterKeys,
    store::{self, Retention, SharedStore},
};
use ringback_postgres::Postgres;
use ringback_sqlite::{Missing, Options, Sqlite};

use crate::{
    configuration::{Configuration, DatabaseUrl},
    failure::{Failure, Result},
    print,
};

/// The SQLite store that this process has opened, so that it can be closed however the command ends: closing it makes the
/// database one file again.
static OPENED: Mutex<Option<Sqlite>> = Mutex::new(None);

/// What to do about the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    /// Bring it up to date; a new SQLite database is created.
    Migrate,
    /// The same, even if a key or a lock shows that there was a database.
    Create,
    /// It must exist and be up to date.
    Check,
}

/// Opens the store that the configuration names.
///
/// # Errors
/// When the database does not answer, or its schema is not the one that this program needs.
pub(crate) async fn open(configuration: &Configuration, schema: Schema) -> Result<SharedStore> {
    match &configuration.database_url {
        DatabaseUrl::Sqlite(path) => Ok(Arc::new(open_sqlite(path, schema).await?)),
        DatabaseUrl::Postgres(url) => Ok(Arc::new(open_postgres(url.expose(), configuration, schema).await?)),
    }
}

async fn open_sqlite(path: &Path, schema: Schema) -> Result<Sqlite> {
    let missing = match schema {
        Schema::Migrate => Missing::MakeIfNew,
        Schema::Create => Missing::Make,
        Schema::Check => Missing::Refuse,
    };
    let store = open_file(path, missing).await?;
    match schema {
        Schema::Migrate | Schema::Create => store.migrate().await,
        Schema::Check => store.check_schema().await,
    }
    .map_err(Failure::failed)?;
    Ok(store)
}

/// Opens a SQLite database whatever its schema is.
///
/// # Errors
/// When it is missing and may not be created, or is no database.
pub(crate) async fn open_file(path: &Path, missing: Missing) -> Result<Sqlite> {
    let options = Options { missing, ..Options::new(path) };
    let database = path.display();
    match (options.trace(), missing) {
        (Some(trace), Missing::MakeIfNew | Missing::Refuse) => return Err(Failure::usage(lost(path, &trace))),
        (None, Missing::Refuse) if !path.exists() => {
            let why = "`ringback serve` makes it, --database-url names another one";
            return Err(Failure::failed(format!("there is no database {database}: {why}")));
        }
        _ => {}
    }
    let store = Sqlite::open(options).await.map_err(Failure::failed)?;
    *OPENED.lock() = Some(store.clone());
    Ok(store)
}

/// Closes the store that this process has opened, if it is a SQLite store. A command does this last.
pub(crate) async fn close() {
    let opened = OPENED.lock().take();
    if let Some(store) = opened
        && let Err(error) = store.close().await
    {
        print::note(format_args!("warning: the database's log stays beside it: {error}"));
    }
}

/// Returns once a file of the opened SQLite database was removed or replaced; never for another database.
pub(crate) async fn until_gone() -> store::Error {
    let opened = OPENED.lock().clone();
    match opened {
        Some(store) => store.until_gone().await,
        None => std::future::pending().await,
    }
}

/// The error if a database is missing, but a file beside it shows that there was one.
pub(crate) fn lost(database: &Path, trace: &Path) -> String {
    format!(
        "there is no database {}, but {} is there, so there was one: put it back, let --database-url name where it is, or \
         say with `ringback serve --create` that a new one is meant",
        database.display(),
        trace.display()
    )
}

async fn open_postgres(url: &str, configuration: &Configuration, schema: Schema) -> Result<Postgres> {
    let store = Postgres::connect(url, &configuration.schema.0).await.map_err(Failure::failed)?;
    match schema {
        Schema::Migrate | Schema::Create => store.migrate().await,
        Schema::Check => store.check_schema().await,
    }
    .map_err(Failure::failed)?;
    Ok(store)
}

/// Stores the largest payload size in a PostgreSQL database, for callers that emit by SQL, without the engine.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn limit_emits(configuration: &Configuration) -> Result<()> {
    if let DatabaseUrl::Postgres(url) = &configuration.database_url {
        let store = Postgres::connect(url.expose(), &configuration.schema.0).await.map_err(Failure::failed)?;
        let limit = u32::try_from(configuration.max_payload_bytes.0).unwrap_or(u32::MAX);
        store.set_emit_limit(limit).await.map_err(Failure::failed)?;
        store.close().await;
    }
    Ok(())
}

/// The engine's settings.
pub(crate) fn settings(configuration: &Configuration, keys: MasterKeys) -> Settings {
    let mut settings = Settings::new(keys);
    settings.egress = Egress { allow: configuration.egress_allow.clone(), allow_http: configuration.egress_allow_http };
    if let Some(file) = &configuration.egress_ca {
        settings.roots = Roots::SystemAnd(file.certificates.clone());
    }
    settings.header_prefix.clone_from(&configuration.header_prefix.0);
    settings.max_payload_bytes = usize::try_from(configuration.max_payload_bytes.0).unwrap_or(usize::MAX);
    settings.max_endpoints_per_tenant = u32::try_from(configuration.max_endpoints_per_tenant.0).unwrap_or(u32::MAX);
    settings.max_in_flight_per_node = usize::try_from(configuration.max_in_flight_per_node.0).unwrap_or(usize::MAX);
    settings.connection_max_age = configuration.connection_max_age.0;
    settings.tenant_weights.clone_from(&configuration.tenant_weights.0);
    settings.lease = configuration.lease.0;
    settings.retention = Retention {
        events: configuration.retention_events.0,
        payloads: configuration.retention_payloads.0,
        attempts: configuration.retention_attempts.0,
        dead_letters: configuration.retention_dead_letters.0,
        figures: configuration.retention_figures.0,
        expires_after: configuration.expires_after.0,
        idempotency_window: configuration.idempotency_window.0,
    };
    settings.metrics_per_endpoint = u32::try_from(configuration.metrics_per_endpoint.0).unwrap_or(u32::MAX);
    settings.require_verification = configuration.require_verification;
    settings.operations = Operations {
        tenant: configuration.operations_tenant.0.clone(),
        failing_after: configuration.failing_after.0,
        stale_after: configuration.stale_after.0,
        disable_after: configuration.disable_after.0,
    };
    settings
}

//! Which store a command works with, and what the engine is told about it.

use std::{path::Path, sync::Arc};

use ringback::{
    Settings,
    deliver::send::Egress,
    seal::MasterKeys,
    store::{Kept, SharedStore},
};
use ringback_postgres::Postgres;
use ringback_sqlite::Sqlite;

use crate::{
    configuration::{Configuration, DatabaseUrl},
    failure::{Failure, Result},
};

/// What to do about the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    /// Bring it up to date, making the database where that is possible.
    Migrate,
    /// It must be there and up to date.
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
    if schema == Schema::Check && !path.exists() {
        return Err(Failure::failed(format!(
            "there is no database {}: `ringback serve` makes it, --database-url names another one",
            path.display()
        )));
    }
    let store = Sqlite::open(path).await.map_err(Failure::failed)?;
    match schema {
        Schema::Migrate => store.migrate().await,
        Schema::Check => store.check_schema().await,
    }
    .map_err(Failure::failed)?;
    Ok(store)
}

async fn open_postgres(url: &str, configuration: &Configuration, schema: Schema) -> Result<Postgres> {
    let store = Postgres::connect(url, &configuration.schema.0).await.map_err(Failure::failed)?;
    match schema {
        Schema::Migrate => store.migrate().await,
        Schema::Check => store.check_schema().await,
    }
    .map_err(Failure::failed)?;
    Ok(store)
}

/// Tells a PostgreSQL database, whose SQL callers ask no engine, how large a payload may be.
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

/// What the engine is told.
pub(crate) fn settings(configuration: &Configuration, keys: MasterKeys) -> Settings {
    let mut settings = Settings::new(keys);
    settings.egress = Egress { allow: configuration.egress_allow.clone(), allow_http: configuration.egress_allow_http };
    settings.header_prefix.clone_from(&configuration.header_prefix.0);
    settings.max_payload_bytes = usize::try_from(configuration.max_payload_bytes.0).unwrap_or(usize::MAX);
    settings.max_endpoints_per_tenant = u32::try_from(configuration.max_endpoints_per_tenant.0).unwrap_or(u32::MAX);
    settings.max_in_flight_per_node = usize::try_from(configuration.max_in_flight_per_node.0).unwrap_or(usize::MAX);
    settings.tenant_weights.clone_from(&configuration.tenant_weights.0);
    settings.lease = configuration.lease.0;
    settings.kept = Kept {
        events: configuration.retention_events.0,
        payloads: configuration.retention_payloads.0,
        attempts: configuration.retention_attempts.0,
        dead_letters: configuration.retention_dead_letters.0,
        expires_after: configuration.expires_after.0,
        idempotency_window: configuration.idempotency_window.0,
    };
    settings
}

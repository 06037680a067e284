//! An empty store of its own for each test: a schema of its own in the database that
//! `RINGBACK_TEST_POSTGRES_URL` names, a server that tests may do with as they like.

use std::sync::atomic::{AtomicU32, Ordering};

use ringback_postgres::Postgres;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// The server under test.
pub(crate) fn url() -> String {
    std::env::var("RINGBACK_TEST_POSTGRES_URL").unwrap_or_else(|_| {
        panic!("RINGBACK_TEST_POSTGRES_URL must name a PostgreSQL database to test against; tests/run brings one up")
    })
}

/// A connection of the test's own.
pub(crate) async fn connection() -> PgConnection {
    PgConnection::connect(&url()).await.expect("the server under test answers")
}

/// A name that no other test uses.
pub(crate) fn schema_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("ringback_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A migrated store in a new schema, and the schema's name.
pub(crate) async fn migrated() -> (Postgres, String) {
    let schema = schema_name();
    let store = Postgres::connect(&url(), &schema).await.expect("connect");
    store.migrate().await.expect("migrate");
    (store, schema)
}

/// Removes a schema with all that is in it.
pub(crate) async fn remove(store: &Postgres, schema: &str) {
    store.close().await;
    let statement = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
    connection().await.execute(AssertSqlSafe(statement)).await.expect("remove the schema");
}

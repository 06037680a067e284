//! What every store promises the engine, kept by this one.

#[path = "fresh/template.rs"]
mod template;

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use ringback_postgres::{DEFAULT_SCHEMA, Postgres};
use ringback_testkit::contract::Fresh;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// There are so many of these tests that migrating a schema for each would cost more than they do.
async fn empty() -> Fresh {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let url = std::env::var("RINGBACK_TEST_POSTGRES_URL")
        .expect("RINGBACK_TEST_POSTGRES_URL names a PostgreSQL server; tests/run brings one up");
    let name = format!("ringback_contract_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    template::copy(&url, &name).await;
    let (server, _) = url.rsplit_once('/').expect("it ends with the name of a database");
    let store = Postgres::connect(&format!("{server}/{name}"), DEFAULT_SCHEMA).await.expect("connect");
    let kept = store.clone();
    let remove = async move {
        kept.close().await;
        let mut connection = PgConnection::connect(&url).await.expect("the server under test answers");
        connection.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await.expect("it is dropped");
    };
    Fresh { store: Arc::new(store), remove: Box::pin(remove) }
}

ringback_testkit::store_contract!(empty);
ringback_testkit::store_model!(empty);

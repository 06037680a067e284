//! What every store promises the engine, kept by this one.

#![expect(clippy::unwrap_used, reason = "a test that cannot begin should say where")]

use std::sync::Arc;

use ringback_sqlite::Sqlite;
use ringback_testkit::contract::Fresh;

/// A migrated file in a folder of its own.
async fn fresh() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path().join("ringback.db")).await.unwrap();
    store.migrate().await.unwrap();
    Fresh { store: Arc::new(store), remove: Box::pin(async move { folder.close().unwrap() }) }
}

ringback_testkit::store_contract!(fresh);
ringback_testkit::store_model!(fresh);

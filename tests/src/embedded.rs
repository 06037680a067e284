//! The engine inside a process of the platform's own: this one.

use std::sync::Arc;

use ringback::{Engine, Sending, Settings, seal::MasterKeys, store::SharedStore};
use tokio::{net::TcpListener, task::AbortHandle};

use crate::{api::Api, database::Database, server::TOKEN, stores::Store};

/// An engine, and its API mounted below `/webhooks` in an app of the host's.
pub struct Embedded {
    /// The engine's handle.
    pub engine: Engine,
    /// The store that the engine works with, or what stands around it.
    pub store: SharedStore,
    /// The API, at its base path.
    pub api: Api,
    app: AbortHandle,
    _sending: Option<Sending>,
}

impl Embedded {
    /// Opens the store, migrates it and starts; `settings` are the defaults, changed by `change`.
    pub async fn start(database: &Database, change: impl FnOnce(&mut Settings)) -> Self {
        Self::around(database, |store| store, change).await
    }

    /// The same on a store that stands around the database's own.
    pub async fn around(
        database: &Database,
        around: impl FnOnce(SharedStore) -> SharedStore,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let keys = MasterKeys::parse(&MasterKeys::generate_text(), &[]).expect("a generated key");
        let mut settings = Settings::new(keys);
        change(&mut settings);
        let store = around(migrated(database).await);
        let engine = Engine::open(SharedStore::clone(&store), settings).await.expect("it opens");
        let sending = engine.start().await.expect("it starts");
        Self::serve(engine, store, Some(sending)).await
    }

    /// The same without sending anything: what a test writes stays as it is.
    pub async fn idle(database: &Database) -> Self {
        let keys = MasterKeys::parse(&MasterKeys::generate_text(), &[]).expect("a generated key");
        let store = migrated(database).await;
        let engine = Engine::open(SharedStore::clone(&store), Settings::new(keys)).await.expect("it opens");
        Self::serve(engine, store, None).await
    }

    async fn serve(engine: Engine, store: SharedStore, sending: Option<Sending>) -> Self {
        let options = ringback_admin::Options::with_token(TOKEN).base_path("/webhooks").expect("a plain path");
        let app = axum::Router::new().merge(ringback_admin::router(engine.clone(), options));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("the loopback has a free port");
        let base = format!("http://{}/webhooks", listener.local_addr().expect("it is bound"));
        let serving = tokio::spawn(async move { axum::serve(listener, app).await });
        Self { engine, store, api: Api::new(&base, TOKEN), app: serving.abort_handle(), _sending: sending }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.app.abort();
    }
}

async fn migrated(database: &Database) -> SharedStore {
    match database.store() {
        Store::Postgres => {
            let store = ringback_postgres::Postgres::connect(database.url(), "ringback").await.expect("it connects");
            store.migrate().await.expect("it migrates");
            Arc::new(store)
        }
        Store::Sqlite => {
            let store = ringback_sqlite::Sqlite::open(database.url()).await.expect("it opens");
            store.migrate().await.expect("it migrates");
            Arc::new(store)
        }
    }
}

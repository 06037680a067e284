//! What every store promises the engine, kept by this one.

mod fresh;

use std::sync::Arc;

use ringback_testkit::contract::Fresh;

async fn empty() -> Fresh {
    let (store, schema) = fresh::migrated().await;
    let kept = store.clone();
    Fresh { store: Arc::new(store), remove: Box::pin(async move { fresh::remove(&kept, &schema).await }) }
}

ringback_testkit::store_contract!(empty);
ringback_testkit::store_model!(empty);

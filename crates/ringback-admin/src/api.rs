//! The routes, one file per resource.

mod audit;
mod dead_letters;
mod deliveries;
mod endpoints;
mod events;
mod health;
mod ledger;
mod replays;

use axum::Router;
use ringback::{Engine, seal::MasterKeys, store::SharedStore};

use crate::auth::{Admission, StoredTokens};

/// What every handler works with.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) engine: Engine,
    pub(crate) admission: Admission,
    pub(crate) tokens: StoredTokens,
}

impl Api {
    pub(crate) fn new(engine: Engine, admission: Admission) -> Self {
        let tokens = StoredTokens::of(engine.store().clone());
        Self { engine, admission, tokens }
    }

    fn store(&self) -> &SharedStore {
        self.engine.store()
    }

    fn keys(&self) -> &MasterKeys {
        &self.engine.settings().keys
    }
}

/// All routes, without their state.
pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .merge(events::routes())
        .merge(endpoints::routes())
        .merge(deliveries::routes())
        .merge(dead_letters::routes())
        .merge(replays::routes())
        .merge(ledger::routes())
        .merge(audit::routes())
        .merge(health::routes())
}

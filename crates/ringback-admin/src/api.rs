//! The routes, one file per resource.

mod dead_letters;
pub(crate) mod deliveries;
mod endpoints;
mod events;
mod health;
mod ledger;
mod replays;

use axum::Router;
use ringback::{Engine, seal::MasterKeys, store::SharedStore};

use crate::auth::Admission;

/// What every handler works with.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) engine: Engine,
    pub(crate) admission: Admission,
}

impl Api {
    pub(crate) const fn new(engine: Engine, admission: Admission) -> Self {
        Self { engine, admission }
    }

    pub(crate) fn store(&self) -> &SharedStore {
        self.engine.store()
    }

    pub(crate) fn keys(&self) -> &MasterKeys {
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
        .merge(health::routes())
}

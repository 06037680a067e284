//! The routes, one file per resource.

pub(crate) mod audit;
pub(crate) mod dead_letters;
pub(crate) mod deliveries;
mod document;
pub(crate) mod endpoints;
pub(crate) mod events;
mod expunges;
pub(crate) mod figures;
pub(crate) mod filters;
mod find;
pub(crate) mod gaps;
mod health;
mod ledger;
pub(crate) mod links;
pub(crate) mod metrics;
mod nodes;
pub(crate) mod replays;

use std::{ops::Deref, sync::Arc, time::Instant};

use bytes::Bytes;
use prometheus_client::registry::Registry;
use ringback::{Engine, seal::MasterKeys};
use tokio::sync::watch::Receiver;
use utoipa_axum::router::OpenApiRouter;

use self::metrics::Requests;
use crate::{
    auth::{Admission, Failures, StoredTokens},
    dashboard::Live,
    sender::TrustedProxies,
};

/// The state that every handler works with. Its router makes several copies of it for each request, so they share one.
#[derive(Clone)]
pub(crate) struct Api(Arc<State>);

/// What handlers work with.
pub(crate) struct State {
    pub(crate) engine: Engine,
    pub(crate) admission: Admission,
    pub(crate) tokens: StoredTokens,
    /// The proxies whose headers are believed about where a request comes from.
    pub(crate) proxies: TrustedProxies,
    pub(crate) failed_tokens: Arc<Failures>,
    pub(crate) failed_logins: Arc<Failures>,
    /// Links that open nothing, guessed or not.
    pub(crate) failed_links: Arc<Failures>,
    /// What stands before the paths of links that leave this server, unless it is read from requests.
    pub(crate) public_url: Option<Arc<str>>,
    /// What the streams of open pages share.
    pub(crate) live: Arc<Live>,
    /// Its sender goes when the server is about to end.
    pub(crate) end: Option<Receiver<()>>,
    /// The document that is served at `/openapi.json`.
    pub(crate) document: Bytes,
    /// The figures that are shown at `/metrics`.
    pub(crate) registry: Arc<Registry>,
}

impl State {
    pub(crate) fn new(
        engine: Engine,
        admission: Admission,
        proxies: TrustedProxies,
        document: Bytes,
        requests: &Requests,
    ) -> Self {
        let now = Instant::now();
        Self {
            tokens: StoredTokens::of(engine.clone()),
            registry: Arc::new(metrics::registry(&engine, requests)),
            engine,
            admission,
            proxies,
            failed_tokens: Arc::new(Failures::of_tokens(now)),
            failed_logins: Arc::new(Failures::of_logins(now)),
            failed_links: Arc::new(Failures::of_logins(now)),
            public_url: None,
            live: Arc::default(),
            end: None,
            document,
        }
    }

    pub(crate) fn keys(&self) -> &MasterKeys {
        &self.engine.settings().keys
    }
}

impl From<State> for Api {
    fn from(state: State) -> Self {
        Self(Arc::new(state))
    }
}

impl Deref for Api {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

/// All routes, without their state, with their descriptions.
pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(events::routes())
        .merge(endpoints::routes())
        .merge(deliveries::routes())
        .merge(dead_letters::routes())
        .merge(replays::routes())
        .merge(expunges::routes())
        .merge(filters::routes())
        .merge(ledger::routes())
        .merge(figures::routes())
        .merge(find::routes())
        .merge(gaps::routes())
        .merge(links::routes())
        .merge(audit::routes())
        .merge(nodes::routes())
        .merge(health::routes())
        .merge(document::routes())
        .merge(metrics::routes())
}

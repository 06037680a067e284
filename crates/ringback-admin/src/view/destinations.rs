//! The destinations of a page of deliveries: their endpoints, including deleted ones, looked up once for all of them.

use std::{collections::HashMap, sync::Arc};

use ringback::{
    Directory, Engine,
    delivery::HoldReason,
    endpoint::{Endpoint, KeptDestination, TriesOf},
    id::EndpointId,
    store::{self, DeliveryRow},
};

/// The endpoints of some deliveries.
pub(crate) struct Destinations {
    endpoints: HashMap<EndpointId, Known>,
    /// For what inline destinations inherit.
    directory: Arc<Directory>,
}

struct Known {
    url: String,
    hold: Option<HoldReason>,
    holds_tests: bool,
    tries: Option<TriesOf>,
}

impl Destinations {
    /// Looks up the endpoints of these deliveries.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn of(engine: &Engine, deliveries: &[DeliveryRow]) -> store::Result<Self> {
        let mut known = HashMap::new();
        let mut deleted = Vec::new();
        let directory = engine.directory().await?;
        for id in deliveries.iter().filter_map(|row| row.endpoint) {
            match directory.endpoint(id) {
                Some(endpoint) => {
                    known.entry(id).or_insert_with(|| Known {
                        url: endpoint.spec.url.clone(),
                        hold: endpoint.hold_reason(),
                        holds_tests: endpoint.holds(true),
                        tries: Some(endpoint.tries()),
                    });
                }
                None if !deleted.contains(&id) => deleted.push(id),
                None => {}
            }
        }
        if !deleted.is_empty() {
            for (id, url) in engine.urls_of(deleted).await? {
                known.insert(id, Known { url, hold: None, holds_tests: false, tries: None });
            }
        }
        Ok(Self { endpoints: known, directory })
    }

    /// Where a delivery goes; `None` if its inline destination cannot be read.
    pub(crate) fn url(&self, row: &DeliveryRow) -> Option<String> {
        match row.endpoint {
            Some(id) => self.endpoints.get(&id).map(|known| known.url.clone()),
            None => KeptDestination::url_of(row.event.destination.as_deref()?),
        }
    }

    /// How often a delivery is sent, by the present configuration. `None` if its endpoint is deleted, or its inline
    /// destination cannot be read.
    pub(crate) fn tries(&self, row: &DeliveryRow) -> Option<TriesOf> {
        let Some(id) = row.endpoint else {
            let inherit =
                |key: &str| self.directory.by_key(&row.event.tenant, key).map(|endpoint| Endpoint::clone(endpoint));
            return KeptDestination::tries_of(row.event.destination.as_deref()?, inherit);
        };
        self.endpoints.get(&id)?.tries
    }

    /// Why a delivery's endpoint keeps it from being sent by its configuration, if it does.
    pub(crate) fn hold(&self, row: &DeliveryRow) -> Option<HoldReason> {
        let known = self.endpoints.get(&row.endpoint?)?;
        // A test is sent even if the endpoint is not enabled.
        known.hold.filter(|_| !row.marks.test || known.holds_tests)
    }
}

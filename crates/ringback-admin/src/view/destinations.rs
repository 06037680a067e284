//! The destinations of a page of deliveries: their endpoints, including deleted ones, looked up once for all of them.

use std::collections::HashMap;

use ringback::{
    Engine,
    delivery::HoldReason,
    endpoint::KeptDestination,
    id::EndpointId,
    store::{self, DeliveryRow},
};

/// The endpoints of some deliveries.
pub(crate) struct Destinations(HashMap<EndpointId, Known>);

struct Known {
    url: String,
    hold: Option<HoldReason>,
    holds_tests: bool,
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
                    });
                }
                None if !deleted.contains(&id) => deleted.push(id),
                None => {}
            }
        }
        if !deleted.is_empty() {
            for (id, url) in engine.urls_of(deleted).await? {
                known.insert(id, Known { url, hold: None, holds_tests: false });
            }
        }
        Ok(Self(known))
    }

    /// Where a delivery goes; `None` if its inline destination cannot be read.
    pub(crate) fn url(&self, row: &DeliveryRow) -> Option<String> {
        match row.endpoint {
            Some(id) => self.0.get(&id).map(|known| known.url.clone()),
            None => KeptDestination::url_of(row.event.destination.as_deref()?),
        }
    }

    /// Why a delivery's endpoint keeps it from being sent by its configuration, if it does.
    pub(crate) fn hold(&self, row: &DeliveryRow) -> Option<HoldReason> {
        let known = self.0.get(&row.endpoint?)?;
        // A test is sent even if the endpoint is not enabled.
        known.hold.filter(|_| !row.marks.test || known.holds_tests)
    }
}

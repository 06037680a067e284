//! Operational events: what Ringback tells operators. [`crate::Engine::subscribe`] hands them out in process.

use serde::Serialize;

use crate::{
    id::{DeliveryId, EndpointId},
    time::Timestamp,
    word::words,
};

words! {
    /// The types of operational events.
    #[non_exhaustive]
    Told {
        Dead "ringback.delivery.dead": "deliveries became dead letters",
        Failing "ringback.endpoint.failing": "nothing has succeeded at an endpoint for some time",
        Recovered "ringback.endpoint.recovered": "an endpoint that failed has succeeded again",
        Disabled "ringback.endpoint.disabled": "Ringback has disabled an endpoint",
        Stale "ringback.backlog.stale": "deliveries that nothing holds are not sent",
        Fresh "ringback.backlog.fresh": "what nothing holds is sent in time again",
    }
}

/// An operational event, as it is sent and as [`crate::Engine::subscribe`] hands it out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OperationalEvent {
    /// What has happened.
    pub r#type: Told,
    /// When it was told, by the database's clock.
    pub at: Timestamp,
    /// Whose endpoint it is about; `None` if it is about the installation.
    pub tenant: Option<String>,
    /// The endpoint; `None` if it is about the installation.
    pub endpoint: Option<Place>,
    /// How often it has happened since it was last told; of failing endpoints, how many attempts failed.
    pub count: u64,
    /// When it began.
    pub since: Timestamp,
    /// Why: the reason of dead letters, or why an endpoint was disabled.
    pub reason: Option<String>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// A delivery to look at.
    pub example: Option<DeliveryId>,
}

/// The endpoint that an operational event is about, or where its inline destination is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Place {
    /// Its id; `None` for an inline destination.
    pub id: Option<EndpointId>,
    /// The platform's own name for it.
    pub key: Option<String>,
    /// Its name, for people.
    pub name: Option<String>,
    /// Its URL; of an inline destination `https://` and the host.
    pub url: Option<String>,
}

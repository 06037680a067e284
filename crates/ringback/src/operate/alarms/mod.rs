//! Operational events: Ringback tells operators before they ask.
//!
//! ```text
//! runs      failures without a success between them, in this node's memory
//! book      what is noted, told, and told again: pure, kept in the database
//! watch     each second every node notes what it saw; the owner of shard 0 also looks for deaths and for a stale
//!           backlog, and tells
//! ```
//!
//! What is told is an event of the operations tenant, sent through Ringback's own outbox to the endpoints that select it; a
//! line in the log; and a value for [`Engine::subscribe`].

mod book;
mod runs;
mod watch;

use serde::Serialize;
use tokio::sync::broadcast;

pub(crate) use self::{runs::Runs, watch::watch};
use crate::{
    Engine,
    id::{DeliveryId, EndpointId},
    time::Timestamp,
    word::words,
};

/// How many operational events a subscriber may be behind before it misses the oldest.
const SUBSCRIBERS_BEHIND_MAX: usize = 1_024;

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

/// An operational event, as it is sent and as [`Engine::subscribe`] hands it out.
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

/// Hands operational events out within the process.
pub(crate) struct Subscribers(broadcast::Sender<OperationalEvent>);

impl Default for Subscribers {
    fn default() -> Self {
        Self(broadcast::Sender::new(SUBSCRIBERS_BEHIND_MAX))
    }
}

impl Subscribers {
    /// Nobody may listen.
    fn hand_out(&self, event: OperationalEvent) {
        let _ = self.0.send(event);
    }
}

impl Engine {
    /// Operational events from now on. Of several processes on one database the one that owns shard 0 tells, so each hands
    /// out what it tells itself. A subscriber that is more than 1,024 events behind is told how many it has missed.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<OperationalEvent> {
        self.subscribers().0.subscribe()
    }
}

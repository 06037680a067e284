//! Operational events: Ringback tells operators before they ask.
//!
//! ```text
//! runs      failures without a success between them, in this node's memory
//! book      what is noted, told, and told again: pure
//! kept      the book in the database, changed by several nodes
//! watch     each second every node notes what it saw; the owner of shard 0 also looks for deaths and for a stale
//!           backlog, and tells
//! tell      tells
//! ```
//!
//! What is told is an event of the operations tenant, sent through Ringback's own outbox to the endpoints that select it; a
//! line in the log; and a value for [`Engine::subscribe`].

mod book;
mod kept;
mod runs;
mod tell;
mod watch;

use tokio::sync::broadcast;

pub(crate) use self::{runs::Runs, watch::watch};
use crate::{Engine, told::OperationalEvent};

/// How many operational events a subscriber may be behind before it misses the oldest.
const SUBSCRIBERS_BEHIND_MAX: usize = 1_024;

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

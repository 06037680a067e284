//! The nodes that share the store: who is alive, until when, and what each owns.

use crate::{
    Engine,
    store::{self, NodeId, Nodes},
};

impl Engine {
    /// The nodes that are registered, and how many shards none of them serves.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn nodes(&self) -> store::Result<Nodes> {
        self.store().nodes().await
    }

    /// The node as which this process is registered; `None` if it does not send now.
    #[must_use]
    pub fn node(&self) -> Option<NodeId> {
        self.registered_as()
    }
}

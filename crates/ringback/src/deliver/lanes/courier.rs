//! What the requests of one lane share: where they go, how they are signed, and their connections.

use std::sync::Arc;

use crate::{
    deliver::send::{Connections, Egress},
    endpoint::{Endpoint, OnDead, Retry, Target},
    id::EndpointId,
};

/// Shared by a lane and its open requests; replaced, connections and all, when the endpoint changes.
pub(crate) struct Courier {
    /// The endpoint; `None` for an inline lane, whose deliveries each bring their own target.
    pub(crate) endpoint: Option<EndpointId>,
    /// Where requests go; `None` if the endpoint's URL may not be dialled any more.
    pub(crate) target: Option<Arc<Target>>,
    /// The endpoint's policy, which also counts while it has no target.
    pub(crate) retry: Option<Retry>,
    /// Whether a dead letter blocks its ordering key.
    pub(crate) blocks_when_dead: bool,
    /// Idle connections of this lane and no other.
    pub(crate) connections: Connections,
}

impl Courier {
    pub(super) fn of_endpoint(endpoint: &Endpoint, egress: &Egress) -> Self {
        Self {
            endpoint: Some(endpoint.id),
            target: endpoint.target(egress).ok().map(Arc::new),
            retry: Some(endpoint.spec.retry.clone()),
            blocks_when_dead: endpoint.spec.ordered && endpoint.spec.on_dead == OnDead::Block,
            connections: Connections::default(),
        }
    }

    pub(super) fn inline() -> Self {
        Self { endpoint: None, target: None, retry: None, blocks_when_dead: false, connections: Connections::default() }
    }
}

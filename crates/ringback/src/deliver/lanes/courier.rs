//! What the requests of one lane share: where they go, how they are signed, and their connections.

use std::sync::Arc;

use crate::{
    deliver::send::Connections,
    egress::Egress,
    endpoint::{Endpoint, OnDead, Retry, Target},
    id::EndpointId,
};

/// Shared by a lane and its open requests. A change of the endpoint replaces it, its connections included.
pub(crate) struct Courier {
    /// The endpoint; `None` for an inline lane: each of its deliveries has its own target.
    pub(crate) endpoint: Option<EndpointId>,
    /// The version of the endpoint that the other fields are from; zero for an inline lane.
    pub(crate) version: i64,
    /// Where requests go; `None` if the endpoint's URL may not be dialled any more.
    pub(crate) target: Option<Arc<Target>>,
    /// The endpoint's URL, also if `target` is `None`; empty for an inline lane.
    pub(crate) url: String,
    /// The endpoint's retry policy; the default for an inline lane.
    pub(crate) retry: Retry,
    /// Whether a dead letter blocks its ordering key.
    pub(crate) blocks_when_dead: bool,
    /// Idle connections of this lane and no other.
    pub(crate) connections: Connections,
}

impl Courier {
    pub(super) fn of_endpoint(endpoint: &Endpoint, egress: &Egress) -> Self {
        Self {
            endpoint: Some(endpoint.id),
            version: endpoint.version,
            target: endpoint.target(egress).ok().map(Arc::new),
            url: endpoint.spec.url.clone(),
            retry: endpoint.spec.retry.clone(),
            blocks_when_dead: endpoint.spec.ordered && endpoint.spec.on_dead == OnDead::Block,
            connections: Connections::default(),
        }
    }

    pub(super) fn inline() -> Self {
        Self {
            endpoint: None,
            version: 0,
            target: None,
            url: String::new(),
            retry: Retry::default(),
            blocks_when_dead: false,
            connections: Connections::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::lanes::model;

    #[test]
    fn a_dead_letter_blocks_its_ordering_key_only_where_order_is_kept_and_that_is_asked_for() {
        let blocks = |ordered, on_dead| {
            let mut endpoint = model::endpoint(1, None);
            (endpoint.spec.ordered, endpoint.spec.on_dead) = (ordered, on_dead);
            Courier::of_endpoint(&endpoint, &Egress::default()).blocks_when_dead
        };
        assert!(blocks(true, OnDead::Block));
        assert!(!blocks(true, OnDead::Skip));
        assert!(!blocks(false, OnDead::Block));
        assert!(!blocks(false, OnDead::Skip));
    }
}

//! What the requests of one lane share: where they go, how they are signed, and their connections.

use std::sync::Arc;

use crate::{
    deliver::send::Connections,
    delivery::Due,
    egress::Egress,
    endpoint::{Endpoint, OnDead, Retry, Target},
    id::EndpointId,
};

/// Which try of its present budgets a delivery's next request is, from 1.
pub(crate) fn tries(due: &Due) -> u32 {
    u32::try_from(due.attempts - due.attempts_at_refill + 1).unwrap_or(1)
}

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
    /// Where requests go once the budget of tries is spent there; `None` if the endpoint has no other URL.
    pub(crate) fallback: Option<Fallback>,
    /// The endpoint's retry policy; the default for an inline lane.
    pub(crate) retry: Retry,
    /// Whether a dead letter blocks its ordering key.
    pub(crate) blocks_when_dead: bool,
    /// Idle connections of this lane and no other.
    pub(crate) connections: Connections,
}

/// The other URL of an endpoint.
pub(crate) struct Fallback {
    /// Where requests go; `None` if the URL may not be dialled any more.
    pub(crate) target: Option<Arc<Target>>,
    /// The URL, also if `target` is `None`.
    pub(crate) url: String,
}

impl Courier {
    /// The other URL, if it is the turn of that: the first budget of tries is spent.
    pub(crate) fn fallback_of(&self, due: &Due) -> Option<&Fallback> {
        self.fallback.as_ref().filter(|_| tries(due) > self.retry.max_attempts)
    }

    pub(super) fn of_endpoint(endpoint: &Endpoint, egress: &Egress) -> Self {
        Self {
            endpoint: Some(endpoint.id),
            version: endpoint.version,
            target: endpoint.target(egress).ok().map(Arc::new),
            url: endpoint.spec.url.clone(),
            fallback: endpoint
                .spec
                .fallback_url
                .as_ref()
                .map(|url| Fallback { target: endpoint.target_at(url, egress).ok().map(Arc::new), url: url.clone() }),
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
            fallback: None,
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

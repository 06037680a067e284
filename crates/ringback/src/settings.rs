//! How the engine behaves.

use std::{collections::HashMap, sync::Arc, time::Duration};

use crate::{
    egress::{Egress, Resolve, Roots},
    endpoint::Authorize,
    seal::MasterKeys,
    store::Retention,
    trace::Spans,
};

/// How the engine behaves. The defaults are those of the configuration reference.
#[derive(Clone)]
pub struct Settings {
    /// Encrypt secrets at rest.
    pub keys: Arc<MasterKeys>,
    /// Which addresses may be dialled.
    pub egress: Egress,
    /// Resolves names; the system's resolver unless set.
    pub resolver: Option<Arc<dyn Resolve>>,
    /// Asked before each request to an endpoint which headers authorise it; nobody is asked unless set.
    pub authorizer: Option<Arc<dyn Authorize>>,
    /// Takes the spans of attempts; nobody does unless set.
    pub spans: Option<Arc<dyn Spans>>,
    /// For how long a connection to a receiver is used before it is dialled anew, so that a receiver that moved is found.
    pub connection_max_age: Duration,
    /// Which certificate authorities receivers' certificates may come from.
    pub roots: Roots,
    /// The prefix of the headers `event-type`, `event-time`, `attempt` … of every request.
    pub header_prefix: String,
    /// Largest payload, in bytes.
    pub max_payload_bytes: usize,
    /// Most live endpoints of one tenant.
    pub max_endpoints_per_tenant: u32,
    /// Most requests open on this node.
    pub max_in_flight_per_node: usize,
    /// The tenants' shares of sending, while more is due than can be sent; a tenant that is not named has 1.
    pub tenant_weights: HashMap<String, u32>,
    /// Whether nothing is sent to an endpoint before its receiver has answered a verification.
    pub require_verification: bool,
    /// How long a node owns its shards without renewing; 3 s or more.
    pub lease: Duration,
    /// How long rows are kept.
    pub retention: Retention,
    /// What operators are told of.
    pub operations: Operations,
    /// How many endpoints have metrics of their own: those at which most fails.
    pub metrics_per_endpoint: u32,
}

/// What operators are told of: [`crate::operate::alarms`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operations {
    /// Whose events operational events are.
    pub tenant: String,
    /// An endpoint at which nothing has succeeded for so long, while something was tried, is told as failing.
    pub failing_after: Duration,
    /// A delivery that nothing holds and that has been due for so long is told as a stale backlog.
    pub stale_after: Duration,
    /// An endpoint at which nothing but failures has come for so long is disabled, unless it says otherwise itself.
    pub disable_after: Option<Duration>,
}

impl Default for Operations {
    fn default() -> Self {
        Self {
            tenant: "ringback".to_owned(),
            failing_after: Duration::from_secs(5 * 60),
            stale_after: Duration::from_secs(60),
            disable_after: None,
        }
    }
}

impl Settings {
    /// The defaults, with these master keys.
    #[must_use]
    pub fn new(keys: MasterKeys) -> Self {
        Self {
            keys: Arc::new(keys),
            egress: Egress::default(),
            resolver: None,
            authorizer: None,
            spans: None,
            connection_max_age: Duration::from_secs(60),
            roots: Roots::System,
            header_prefix: "ringback-".to_owned(),
            max_payload_bytes: 1024 * 1024,
            max_endpoints_per_tenant: 10_000,
            max_in_flight_per_node: 4_096,
            tenant_weights: HashMap::new(),
            require_verification: false,
            lease: Duration::from_secs(12),
            retention: Retention::default(),
            operations: Operations::default(),
            metrics_per_endpoint: 0,
        }
    }
}

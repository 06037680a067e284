//! The names under which the figures are shown, and what they mean. The library adds `_total` to counters, the unit to names
//! that have one, and a full stop to each help text.

use prometheus_client::{
    metrics::info::Info,
    registry::{Registry, Unit},
};

use super::{Metrics, labels::Build};

impl Metrics {
    /// Adds all figures to a registry, under names that begin with `ringback_`. They go on counting there: what is added
    /// shares its values with this engine. Several engines of one process are told apart by registries, or by
    /// [`Registry::sub_registry_with_label`].
    pub fn register(&self, registry: &mut Registry) {
        self.register_events(registry);
        self.register_attempts(registry);
        self.register_deliveries(registry);
        self.register_process(registry);
        registry.register_collector(Box::new(std::sync::Arc::clone(&self.waiting)));
        registry.register_collector(Box::new(std::sync::Arc::clone(&self.worst)));
    }

    fn register_events(&self, registry: &mut Registry) {
        registry.register(
            "ringback_events_accepted",
            "Events that this process stored, or that were emitted by SQL or Rust and that it routed",
            self.events_accepted.clone(),
        );
        registry.register("ringback_events", "The same events, by what routing made of them", self.events.clone());
    }

    fn register_attempts(&self, registry: &mut Registry) {
        registry.register(
            "ringback_attempts",
            "Attempts that this process recorded, by how they ended",
            self.attempts.clone(),
        );
        registry.register_with_unit(
            "ringback_attempt_duration",
            "How long these attempts took",
            Unit::Seconds,
            self.attempt_duration.clone(),
        );
        registry.register_with_unit(
            "ringback_first_attempt_delay",
            "From the acceptance of an event to the opening of the first request of a delivery",
            Unit::Seconds,
            self.first_attempt_delay.clone(),
        );
        registry.register(
            "ringback_requests_open",
            "Requests to receivers that this process has open",
            self.requests_open.clone(),
        );
    }

    fn register_deliveries(&self, registry: &mut Registry) {
        registry.register(
            "ringback_deliveries",
            "Deliveries that came to this state through this process; pending ones when routing created them",
            self.deliveries.clone(),
        );
        registry.register_with_unit(
            "ringback_delivery_duration",
            "From the acceptance of an event to the success of a delivery, replays left out",
            Unit::Seconds,
            self.delivery_duration.clone(),
        );
        registry.register(
            "ringback_dead",
            "Deliveries that became dead letters through this process, those without an attempt included",
            self.dead.clone(),
        );
    }

    fn register_process(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "ringback_store_duration",
            "How long the calls of the database that the pipeline repeats took, failed ones included",
            Unit::Seconds,
            self.store_duration.clone(),
        );
        registry.register(
            "ringback_shards_owned",
            "Shards that this process owns; 64 over all nodes",
            self.shards_owned.clone(),
        );
        registry.register(
            "ringback_build",
            "The version of this program",
            Info::new(Build { version: env!("CARGO_PKG_VERSION") }),
        );
    }
}

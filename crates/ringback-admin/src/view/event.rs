//! Events.

use ringback::{
    emit::Emitted,
    id::{EndpointId, EventId},
    invalid::Warning,
    operate::routing::{RoutingEntry, Skipped},
    store::{EventRow, EventState},
    time::Timestamp,
};
use serde::Serialize;

use super::Delivery;

/// An event as listed.
#[derive(Serialize)]
pub(crate) struct Event {
    id: EventId,
    r#type: String,
    tenant: String,
    key: Option<String>,
    ordering_key: Option<String>,
    idempotency_key: Option<String>,
    occurred_at: Timestamp,
    accepted_at: Timestamp,
    state: EventState,
    duplicate_of: Option<EventId>,
    payload_bytes: i64,
    expunged_at: Option<Timestamp>,
}

impl From<EventRow> for Event {
    fn from(row: EventRow) -> Self {
        let EventRow { event, state, duplicate_of, payload_bytes, expunged_at, .. } = row;
        Self {
            id: event.id,
            r#type: event.event_type,
            tenant: event.tenant,
            key: event.key,
            ordering_key: event.ordering_key,
            idempotency_key: event.idempotency_key,
            occurred_at: event.occurred_at,
            accepted_at: event.id.accepted_at(),
            state,
            duplicate_of,
            payload_bytes,
            expunged_at,
        }
    }
}

/// One event with whom it went to, whom not, and what became of it.
#[derive(Serialize)]
pub(crate) struct EventWithRouting {
    #[serde(flatten)]
    pub(crate) event: Event,
    pub(crate) routing: Vec<Routing>,
    pub(crate) deliveries: Vec<Delivery>,
}

/// What routing decided about one endpoint, or one endpoint key that is nobody's.
#[derive(Serialize)]
pub(crate) struct Routing {
    endpoint_id: Option<EndpointId>,
    endpoint_key: Option<String>,
    verdict: &'static str,
    reason: Option<Skipped>,
}

impl From<RoutingEntry> for Routing {
    fn from(entry: RoutingEntry) -> Self {
        Self {
            endpoint_id: entry.endpoint,
            endpoint_key: entry.endpoint_key,
            verdict: if entry.skipped.is_none() { "delivery" } else { "skipped" },
            reason: entry.skipped,
        }
    }
}

/// The answer to an event that was handed in.
#[derive(Serialize)]
pub(crate) struct Accepted {
    id: EventId,
    duplicate: bool,
    warnings: Vec<Warning>,
}

impl From<Emitted> for Accepted {
    fn from(Emitted { id, duplicate, warnings }: Emitted) -> Self {
        Self { id, duplicate, warnings }
    }
}

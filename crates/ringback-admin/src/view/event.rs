//! Events.

use ringback::{
    emit::Emitted,
    id::{EndpointId, EventId},
    invalid::Warning,
    metadata::Metadata,
    operate::routing::{RoutingEntry, Skipped},
    store::{EventRow, EventState},
    time::Timestamp,
    trace::TraceContext,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::Delivery;
use crate::openapi::{answers, values};

/// An event as listed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Event {
    #[schema(value_type = values::EventId)]
    id: EventId,
    #[schema(value_type = values::EventType)]
    r#type: String,
    #[schema(value_type = values::Tenant)]
    tenant: String,
    #[schema(required, value_type = Option<values::Key>)]
    key: Option<String>,
    #[schema(required, value_type = Option<values::Key>)]
    ordering_key: Option<String>,
    #[schema(required, value_type = Option<values::Key>)]
    idempotency_key: Option<String>,
    #[schema(value_type = values::Time)]
    occurred_at: Timestamp,
    #[schema(value_type = values::Time)]
    accepted_at: Timestamp,
    #[schema(value_type = values::EventState)]
    state: EventState,
    #[schema(required, value_type = Option<values::EventId>)]
    duplicate_of: Option<EventId>,
    /// No attempt before this.
    #[schema(required, value_type = Option<values::Time>)]
    deliver_after: Option<Timestamp>,
    /// Dead, as `expired`, if no attempt has begun by then.
    #[schema(required, value_type = Option<values::Time>)]
    expires_at: Option<Timestamp>,
    /// What it is told apart by.
    #[schema(value_type = values::Metadata)]
    metadata: Metadata,
    payload_bytes: i64,
    #[schema(required, value_type = Option<values::Time>)]
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
            deliver_after: event.schedule.deliver_after,
            expires_at: event.schedule.expires_at,
            metadata: event.metadata.map(|metadata| *metadata).unwrap_or_default(),
            payload_bytes,
            expunged_at,
        }
    }
}

/// One event with whom it went to, whom not, and what became of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventWithRouting {
    #[serde(flatten)]
    pub(crate) event: Event,
    /// The trace that it came with.
    #[schema(required, value_type = Option<answers::Trace>)]
    pub(crate) trace: Option<TraceContext>,
    pub(crate) routing: Vec<Routing>,
    pub(crate) deliveries: Vec<Delivery>,
}

/// What routing decided about one endpoint, or one endpoint key that is nobody's.
#[derive(Serialize, ToSchema)]
pub(crate) struct Routing {
    #[schema(required, value_type = Option<values::EndpointId>)]
    endpoint_id: Option<EndpointId>,
    #[schema(required, value_type = Option<values::Key>)]
    endpoint_key: Option<String>,
    #[schema(value_type = values::RoutingVerdict)]
    verdict: &'static str,
    #[schema(required, value_type = Option<values::SkipReason>)]
    reason: Option<Skipped>,
    /// Why the endpoint's filter said neither yes nor no, so that the event went through; only there if it did so.
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_failed: Option<String>,
}

impl From<RoutingEntry> for Routing {
    fn from(entry: RoutingEntry) -> Self {
        Self {
            endpoint_id: entry.endpoint,
            endpoint_key: entry.endpoint_key,
            verdict: if entry.skipped.is_none() { "delivery" } else { "skipped" },
            reason: entry.skipped,
            filter_failed: entry.filter_failed,
        }
    }
}

/// The answer to an event that was handed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct Accepted {
    #[schema(value_type = values::EventId)]
    id: EventId,
    duplicate: bool,
    #[schema(value_type = Vec<answers::Warning>)]
    warnings: Vec<Warning>,
}

impl From<Emitted> for Accepted {
    fn from(Emitted { id, duplicate, warnings }: Emitted) -> Self {
        Self { id, duplicate, warnings }
    }
}

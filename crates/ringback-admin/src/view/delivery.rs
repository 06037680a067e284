//! Deliveries and dead letters.

use ringback::{
    attempt,
    delivery::{DeadReason, HoldReason, Status},
    endpoint::PolicyOrigin,
    id::{DeliveryId, EndpointId, EventId},
    store::DeliveryRow,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Destinations, attempt::Attempt};
use crate::openapi::values;

/// A delivery as listed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Delivery {
    #[schema(value_type = values::DeliveryId)]
    id: DeliveryId,
    #[schema(value_type = values::EventId)]
    event_id: EventId,
    #[schema(required, value_type = Option<values::EndpointId>)]
    endpoint_id: Option<EndpointId>,
    #[schema(value_type = values::Tenant)]
    tenant: String,
    #[schema(value_type = values::EventType)]
    r#type: String,
    #[schema(required, value_type = Option<values::Key>)]
    key: Option<String>,
    #[schema(required)]
    url: Option<String>,
    #[schema(value_type = values::Status)]
    status: Status,
    #[schema(required, value_type = Option<values::DeadReason>)]
    dead_reason: Option<DeadReason>,
    attempt_count: i32,
    /// How often it is sent before it is given up, by the present configuration; a replay begins anew. Null if its
    /// endpoint is deleted, or its destination cannot be read.
    #[schema(required)]
    max_attempts: Option<u32>,
    #[schema(required, value_type = Option<values::PolicyOrigin>)]
    policy_origin: Option<PolicyOrigin>,
    #[schema(required, value_type = Option<values::Time>)]
    next_attempt_at: Option<Timestamp>,
    #[schema(required, value_type = Option<values::Time>)]
    held_until: Option<Timestamp>,
    #[schema(required, value_type = Option<values::HoldReason>)]
    hold_reason: Option<HoldReason>,
    #[schema(value_type = values::Time)]
    created_at: Timestamp,
    #[schema(required, value_type = Option<values::Time>)]
    finished_at: Option<Timestamp>,
    /// What a dead one died of: the error of its last attempt, or why it could not be sent at all.
    #[schema(required)]
    last_error: Option<String>,
}

impl Delivery {
    pub(crate) fn of(row: &DeliveryRow, destinations: &Destinations) -> Self {
        // A hold matters only to deliveries that are still to be sent.
        let held = row.due_at.and(row.hold);
        let hold_reason = row.due_at.and_then(|_| destinations.hold(row));
        let next_attempt_at = match (hold_reason, held) {
            // Paused or disabled until an operator acts, so there is no time.
            (Some(_), _) => None,
            (None, Some((until, _))) => row.due_at.map(|due| due.max(until)),
            (None, None) => row.due_at,
        };
        let tries = destinations.tries(row);
        Self {
            id: row.id,
            event_id: row.id.event(),
            endpoint_id: row.endpoint,
            tenant: row.event.tenant.clone(),
            r#type: row.event.event_type.clone(),
            key: row.event.key.clone(),
            url: destinations.url(row),
            status: row.status,
            dead_reason: row.reason,
            attempt_count: row.attempts,
            max_attempts: tries.map(|tries| tries.max_attempts),
            policy_origin: tries.map(|tries| tries.origin),
            next_attempt_at,
            held_until: held.map(|(until, _)| until),
            hold_reason: hold_reason.or(held.map(|(_, reason)| reason)),
            created_at: row.created_at,
            finished_at: row.finished_at,
            last_error: row.last_error.clone(),
        }
    }
}

/// One delivery with everything that was tried.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryWithAttempts {
    #[serde(flatten)]
    delivery: Delivery,
    attempts: Vec<Attempt>,
}

impl DeliveryWithAttempts {
    pub(crate) fn of(row: &DeliveryRow, destinations: &Destinations, attempts: Vec<attempt::Attempt>) -> Self {
        Self { delivery: Delivery::of(row, destinations), attempts: attempts.into_iter().map(Attempt::from).collect() }
    }
}

/// A delivery that was given up.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeadLetter {
    #[serde(flatten)]
    delivery: Delivery,
    #[schema(required, value_type = Option<values::DeadReason>)]
    reason: Option<DeadReason>,
    #[schema(required, value_type = Option<values::Time>)]
    died_at: Option<Timestamp>,
    #[schema(required)]
    last_status_code: Option<u16>,
}

impl DeadLetter {
    pub(crate) fn of(row: &DeliveryRow, destinations: &Destinations) -> Self {
        Self {
            delivery: Delivery::of(row, destinations),
            reason: row.reason,
            died_at: row.finished_at,
            last_status_code: row.last_status,
        }
    }
}

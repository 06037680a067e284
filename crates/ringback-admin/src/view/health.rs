//! How an endpoint does.

use ringback::{
    attempt::ErrorClass,
    delivery::HoldReason,
    store::{
        LastFailure,
        rules::health::{self, HealthState},
    },
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::values;

/// How an endpoint does, from what its last attempts and its lane tell.
#[derive(Serialize, ToSchema)]
#[schema(as = EndpointHealth)]
pub(crate) struct Health {
    #[schema(value_type = values::HealthState)]
    state: HealthState,
    /// Since when it is in this state.
    #[schema(value_type = values::Time)]
    since: Timestamp,
    /// Why nothing is sent now.
    #[schema(required, value_type = Option<values::HoldReason>)]
    hold_reason: Option<HoldReason>,
    /// When that ends by itself, if it does.
    #[schema(required, value_type = Option<values::Time>)]
    held_until: Option<Timestamp>,
    /// Pending deliveries; counting stops at 100,000.
    pending: u32,
    /// When the first of them is due, or was.
    #[schema(required, value_type = Option<values::Time>)]
    oldest_due_at: Option<Timestamp>,
    /// When the last attempt that succeeded began.
    #[schema(required, value_type = Option<values::Time>)]
    last_success_at: Option<Timestamp>,
    #[schema(required)]
    last_failure: Option<Failure>,
}

/// The last attempt that failed.
#[derive(Serialize, ToSchema)]
struct Failure {
    #[schema(value_type = values::Time)]
    at: Timestamp,
    #[schema(required, value_type = Option<values::AttemptError>)]
    error: Option<ErrorClass>,
    /// The status that was answered, if one was.
    #[schema(required)]
    status_code: Option<u16>,
}

impl From<health::Health> for Health {
    fn from(health: health::Health) -> Self {
        let failure = |LastFailure { at, error, status }: LastFailure| Failure { at, error, status_code: status };
        Self {
            state: health.state,
            since: health.since,
            hold_reason: health.hold_reason,
            held_until: health.held_until,
            pending: health.pending,
            oldest_due_at: health.oldest_due_at,
            last_success_at: health.last_success_at,
            last_failure: health.last_failure.map(failure),
        }
    }
}

//! Dead letters in groups.

use ringback::{
    delivery::DeadReason,
    id::{DeliveryId, EndpointId},
    operate::dead_letters::Groups,
    store::DeadGroup,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::values;

/// Dead letters that have destination, type, cause and last answer in common.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeadLetterGroup {
    #[schema(value_type = values::Tenant)]
    tenant: String,
    /// Null for inline destinations.
    #[schema(required, value_type = Option<values::EndpointId>)]
    endpoint_id: Option<EndpointId>,
    /// Of the URL, with the port if that is not the scheme's own.
    #[schema(required)]
    host: Option<String>,
    #[schema(value_type = values::EventType)]
    r#type: String,
    #[schema(value_type = values::DeadReason)]
    reason: DeadReason,
    /// The error of their last attempts, or why they could not be sent at all.
    #[schema(required)]
    last_error: Option<String>,
    #[schema(required)]
    last_status_code: Option<u16>,
    count: u64,
    #[schema(value_type = values::Time)]
    first_died_at: Timestamp,
    #[schema(value_type = values::Time)]
    last_died_at: Timestamp,
    /// The one that died last.
    #[schema(value_type = values::DeliveryId)]
    example: DeliveryId,
}

/// All groups that there are, newest death first.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeadLetterGroups {
    items: Vec<DeadLetterGroup>,
    /// How many more groups there are: at most 1,000 are listed.
    more: u64,
}

impl From<Groups> for DeadLetterGroups {
    fn from(groups: Groups) -> Self {
        Self { items: groups.items.into_iter().map(DeadLetterGroup::from).collect(), more: groups.more }
    }
}

impl From<(DeadGroup, Option<String>)> for DeadLetterGroup {
    fn from((group, host): (DeadGroup, Option<String>)) -> Self {
        Self {
            tenant: group.tenant,
            endpoint_id: group.endpoint,
            host,
            r#type: group.event_type,
            reason: group.reason,
            last_error: group.last_error,
            last_status_code: group.last_status,
            count: group.count,
            first_died_at: group.first_died_at,
            last_died_at: group.last_died_at,
            example: group.example,
        }
    }
}

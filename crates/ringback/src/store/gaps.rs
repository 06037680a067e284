//! What became of the events with a key: the question of whoever expected a webhook for each of many calls.

use std::time::Duration;

use super::Span;
use crate::{
    delivery::Status,
    id::{DeliveryId, EndpointId},
    time::Timestamp,
    word::words,
};

words! {
    /// What became of the events with a key. Of several deliveries the worst counts, in this order.
    Fate {
        NeverEmitted "never_emitted": "no event with this key was handed in",
        Unmatched "unmatched": "its events went to nobody who was asked about",
        Dead "dead": "a delivery was given up",
        Pending "pending": "a delivery is still owed, or an event is not routed yet",
        Cancelled "cancelled": "a delivery will not be sent",
        DeliveredLate "delivered_late": "all were delivered, one of them late",
        Delivered "delivered": "all were delivered in time",
    }
}

/// Later than this after it was accepted, a delivery is late, unless another time is asked for.
pub const LATE_AFTER: Duration = Duration::from_secs(5 * 60);

/// Which deliveries are asked about.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// Of this tenant.
    pub tenant: Option<String>,
    /// To this endpoint.
    pub endpoint: Option<EndpointId>,
    /// Of events accepted in this time.
    pub accepted: Span,
    /// When a delivery is late; [`LATE_AFTER`] if unset.
    pub late_after: Option<Duration>,
}

/// What became of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// In a word.
    pub fate: Fate,
    /// The delivery that says so, if there is one.
    pub delivery: Option<DeliveryId>,
}

/// How a delivery stands, without its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The delivery.
    pub id: DeliveryId,
    /// Its endpoint; `None` if inline.
    pub endpoint: Option<EndpointId>,
    /// Its state. A delivered delivery that is being replayed stays `delivered`.
    pub status: Status,
    /// When it was delivered, died or was cancelled.
    pub finished_at: Option<Timestamp>,
}

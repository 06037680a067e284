//! What became of calls that somebody expected webhooks for: the platform's list of keys, held against what was sent.

use std::time::Duration;

use crate::{
    Engine,
    delivery::Status,
    id::{DeliveryId, EndpointId},
    store::{self, DeliveryRow, EventFilter, EventState, Span},
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

/// Most events of one key that are looked at, and most deliveries of each: a call has a handful.
const EVENTS_MAX: u32 = 100;
const DELIVERIES_MAX: usize = 1_000;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// In a word.
    pub fate: Fate,
    /// The delivery that says so, if there is one.
    pub delivery: Option<DeliveryId>,
}

impl Engine {
    /// What became of the events with a key.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn outcome_of_key(&self, key: &str, expected: &Expected) -> store::Result<Outcome> {
        let Expected { tenant, endpoint, accepted, late_after } = expected;
        let filter = EventFilter {
            tenant: tenant.clone(),
            key: Some(key.to_owned()),
            accepted: *accepted,
            ..EventFilter::default()
        };
        let events = self.events(&filter, None, EVENTS_MAX).await?.items;
        let nobody = |fate| Outcome { fate, delivery: None };
        let mut worst = nobody(if events.is_empty() { Fate::NeverEmitted } else { Fate::Unmatched });
        let mut found = Vec::new();
        for row in &events {
            if row.state == EventState::Unrouted {
                found.push(nobody(Fate::Pending));
            }
            let deliveries = self.deliveries_of(row.event.id, DELIVERIES_MAX).await?;
            let asked = deliveries.iter().filter(|it| endpoint.is_none_or(|id| it.endpoint == Some(id)));
            found.extend(
                asked.map(|it| Outcome { fate: fate(it, late_after.unwrap_or(LATE_AFTER)), delivery: Some(it.id) }),
            );
        }
        if let Some(found) = found.into_iter().min_by_key(|outcome| rank(outcome.fate)) {
            worst = found;
        }
        Ok(worst)
    }
}

fn rank(fate: Fate) -> usize {
    Fate::ALL.iter().position(|each| *each == fate).unwrap_or(usize::MAX)
}

fn fate(row: &DeliveryRow, late_after: Duration) -> Fate {
    match row.status {
        Status::Pending => Fate::Pending,
        Status::Dead => Fate::Dead,
        Status::Cancelled => Fate::Cancelled,
        Status::Delivered if row.finished_at.is_some_and(|at| at.since(row.created_at) > late_after) => {
            Fate::DeliveredLate
        }
        Status::Delivered => Fate::Delivered,
    }
}

//! What waits in the whole installation, as the store said it last. While nobody knows, these gauges are left out: a zero, or
//! an old value, would be a lie.

use std::{fmt, time::Duration};

use parking_lot::Mutex;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeMetric as _},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Unit,
};

use super::labels::Reason;
use crate::delivery::HoldReason;

/// Lanes that may not send, and the deliveries in them, for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldLanes {
    /// Why they may not send.
    pub reason: HoldReason,
    /// How many there are.
    pub lanes: usize,
    /// Their pending deliveries, counted up to [`COUNTED_MAX`](crate::operate::figures::COUNTED_MAX).
    pub deliveries: u32,
}

/// What waits in the whole installation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waiting {
    /// Pending deliveries, counted up to [`COUNTED_MAX`](crate::operate::figures::COUNTED_MAX).
    pub pending: u32,
    /// Dead letters, counted up to the same.
    pub dead: u32,
    /// For how long the oldest due delivery has been due, including held ones; `None` if none is due.
    pub oldest_due: Option<Duration>,
    /// The same of deliveries that nothing keeps from being sent: neither a hold of their lane nor an earlier delivery of
    /// their ordering key.
    pub oldest_due_unheld: Option<Duration>,
    /// What is held, for each reason.
    pub held: Vec<HeldLanes>,
    /// Replays of many deliveries that are under way.
    pub replays_running: usize,
}

/// The last answer of the store, if it is one to be shown.
#[derive(Debug, Default)]
pub(super) struct Shown(Mutex<Option<Waiting>>);

impl Shown {
    pub(super) fn set(&self, waiting: Option<Waiting>) {
        *self.0.lock() = waiting;
    }
}

impl Collector for Shown {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let waiting = self.0.lock().clone();
        let help = "Whether the database answered in time when it was asked for the gauges of the installation";
        gauge(&mut encoder, "ringback_store_up", help, u64::from(waiting.is_some()))?;
        let Some(waiting) = waiting else { return Ok(()) };
        let help = "Deliveries that are owed; counting stops at 100000";
        gauge(&mut encoder, "ringback_deliveries_pending", help, u64::from(waiting.pending))?;
        let help = "Deliveries that were given up and are kept; counting stops at 100000";
        gauge(&mut encoder, "ringback_dead_letters", help, u64::from(waiting.dead))?;
        let help = "For how long the delivery that has been due for longest has been, held ones included";
        age(&mut encoder, "ringback_oldest_due_age", help, waiting.oldest_due.unwrap_or_default())?;
        let help = "The same of deliveries that nothing keeps from being sent: neither a hold, nor a pause, nor an earlier \
                    delivery of their ordering key";
        age(&mut encoder, "ringback_oldest_due_unheld_age", help, waiting.oldest_due_unheld.unwrap_or_default())?;
        let help = "Pending deliveries in lanes that may not send; counting stops at 100000 for each reason";
        held(&mut encoder, "ringback_deliveries_held", help, &waiting, |held| u64::from(held.deliveries))?;
        let help = "Lanes that may not send now: held, paused, or their endpoint not enabled";
        held(&mut encoder, "ringback_lanes_held", help, &waiting, |held| held.lanes as u64)?;
        let help = "Replays of many deliveries that are under way";
        gauge(&mut encoder, "ringback_replays_running", help, waiting.replays_running as u64)
    }
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    encode(encoder, name, help, None, value)
}

fn age(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, age: Duration) -> fmt::Result {
    encode(encoder, name, help, Some(&Unit::Seconds), age.as_secs_f64())
}

fn encode(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: impl EncodeGaugeValue,
) -> fmt::Result {
    let encoder = encoder.encode_descriptor(name, &format!("{help}."), unit, MetricType::Gauge)?;
    ConstGauge::new(value).encode(encoder)
}

fn held(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    waiting: &Waiting,
    count: impl Fn(&HeldLanes) -> u64,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, &format!("{help}."), None, MetricType::Gauge)?;
    for held in &waiting.held {
        let labels = Reason { reason: held.reason.name() };
        ConstGauge::new(count(held)).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

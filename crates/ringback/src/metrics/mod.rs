//! Figures for monitoring. Nothing is registered process-wide: each engine has its own, and code that shows them asks the
//! engine.
//!
//! Counters and histograms are of what this process did since it began, and are lost with it. Counts that must not be lost
//! are in the ledger. Gauges are of this moment: those of the whole installation are asked of the store, see
//! [`Engine::refresh_metrics`](crate::Engine::refresh_metrics).
//!
//! A host that has a registry of its own adds Ringback's figures to it:
//!
//! ```no_run
//! # async fn scrape(engine: ringback::Engine) -> Result<String, std::fmt::Error> {
//! use prometheus_client::{encoding::text, registry::Registry};
//!
//! // Once, when the host starts.
//! let mut registry = Registry::default();
//! engine.metrics().register(&mut registry);
//!
//! // For each scrape.
//! engine.refresh_metrics().await;
//! let mut page = String::new();
//! text::encode(&mut page, &registry)?;
//! # Ok(page)
//! # }
//! ```
//!
//! `docs/METRICS.md` lists all names.

mod arrivals;
mod buckets;
mod labels;
mod register;
mod sums;
mod waiting;
mod worst;

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram};

pub(crate) use self::arrivals::Arrivals;
pub(crate) use self::sums::{ADDED_EVERY, Owed, Sums};
pub use self::waiting::{HeldLanes, Waiting};
use self::{
    labels::{Ended, Outcome, Reason, State, Statement, Status},
    waiting::Shown,
    worst::Worst,
};
use crate::{
    attempt::{Attempt, Conclusion},
    delivery::{DeadReason, Status as DeliveryStatus},
    store::{EventState, Recorded, Settlement},
};

/// The store's calls whose durations are measured: those that the pipeline repeats as long as anything is sent.
const STATEMENTS: [&str; 7] =
    ["accept", "read_outbox", "record_routing", "feed", "feed_lanes", "load_events", "record"];

/// The figures of one engine.
#[derive(Debug)]
pub struct Metrics {
    events_accepted: Counter,
    events: Family<State, Counter>,
    attempts: Family<Ended, Counter>,
    attempt_duration: Family<Outcome, Histogram>,
    first_attempt_delay: Histogram,
    deliveries: Family<Status, Counter>,
    delivery_duration: Histogram,
    dead: Family<Reason, Counter>,
    store_duration: StoreDurations,
    requests_open: Gauge,
    shards_owned: Gauge,
    waiting: Arc<Shown>,
    worst: Arc<Worst>,
}

/// How long the store's calls took.
pub(crate) type StoreDurations = Family<Statement, Histogram>;

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            events_accepted: Counter::default(),
            events: Family::default(),
            attempts: Family::default(),
            attempt_duration: Family::new_with_constructor(buckets::attempt),
            first_attempt_delay: buckets::first_attempt(),
            deliveries: Family::default(),
            delivery_duration: buckets::delivery(),
            dead: Family::default(),
            store_duration: Family::new_with_constructor(buckets::store),
            requests_open: Gauge::default(),
            shards_owned: Gauge::default(),
            waiting: Arc::default(),
            worst: Arc::default(),
        };
        metrics.begin_at_zero();
        metrics
    }
}

impl Metrics {
    /// Figures with those of the `per_endpoint` endpoints at which most fails.
    pub(crate) fn showing(per_endpoint: u32) -> Self {
        Self { worst: Arc::new(Worst::showing(per_endpoint)), ..Self::default() }
    }

    /// Shows zeros of what has not happened yet, so that a first time is a rise. Ways to fail are left out: there are many,
    /// and most never happen.
    fn begin_at_zero(&self) {
        for state in EventState::ALL.iter().filter(|state| **state != EventState::Unrouted) {
            drop(self.events.get_or_create(&State { state: state.name() }));
        }
        for outcome in Conclusion::ALL {
            drop(self.attempt_duration.get_or_create(&Outcome { outcome: outcome.name() }));
        }
        drop(self.attempts.get_or_create(&Ended::of(Conclusion::Delivered, None)));
        for status in DeliveryStatus::ALL {
            drop(self.deliveries.get_or_create(&Status { status: status.name() }));
        }
        for reason in DeadReason::ALL {
            drop(self.dead.get_or_create(&Reason { reason: reason.name() }));
        }
        for statement in STATEMENTS {
            drop(self.store_duration.get_or_create(&Statement { statement }));
        }
    }

    /// Attempts that this process has begun and not yet reported to be recorded.
    #[must_use]
    pub fn requests_open(&self) -> u64 {
        u64::try_from(self.requests_open.get()).unwrap_or(0)
    }

    /// Events that this process stored, and events that were emitted by SQL or Rust and that it routed. So each event is
    /// counted by one node only.
    #[must_use]
    pub fn events_accepted(&self) -> u64 {
        self.events_accepted.get()
    }

    /// Counts what one commit stored or routed.
    pub(crate) fn count_arrivals(&self, arrivals: &Arrivals) {
        self.events_accepted.inc_by(arrivals.events());
        for (state, count) in arrivals.states() {
            self.events.get_or_create(&State { state: state.name() }).inc_by(count);
        }
        self.count_deliveries(DeliveryStatus::Pending, arrivals.pending);
        self.count_deliveries(DeliveryStatus::Cancelled, arrivals.cancelled);
        self.count_dead(DeadReason::Unroutable, arrivals.unroutable);
    }

    /// Counts an outcome that the store has recorded, if it `applied`: otherwise it was stale, and changed nothing.
    pub(crate) fn count_recorded(&self, outcome: &Recorded, applied: bool, owed: &Owed) {
        let (Recorded { id, settlement, attempt, .. }, marks) = (outcome, owed.marks);
        if let Some(attempt) = attempt {
            self.count_attempt(attempt, applied);
        }
        // A replay of a delivered one stays delivered, whatever comes of it.
        if !applied || marks.delivered_before {
            return;
        }
        // Nobody waited for what was not to be sent yet.
        let accepted_at = id.event().accepted_at().max(owed.deliver_after.unwrap_or_default());
        if let Some(attempt) = attempt.as_ref().filter(|attempt| attempt.number == 1) {
            self.first_attempt_delay.observe(attempt.at.since(accepted_at).as_secs_f64());
        }
        match (settlement, attempt) {
            (Settlement::Delivered, Some(attempt)) => {
                self.count_deliveries(DeliveryStatus::Delivered, 1);
                // From its acceptance to its replay days may have passed, which nobody waited for.
                if !marks.replay {
                    let took = attempt.at.since(accepted_at) + attempt.duration;
                    self.delivery_duration.observe(took.as_secs_f64());
                }
            }
            (Settlement::Dead { reason, .. }, _) => self.count_dead(*reason, 1),
            _ => {}
        }
    }

    /// Counts committed outcomes that were not stale, by endpoint.
    pub(crate) fn count_by_endpoint<'a>(&self, outcomes: impl Iterator<Item = (&'a Recorded, &'a Owed)>) {
        self.worst.count(outcomes, Instant::now());
    }

    fn count_attempt(&self, attempt: &Attempt, applied: bool) {
        let outcome = if applied { attempt.conclusion } else { Conclusion::Stale };
        self.attempts.get_or_create(&Ended::of(outcome, attempt.error)).inc();
        let took = attempt.duration.as_secs_f64();
        self.attempt_duration.get_or_create(&Outcome { outcome: outcome.name() }).observe(took);
    }

    /// Counts deliveries that are dead letters from now on.
    pub(crate) fn count_dead(&self, reason: DeadReason, count: u64) {
        self.dead.get_or_create(&Reason { reason: reason.name() }).inc_by(count);
        self.count_deliveries(DeliveryStatus::Dead, count);
    }

    /// Counts deliveries that have come to this state.
    pub(crate) fn count_deliveries(&self, status: DeliveryStatus, count: u64) {
        self.deliveries.get_or_create(&Status { status: status.name() }).inc_by(count);
    }

    /// Where a store's calls are measured.
    pub(crate) fn store_durations(&self) -> StoreDurations {
        self.store_duration.clone()
    }

    /// Counts one more open request until the returned value is dropped.
    pub(crate) fn open_request(&self) -> OpenRequest<'_> {
        self.requests_open.inc();
        OpenRequest(self)
    }

    pub(crate) fn set_shards_owned(&self, count: usize) {
        self.shards_owned.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Sets what the store said just now; `None` if it did not answer, and nobody knows.
    pub(crate) fn set_waiting(&self, waiting: Option<Waiting>) {
        self.waiting.set(waiting);
    }
}

/// Measures a call of the store, if it is one of the pipeline's.
pub(crate) fn measure(durations: &StoreDurations, call: &'static str, took: Duration) {
    if STATEMENTS.contains(&call) {
        durations.get_or_create(&Statement { statement: call }).observe(took.as_secs_f64());
    }
}

/// A request that is open: counted until it is dropped.
#[must_use]
pub(crate) struct OpenRequest<'a>(&'a Metrics);

impl Drop for OpenRequest<'_> {
    fn drop(&mut self) {
        self.0.requests_open.dec();
    }
}

#[cfg(test)]
mod tests;

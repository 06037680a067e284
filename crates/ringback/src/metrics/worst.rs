//! The endpoints at which most fails, each with figures of its own: a bounded number of them, since an installation may have a
//! hundred thousand.
//!
//! An endpoint is counted from its first failure on. Failures count less the longer ago they were, and an endpoint at which
//! hardly any are left is forgotten, so that what is kept is as small as what fails.

use std::{collections::HashMap, fmt, time::Duration};

use parking_lot::Mutex;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _},
    metrics::{MetricType, counter::ConstCounter},
};
use tokio::time::Instant;

use super::Owed;
use crate::{
    attempt::Conclusion,
    id::EndpointId,
    store::{Recorded, Settlement},
};

/// After so long a failure counts half.
const HALVED_AFTER: Duration = Duration::from_secs(15 * 60);

/// What counts less than this is forgotten: one failure of two and a half hours ago.
const FORGOTTEN_BELOW: f64 = 0.001;

/// What is kept is looked through whenever so many endpoints more are in it than were left the last time.
const SWEPT_EVERY: usize = 1_000;

/// The endpoints at which something has failed lately.
#[derive(Debug, Default)]
pub(super) struct Worst {
    /// How many are shown; with 0 nothing is counted.
    most: usize,
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    of: HashMap<EndpointId, Counts>,
    /// How many were left when it was last looked through.
    left: usize,
}

impl Counted {
    /// Forgets where hardly any failure is left.
    fn sweep(&mut self, now: Instant) {
        self.of.retain(|_, counts| counts.weight(now) >= FORGOTTEN_BELOW);
        self.left = self.of.len();
    }
}

#[derive(Debug, Clone, Copy)]
struct Counts {
    delivered: u64,
    failed: u64,
    dead: u64,
    /// How bad it was at the moment beside it.
    weight: f64,
    at: Instant,
}

impl Counts {
    fn new(now: Instant) -> Self {
        Self { delivered: 0, failed: 0, dead: 0, weight: 0.0, at: now }
    }

    fn weight(&self, now: Instant) -> f64 {
        let halves = now.saturating_duration_since(self.at).as_secs_f64() / HALVED_AFTER.as_secs_f64();
        self.weight * (-halves).exp2()
    }

    fn worsen(&mut self, now: Instant) {
        (self.weight, self.at) = (self.weight(now) + 1.0, now);
    }
}

impl Worst {
    pub(super) fn showing(most: u32) -> Self {
        Self { most: usize::try_from(most).unwrap_or(usize::MAX), counted: Mutex::default() }
    }

    /// Counts committed outcomes that were not stale.
    pub(super) fn count<'a>(&self, outcomes: impl Iterator<Item = (&'a Recorded, &'a Owed)>, now: Instant) {
        if self.most == 0 {
            return;
        }
        let mut counted = self.counted.lock();
        for (Recorded { settlement, attempt, .. }, owed) in outcomes {
            let Some(endpoint) = owed.endpoint else { continue };
            let conclusion = attempt.as_ref().map(|attempt| attempt.conclusion);
            let died = matches!(settlement, Settlement::Dead { .. }) && !owed.marks.delivered_before;
            if conclusion == Some(Conclusion::Failed) || died {
                let counts = counted.of.entry(endpoint).or_insert_with(|| Counts::new(now));
                counts.worsen(now);
                counts.failed += u64::from(conclusion == Some(Conclusion::Failed));
                counts.dead += u64::from(died);
            } else if let Some(counts) = counted.of.get_mut(&endpoint) {
                counts.delivered += u64::from(conclusion == Some(Conclusion::Delivered));
            }
        }
        if counted.of.len() >= counted.left + SWEPT_EVERY {
            counted.sweep(now);
        }
    }

    /// The worst ones, the worst first.
    fn shown(&self, now: Instant) -> Vec<(EndpointId, Counts)> {
        let mut counted = self.counted.lock();
        counted.sweep(now);
        let mut all: Vec<_> = counted.of.iter().map(|(endpoint, counts)| (*endpoint, *counts)).collect();
        drop(counted);
        all.sort_by(|(one, a), (other, b)| b.weight(now).total_cmp(&a.weight(now)).then_with(|| one.cmp(other)));
        all.truncate(self.most);
        all
    }
}

#[derive(Debug, EncodeLabelSet)]
struct Attempts {
    endpoint: String,
    outcome: &'static str,
}

#[derive(Debug, EncodeLabelSet)]
struct Endpoint {
    endpoint: String,
}

impl Collector for Worst {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if self.most == 0 {
            return Ok(());
        }
        let shown = self.shown(Instant::now());
        let help = "Attempts of the endpoints at which most failed lately, each counted since its first failure.";
        let mut attempts = encoder.encode_descriptor("ringback_endpoint_attempts", help, None, MetricType::Counter)?;
        for (endpoint, counts) in &shown {
            for (conclusion, count) in [(Conclusion::Delivered, counts.delivered), (Conclusion::Failed, counts.failed)]
            {
                let labels = Attempts { endpoint: endpoint.to_string(), outcome: conclusion.name() };
                ConstCounter::new(count).encode(attempts.encode_family(&labels)?)?;
            }
        }
        let help = "Deliveries that became dead letters at the same endpoints.";
        let mut dead = encoder.encode_descriptor("ringback_endpoint_dead", help, None, MetricType::Counter)?;
        for (endpoint, counts) in &shown {
            let labels = Endpoint { endpoint: endpoint.to_string() };
            ConstCounter::new(counts.dead).encode(dead.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attempt::{Attempt, Detail},
        delivery::{DeadReason, LaneId, Marks},
        id::EventId,
        time::Timestamp,
    };

    fn endpoint(n: u128) -> Owed {
        let endpoint = Some(EndpointId::from_uuid(uuid::Uuid::from_u128(n)));
        Owed { endpoint, tenant: "acme".into(), marks: Marks::default(), deliver_after: None }
    }

    fn outcome(conclusion: Conclusion, settlement: Settlement) -> Recorded {
        let at = Timestamp::now();
        let attempt = Attempt {
            number: 1,
            at,
            conclusion,
            status: None,
            error: None,
            phase: None,
            ambiguous: false,
            duration: Duration::ZERO,
            detail: Detail::default().to_bytes(),
            response_body: bytes::Bytes::new(),
        };
        let (id, lane) = (EventId::new(at).delivery(1), LaneId::from_i64(1));
        Recorded { id, lane, fence: 0, settlement, attempt: Some(attempt) }
    }

    fn fails(worst: &Worst, n: u128, times: usize, now: Instant) {
        let (failed, owed) = (outcome(Conclusion::Failed, Settlement::Keep), endpoint(n));
        worst.count(std::iter::repeat_n((&failed, &owed), times), now);
    }

    fn order(worst: &Worst, now: Instant) -> Vec<u128> {
        worst.shown(now).into_iter().map(|(endpoint, _)| endpoint.uuid().as_u128()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn those_at_which_most_failed_lately_are_shown() {
        let (worst, start) = (Worst::showing(2), Instant::now());
        fails(&worst, 1, 10, start);
        fails(&worst, 2, 5, start);
        fails(&worst, 3, 7, start);
        assert_eq!(order(&worst, start), [1, 3]);
        let later = start + HALVED_AFTER * 2;
        fails(&worst, 2, 3, later);
        assert_eq!(order(&worst, later), [2, 1], "what is long ago counts less");
        assert_eq!(order(&worst, later + HALVED_AFTER * 20), [0_u128; 0], "and in the end nothing");
        assert!(worst.counted.lock().of.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn successes_count_from_the_first_failure_on() {
        let (worst, now) = (Worst::showing(1), Instant::now());
        let delivered = outcome(Conclusion::Delivered, Settlement::Delivered);
        let dead = Settlement::Dead { reason: DeadReason::Exhausted, detail: None, blocks: false };
        let died = outcome(Conclusion::Failed, dead);
        let (one, other) = (endpoint(1), endpoint(2));
        worst.count([(&delivered, &one), (&died, &one), (&delivered, &one), (&delivered, &other)].into_iter(), now);
        let [(_, counts)] = worst.shown(now)[..] else { panic!("one has failed") };
        assert_eq!((counts.delivered, counts.failed, counts.dead), (1, 1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_kept_unless_it_is_asked_for_nor_what_is_long_over() {
        let now = Instant::now();
        let none = Worst::showing(0);
        fails(&none, 1, 1, now);
        assert!(none.counted.lock().of.is_empty());
        let few = Worst::showing(1);
        for n in 0..3_000 {
            fails(&few, n, 1, now + HALVED_AFTER * (n as u32));
        }
        let kept = few.counted.lock().of.len();
        assert!(kept <= SWEPT_EVERY + 100, "{kept}");
    }
}

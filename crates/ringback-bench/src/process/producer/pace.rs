//! When the next event is due, and how many there are: shared by all connections of a producer.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};

use super::Done;
use crate::{
    failure::{Failure, Result},
    measure::{cpu, latency::Latencies},
};

/// How far behind its pace a producer may fall before it gives up.
const LATE_MAX: Duration = Duration::from_secs(60);

/// How many events, how fast.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Pace {
    /// At most so many.
    pub(crate) count: u64,
    /// A second, however long the answers take; `None`: as fast as they are answered.
    pub(crate) rate: Option<f64>,
    /// At most so long.
    pub(crate) seconds: f64,
}

impl Pace {
    /// So many, as fast as they are answered.
    pub(crate) const fn count(count: u64, seconds_max: f64) -> Self {
        Self { count, rate: None, seconds: seconds_max }
    }

    /// At this rate for so long.
    pub(crate) const fn rate(rate: f64, seconds: f64) -> Self {
        Self { count: u64::MAX, rate: Some(rate), seconds }
    }

    /// Longer than this takes.
    pub(crate) fn patience(self) -> Duration {
        Duration::from_secs_f64(self.seconds + 60.0) + LATE_MAX
    }
}

/// Hands out turns, and gathers what came of them.
pub(super) struct Turns {
    pace: Pace,
    started: Instant,
    cpu: Duration,
    next: AtomicU64,
    accepted: AtomicU64,
    failed: AtomicU64,
    failure: Mutex<Option<String>>,
    latencies: Mutex<Latencies>,
    late_ns: AtomicU64,
}

impl Turns {
    /// The first is due now.
    pub(super) fn begin(pace: Pace) -> Result<Self> {
        Ok(Self {
            pace,
            started: Instant::now(),
            cpu: cpu::of_process(std::process::id())?,
            next: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            failure: Mutex::default(),
            latencies: Mutex::default(),
            late_ns: AtomicU64::new(0),
        })
    }

    /// Waits until the next event is due and tells its number, counted from 0; `None` at the end.
    pub(super) async fn next(&self) -> Option<u64> {
        let number = self.next.fetch_add(1, Relaxed);
        let end = Duration::from_secs_f64(self.pace.seconds);
        // At a rate, what was due in time is sent even if late: how many there are follows from the pace alone.
        let last = if self.pace.rate.is_some() { end + LATE_MAX } else { end };
        if number >= self.pace.count || self.started.elapsed() >= last {
            return None;
        }
        if let Some(rate) = self.pace.rate {
            let due = Duration::from_secs_f64(number as f64 / rate);
            if due >= end {
                return None;
            }
            let due = self.started + due;
            sleep_until(due).await;
            self.late_ns.fetch_max(nanoseconds(due.elapsed()), Relaxed);
        }
        Some(number)
    }

    /// One was answered after `took`.
    pub(super) fn done(&self, took: Duration, outcome: Result<()>) {
        match outcome {
            Ok(()) => {
                self.accepted.fetch_add(1, Relaxed);
                self.latencies.lock().add_ns(nanoseconds(took));
            }
            Err(failure) => self.fail(failure),
        }
    }

    pub(super) fn fail(&self, failure: Failure) {
        self.failed.fetch_add(1, Relaxed);
        self.failure.lock().get_or_insert_with(|| failure.to_string());
    }

    /// The account of it all.
    pub(super) fn end(self) -> Result<Done> {
        let used = cpu::of_process(std::process::id())?.saturating_sub(self.cpu);
        Ok(Done {
            accepted: self.accepted.into_inner(),
            failed: self.failed.into_inner(),
            failure: self.failure.into_inner(),
            seconds: self.started.elapsed().as_secs_f64(),
            cpu_seconds: used.as_secs_f64(),
            latency: self.latencies.into_inner().summary(),
            late_ms: self.late_ns.into_inner() as f64 / 1e6,
        })
    }
}

fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

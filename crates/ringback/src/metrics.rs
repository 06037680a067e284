//! Counts since this process began. Nothing is registered process-wide: each engine has its own counts, and code that shows
//! them asks the engine.
//!
//! Counts only rise, except that of open requests, and are lost with the process. Counts that must not be lost are in the
//! ledger.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::attempt::{Conclusion, ErrorClass};

const CONCLUSIONS: [Conclusion; 3] = [Conclusion::Delivered, Conclusion::Failed, Conclusion::Stale];

/// One more than the highest code of an error: 0 stands for none.
const ERRORS: usize = ErrorClass::ALL.len() + 1;

/// The counts of one engine.
#[derive(Debug)]
pub struct Metrics {
    events_accepted: AtomicU64,
    requests_open: AtomicU64,
    /// By conclusion and error, both by their codes.
    attempts: [[AtomicU64; ERRORS]; CONCLUSIONS.len()],
}

/// How many attempts ended in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// How they ended.
    pub outcome: Conclusion,
    /// What went wrong.
    pub error: Option<ErrorClass>,
    /// How many.
    pub count: u64,
}

impl Default for Metrics {
    fn default() -> Self {
        let zeros = || std::array::from_fn(|_| AtomicU64::new(0));
        Self {
            events_accepted: AtomicU64::new(0),
            requests_open: AtomicU64::new(0),
            attempts: std::array::from_fn(|_| zeros()),
        }
    }
}

impl Metrics {
    /// Events that this process stored, and events that were emitted by SQL or Rust and that it routed. So each event is
    /// counted by one node only.
    #[must_use]
    pub fn events_accepted(&self) -> u64 {
        self.events_accepted.load(Ordering::Relaxed)
    }

    /// Attempts that this process has begun and not yet reported to be recorded.
    #[must_use]
    pub fn requests_open(&self) -> u64 {
        self.requests_open.load(Ordering::Relaxed)
    }

    /// Attempts that this process recorded, by how they ended; ways in which none has ended are left out.
    #[must_use]
    pub fn attempts(&self) -> Vec<Attempts> {
        let mut all = Vec::new();
        for (outcome, errors) in CONCLUSIONS.into_iter().zip(&self.attempts) {
            let ways = std::iter::once(None).chain(ErrorClass::ALL.iter().copied().map(Some));
            for (error, count) in ways.zip(errors) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    all.push(Attempts { outcome, error, count });
                }
            }
        }
        all
    }

    pub(crate) fn count_events(&self, count: usize) {
        self.events_accepted.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Counts one more open request until the returned value is dropped.
    pub(crate) fn open_request(&self) -> OpenRequest<'_> {
        self.requests_open.fetch_add(1, Ordering::Relaxed);
        OpenRequest(self)
    }

    pub(crate) fn count_attempt(&self, outcome: Conclusion, error: Option<ErrorClass>) {
        let row = CONCLUSIONS.iter().position(|each| *each == outcome);
        let column = error.and_then(|error| ErrorClass::ALL.iter().position(|each| *each == error));
        let column = column.map_or(0, |position| position + 1);
        if let Some(count) = row.and_then(|row| self.attempts.get(row)?.get(column)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A request that is open: counted until it is dropped.
#[must_use]
pub(crate) struct OpenRequest<'a>(&'a Metrics);

impl Drop for OpenRequest<'_> {
    fn drop(&mut self) {
        self.0.requests_open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_end_has_a_count_of_its_own() {
        let metrics = Metrics::default();
        for outcome in CONCLUSIONS {
            metrics.count_attempt(outcome, None);
            for error in ErrorClass::ALL {
                metrics.count_attempt(outcome, Some(*error));
            }
        }
        metrics.count_attempt(Conclusion::Failed, Some(ErrorClass::Panic));
        let attempts = metrics.attempts();
        assert_eq!(attempts.len(), CONCLUSIONS.len() * ERRORS);
        let twice: Vec<_> = attempts.iter().filter(|attempts| attempts.count != 1).collect();
        let panics = Attempts { outcome: Conclusion::Failed, error: Some(ErrorClass::Panic), count: 2 };
        assert_eq!(twice, [&panics]);
    }

    #[test]
    fn a_request_counts_as_open_until_it_is_dropped() {
        let metrics = Metrics::default();
        let open = [metrics.open_request(), metrics.open_request()];
        assert_eq!(metrics.requests_open(), 2);
        drop(open);
        assert_eq!(metrics.requests_open(), 0);
    }

    #[test]
    fn what_has_not_happened_is_not_told() {
        assert_eq!((Metrics::default().events_accepted(), Metrics::default().attempts()), (0, Vec::new()));
    }
}

//! Endpoints that nothing but fails at, as this node sees it: each from its first failure after its last success. All moments
//! are of this host's clock.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;

use crate::{
    attempt::{Attempt, Conclusion, ErrorClass},
    id::{DeliveryId, EndpointId},
    time::Timestamp,
};

/// Failures of one endpoint without a success between them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    /// When the first one began.
    pub(super) since: Timestamp,
    /// When the last one began.
    pub(super) last: Timestamp,
    pub(super) failures: u64,
    /// The last one's status, if it was answered, and its error.
    pub(super) answer: (Option<u16>, Option<ErrorClass>),
    pub(super) example: DeliveryId,
}

impl Run {
    /// For how long it has failed, as far as was tried.
    pub(super) fn lasted(&self) -> Duration {
        self.last.since(self.since)
    }

    /// What went wrong the last time.
    pub(super) fn error(&self) -> String {
        match self.answer {
            (Some(status), _) => format!("status {status}"),
            (None, Some(error)) => error.to_string(),
            (None, None) => "failed".to_owned(),
        }
    }
}

/// All runs of the lanes that this node owns, and what has become of those that are noted.
#[derive(Default)]
pub(crate) struct Runs(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    runs: HashMap<EndpointId, Run>,
    /// Noted as failing, by whichever node, and since when.
    standing: HashMap<EndpointId, Timestamp>,
    /// Of those the ones that have succeeded since.
    recovered: Vec<EndpointId>,
}

impl Runs {
    /// These attempts have ended, one after the other.
    pub(crate) fn saw<'a>(&self, attempts: impl Iterator<Item = (EndpointId, DeliveryId, &'a Attempt)>) {
        let mut inner = self.0.lock();
        for (endpoint, delivery, attempt) in attempts {
            inner.saw(endpoint, delivery, attempt);
        }
    }

    /// The runs for which this holds.
    pub(super) fn which(&self, holds: impl Fn(EndpointId, &Run) -> bool) -> Vec<(EndpointId, Run)> {
        let inner = self.0.lock();
        let found = inner.runs.iter().filter(|(endpoint, run)| holds(**endpoint, run));
        found.map(|(endpoint, run)| (*endpoint, run.clone())).collect()
    }

    /// Forgets runs of endpoints that this node does not send to any more.
    pub(super) fn keep(&self, sends_to: impl Fn(EndpointId) -> bool) {
        self.0.lock().runs.retain(|endpoint, _| sends_to(*endpoint));
    }

    /// Whether there is nothing to note.
    pub(super) fn are_quiet(&self) -> bool {
        let inner = self.0.lock();
        inner.runs.is_empty() && inner.recovered.is_empty()
    }

    /// What the book says of endpoints that fail. A success that came while it was read counts.
    pub(super) fn stand(&self, standing: impl Iterator<Item = (EndpointId, Timestamp)>) {
        let mut inner = self.0.lock();
        inner.standing = standing.collect();
        let recovered = std::mem::take(&mut inner.recovered);
        inner.standing.retain(|endpoint, _| !recovered.contains(endpoint));
        inner.recovered = recovered;
    }

    /// The endpoints that have recovered and are not noted as that yet.
    pub(super) fn recovered(&self) -> Vec<EndpointId> {
        self.0.lock().recovered.clone()
    }

    /// They are noted.
    pub(super) fn noted(&self, recovered: &[EndpointId]) {
        self.0.lock().recovered.retain(|endpoint| !recovered.contains(endpoint));
    }
}

impl Inner {
    fn saw(&mut self, endpoint: EndpointId, delivery: DeliveryId, attempt: &Attempt) {
        match attempt.conclusion {
            Conclusion::Delivered => {
                self.runs.remove(&endpoint);
                if self.standing.remove(&endpoint).is_some() {
                    self.recovered.push(endpoint);
                }
            }
            Conclusion::Failed => {
                let since = self.standing.get(&endpoint).copied().unwrap_or(attempt.at).min(attempt.at);
                let answer = (attempt.status, attempt.error);
                let begun = Run { since, last: attempt.at, failures: 0, answer, example: delivery };
                let run = self.runs.entry(endpoint).or_insert(begun);
                (run.last, run.answer, run.example) = (attempt.at, answer, delivery);
                run.failures += 1;
            }
            _ => {}
        }
    }
}

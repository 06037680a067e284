//! Filters that say neither yes nor no about an event: the log tells of each endpoint's now and then, since a filter that does not
//! fit what is emitted fails with every event.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::fan_out::FailedFilter;
use crate::id::{EndpointId, EventId};

/// Between two lines about one endpoint.
const PAUSE: Duration = Duration::from_secs(60);

/// Most endpoints that are remembered. Beyond it all are forgotten, and told again.
const REMEMBERED_MAX: usize = 10_000;

/// When which endpoints' filters were told last.
#[derive(Debug, Default)]
pub(crate) struct FailedFilters(Mutex<HashMap<EndpointId, Instant>>);

impl FailedFilters {
    /// Tells the log, unless it was told just now.
    pub(crate) fn tell(&self, event: EventId, failed: &[FailedFilter]) {
        let now = Instant::now();
        for (endpoint, why) in failed {
            if self.is_due(*endpoint, now) {
                tracing::warn!(%endpoint, %event, %why, "the filter of endpoint {endpoint} failed; the event goes through");
            }
        }
    }

    fn is_due(&self, endpoint: EndpointId, now: Instant) -> bool {
        let mut told = self.0.lock();
        if told.len() >= REMEMBERED_MAX && !told.contains_key(&endpoint) {
            told.clear();
        }
        let before = told.get(&endpoint).is_some_and(|at| now.duration_since(*at) < PAUSE);
        if !before {
            told.insert(endpoint, now);
        }
        !before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn an_endpoint_is_told_once_in_a_while() {
        let told = FailedFilters::default();
        let [one, two] = [1, 2].map(|millis| EndpointId::new(Timestamp::from_millis(millis)));
        let now = Instant::now();
        assert!(told.is_due(one, now) && told.is_due(two, now) && !told.is_due(one, now));
        assert!(told.is_due(one, now + PAUSE) && !told.is_due(two, now + PAUSE / 2));
    }
}

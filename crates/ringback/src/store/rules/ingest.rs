//! Since when accepted events were counted, where counting has a bound.

use crate::{id::EventId, store::Ingest, time::Timestamp};

/// `count` events were accepted, among `looked_at` of the newest since a moment, of which `oldest` is the oldest. If not more
/// than `looked_at_max` were to be looked at, and so many were, nothing is known of the time before the oldest.
#[must_use]
pub fn ingest(since: Timestamp, looked_at_max: u32, looked_at: u32, count: u32, oldest: Option<EventId>) -> Ingest {
    let is_cut_short = looked_at >= looked_at_max;
    Ingest { count, since: oldest.filter(|_| is_cut_short).map_or(since, |oldest| oldest.accepted_at().max(since)) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_reached_its_bound_counts_from_the_oldest_that_was_looked_at() {
        let since = Timestamp::from_micros(1_700_000_000_000_000);
        let oldest = EventId::new(since + Duration::from_secs(40));
        assert_eq!(ingest(since, 10, 9, 4, Some(oldest)), Ingest { count: 4, since });
        assert_eq!(ingest(since, 10, 10, 4, Some(oldest)), Ingest { count: 4, since: oldest.accepted_at() });
        assert_eq!(ingest(since, 10, 0, 0, None), Ingest { count: 0, since });
    }
}

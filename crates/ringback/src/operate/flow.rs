//! What comes in against what goes out: events accepted beside attempts made.

use std::time::Duration;

use super::figures::{self, Steps};
use crate::{
    Engine,
    store::{MINUTE, Span, Subject},
    time::Timestamp,
};

/// The time that is looked back on: long enough that a busy minute does not stand for all, short enough to see a change.
pub const LATELY: Duration = Duration::from_secs(300);

/// Most events that are counted, the newest: some ten milliseconds of a database's time. With more, the rate is that of the
/// time in which these were accepted.
const COUNTED_MAX: u32 = 10_000;

/// How much comes in and goes out in a minute, of one tenant or of all, over the time of [`LATELY`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Flow {
    /// Events that were accepted.
    pub accepted: f64,
    /// Attempts that ended.
    pub attempts: f64,
    /// Those of them that failed.
    pub failed: f64,
}

impl Engine {
    /// How much comes in and goes out.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn flow(&self, tenant: Option<&str>) -> Result<Flow, figures::Error> {
        let subject = tenant.map_or(Subject::All, |tenant| Subject::Tenant(tenant.to_owned()));
        let now = Timestamp::now();
        let span = Span { since: Some(now - LATELY), until: Some(now) };
        let minutes = self.figures(&subject, Steps { span, step: Some(MINUTE) }).await?;
        // Minutes are whole, so the first one begins a little earlier.
        let since = minutes.first().map_or(now - LATELY, |minute| minute.at);
        let sum = |of: fn(&figures::Attempts) -> u64| minutes.iter().map(|minute| of(&minute.attempts)).sum::<u64>();
        let ingest = self.store().accepted_since(tenant, since, COUNTED_MAX).await?;
        Ok(Flow {
            accepted: a_minute(ingest.count.into(), now.since(ingest.since)),
            attempts: a_minute(sum(|attempts| attempts.delivered + attempts.failed), now.since(since)),
            failed: a_minute(sum(|attempts| attempts.failed), now.since(since)),
        })
    }
}

/// How many in a minute, if there were `count` in this time. Less than a second tells nothing of a minute.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn a_minute(count: u64, time: Duration) -> f64 {
    count as f64 * 60.0 / time.as_secs_f64().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_time_that_was_counted() {
        let near = |is: f64, expected: f64| assert!((is - expected).abs() < 0.001, "{is}");
        near(a_minute(300, Duration::from_secs(300)), 60.0);
        near(a_minute(10_000, Duration::from_secs(2)), 300_000.0);
        near(a_minute(2, Duration::ZERO), 120.0);
    }
}

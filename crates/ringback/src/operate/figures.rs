//! Figures for operators: how much waits, and how the last attempts of an endpoint ended. Every read is bounded, so that its
//! cost does not grow with the tables.

use std::time::Duration;

use serde::Serialize;

use crate::{
    Engine,
    attempt::Conclusion,
    id::EndpointId,
    store::{self, Backlog, RecentAttempt},
    time::Timestamp,
};

/// Counting pending deliveries, and dead letters, stops here.
pub const COUNTED_MAX: u32 = 100_000;

/// An endpoint's figures are made of at most so many of its newest attempts, of at most so many of its newest deliveries.
pub const ATTEMPTS_MAX: u32 = 1_000;

/// How far back an endpoint's figures look.
const LATELY: Duration = Duration::from_secs(24 * 60 * 60);

/// How the newest [`ATTEMPTS_MAX`] attempts of an endpoint within the last 24 hours ended.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct LastDay {
    /// Answered with success.
    pub delivered: u32,
    /// Ended in any other way.
    pub failed: u32,
    /// The median duration, in milliseconds; `None` if there were no attempts.
    pub p50_ms: Option<f64>,
    /// The duration, in milliseconds, that 99 of 100 did not exceed.
    pub p99_ms: Option<f64>,
}

impl Engine {
    /// How many deliveries are pending and how many are dead now, each counted up to [`COUNTED_MAX`].
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn backlog(&self) -> store::Result<Backlog> {
        self.store().backlog(COUNTED_MAX).await
    }

    /// How an endpoint's attempts of the last 24 hours ended.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn last_day(&self, endpoint: EndpointId) -> store::Result<LastDay> {
        let since = Timestamp::now() - LATELY;
        Ok(summary(self.store().recent_attempts(endpoint, since, ATTEMPTS_MAX).await?))
    }
}

fn summary(attempts: Vec<RecentAttempt>) -> LastDay {
    let delivered = attempts.iter().filter(|attempt| attempt.conclusion == Conclusion::Delivered).count() as u32;
    let failed = attempts.len() as u32 - delivered;
    let mut durations: Vec<_> = attempts.into_iter().map(|attempt| attempt.duration).collect();
    durations.sort_unstable();
    LastDay { delivered, failed, p50_ms: percentile(&durations, 50), p99_ms: percentile(&durations, 99) }
}

/// The smallest duration that at least `percent` of a hundred do not exceed (nearest rank), in milliseconds.
fn percentile(sorted: &[Duration], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    let duration = sorted.get(rank.checked_sub(1)?)?;
    Some(duration.as_micros() as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(conclusion: Conclusion, ms: u64) -> RecentAttempt {
        RecentAttempt { conclusion, duration: Duration::from_millis(ms) }
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let hundred = (1..=100).rev().map(|ms| attempt(Conclusion::Delivered, ms)).collect();
        let day = summary(hundred);
        assert_eq!((day.delivered, day.p50_ms, day.p99_ms), (100, Some(50.0), Some(99.0)));
        let one = summary(vec![attempt(Conclusion::Failed, 7)]);
        assert_eq!(one, LastDay { delivered: 0, failed: 1, p50_ms: Some(7.0), p99_ms: Some(7.0) });
        assert_eq!(summary(Vec::new()), LastDay::default());
    }
}

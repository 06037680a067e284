//! Figures for operators: what waits, and how an endpoint's receiver has done lately. Every read is bounded, so that
//! asking costs the same however much there is.

use std::time::Duration;

use serde::Serialize;

use crate::{
    Engine,
    attempt::Conclusion,
    id::EndpointId,
    store::{self, Backlog, RecentAttempt},
    time::Timestamp,
};

/// Counting what is pending, and what is dead, stops here.
pub const COUNTED_MAX: u32 = 100_000;

/// The newest attempts that an endpoint's figures are made of, and the newest deliveries that they are looked for at.
pub const ATTEMPTS_MAX: u32 = 1_000;

/// How far back an endpoint's figures look.
const LATELY: Duration = Duration::from_secs(24 * 60 * 60);

/// What waits in the whole installation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waiting {
    /// Deliveries that are owed, counted up to [`COUNTED_MAX`].
    pub pending: u32,
    /// Dead letters, counted as far.
    pub dead: u32,
    /// For how long the delivery that has been due for longest has been, held ones included; `None` if none is due.
    pub oldest_due: Option<Duration>,
    /// Lanes that may not send now: held, or their endpoint paused or not enabled.
    pub lanes_held: usize,
}

/// How an endpoint's attempts of the last 24 hours ended; of the newest [`ATTEMPTS_MAX`] of them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct LastDay {
    /// Answered with success.
    pub delivered: u32,
    /// Ended in any other way.
    pub failed: u32,
    /// Half of them took no longer, in milliseconds; `None` if there were none.
    pub p50_ms: Option<f64>,
    /// 99 of 100 took no longer.
    pub p99_ms: Option<f64>,
}

impl Engine {
    /// What is pending and what is dead now, each counted up to [`COUNTED_MAX`].
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn backlog(&self) -> store::Result<Backlog> {
        self.store().backlog(COUNTED_MAX).await
    }

    /// What waits now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn waiting(&self) -> store::Result<Waiting> {
        let Backlog { pending, dead } = self.backlog().await?;
        let (oldest_due, lanes_held) = (self.oldest_due(None).await?, self.count_held().await?);
        Ok(Waiting { pending, dead, oldest_due, lanes_held })
    }

    /// How an endpoint's receiver has done in the last 24 hours.
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

/// The smallest that at least so many of a hundred do not exceed (nearest rank), in milliseconds.
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

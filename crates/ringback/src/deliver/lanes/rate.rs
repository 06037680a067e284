//! A lane's limit of requests per second: a token bucket that holds at most one second's worth.

use std::time::{Duration, Instant};

/// Tokens of one lane; a request takes one.
#[derive(Debug, Clone)]
pub(super) struct Rate {
    per_second: f64,
    tokens: f64,
    filled_at: Instant,
}

impl Rate {
    /// A bucket with one token: a fresh lane must not burst.
    pub(super) const fn new(per_second: f64, now: Instant) -> Self {
        Self { per_second, tokens: 1.0, filled_at: now }
    }

    pub(super) const fn per_second(&self) -> f64 {
        self.per_second
    }

    /// Takes a token, or tells when there will be one.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let filled = now.saturating_duration_since(self.filled_at).as_secs_f64() * self.per_second;
        // At a rate below one per second the bucket must still be able to hold one token.
        self.tokens = (self.tokens + filled).min(self.per_second.max(1.0));
        self.filled_at = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        let missing = (1.0 - self.tokens) / self.per_second;
        // A rate near zero would overflow: once a day it is looked at again.
        Err(now + Duration::try_from_secs_f64(missing).unwrap_or(DAY).min(DAY))
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_holds_more_than_the_rate() {
        let start = Instant::now();
        let mut rate = Rate::new(10.0, start);
        let mut now = start;
        let mut taken = 0;
        while now < start + Duration::from_secs(3) {
            match rate.take(now) {
                Ok(()) => taken += 1,
                Err(next) => now = next + Duration::from_micros(1),
            }
        }
        assert!((30..=31).contains(&taken), "{taken}");
    }

    #[test]
    fn a_slow_rate_still_lets_one_through() {
        let start = Instant::now();
        let mut rate = Rate::new(0.1, start);
        assert!(rate.take(start).is_ok());
        let next = rate.take(start).unwrap_err();
        assert!(rate.take(next + Duration::from_millis(1)).is_ok());
    }
}

//! Moments for people: the clock time in UTC, and how long ago.

use ringback::time::Timestamp;

/// `2026-01-31 12:00:05Z (4 min ago)`.
pub(crate) fn with_age(at: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", clock(at), at.relative_to(now))
}

/// `2026-01-31 12:00:05Z`: to the second, which is what a customer's log shows.
pub(crate) fn clock(at: Timestamp) -> String {
    let seconds = Timestamp::from_micros(at.seconds().saturating_mul(1_000_000));
    seconds.to_string().replacen('T', " ", 1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_show_both_clock_and_age() {
        let at = Timestamp::from_micros(1_736_937_000_123_456);
        assert_eq!(with_age(at, at + Duration::from_secs(300)), "2025-01-15 10:30:00Z (5 min ago)");
    }
}

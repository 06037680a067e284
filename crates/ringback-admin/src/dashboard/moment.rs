//! Moments for people: how long ago, and the clock time in UTC, to the second, as logs show it.

use ringback::time::Timestamp;

/// A moment on a page.
pub(super) struct Moment {
    /// `4 min ago`, `in 42 s`, `now`.
    pub(super) relative: String,
    /// `2026-01-31 12:00:05 UTC`.
    pub(super) clock: String,
    /// RFC 3339, for programs.
    pub(super) exact: String,
}

impl Moment {
    pub(super) fn new(at: Timestamp, now: Timestamp) -> Self {
        let seconds = Timestamp::from_micros(at.seconds().saturating_mul(1_000_000)).to_string();
        let clock = format!("{} UTC", seconds.replacen('T', " ", 1).trim_end_matches('Z'));
        Self { relative: at.relative_to(now), clock, exact: at.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_show_both_clock_and_age() {
        let at = Timestamp::from_micros(1_736_937_000_123_456);
        let moment = Moment::new(at, at + Duration::from_secs(300));
        assert_eq!((moment.relative.as_str(), moment.clock.as_str()), ("5 min ago", "2025-01-15 10:30:00 UTC"));
        assert_eq!(moment.exact, "2025-01-15T10:30:00.123456Z");
    }
}

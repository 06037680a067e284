//! Moments for people: the clock time in UTC, and how long ago.

use ringback::time::Timestamp;

/// `2026-01-31 12:00:05Z (4 min ago)`.
pub(crate) fn with_age(at: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", clock(at), relative(at, now))
}

/// `2026-01-31 12:00:05Z`: to the second, which is what a customer's log shows.
pub(crate) fn clock(at: Timestamp) -> String {
    let seconds = Timestamp::from_micros(at.seconds().saturating_mul(1_000_000));
    seconds.to_string().replacen('T', " ", 1)
}

/// `4 min ago`, `in 42 s`, `now`.
pub(crate) fn relative(at: Timestamp, now: Timestamp) -> String {
    let (past, future) = (now.since(at).as_secs(), at.since(now).as_secs());
    match (past, future) {
        (0, 0) => "now".to_owned(),
        (0, future) => format!("in {}", span(future)),
        (past, _) => format!("{} ago", span(past)),
    }
}

/// A span of time in the largest unit of which there are at least two; otherwise in seconds.
pub(crate) fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_show_both_clock_and_age() {
        let at = Timestamp::from_micros(1_736_937_000_123_456);
        assert_eq!(with_age(at, at + Duration::from_secs(300)), "2025-01-15 10:30:00Z (5 min ago)");
        assert_eq!(relative(at, at - Duration::from_secs(42)), "in 42 s");
        assert_eq!(relative(at, at), "now");
    }
}

//! `Retry-After` (RFC 9110 §10.2.3) as receivers really write it, hostile ones included.
//!
//! Arithmetic saturates and nothing panics: an answer must never be able to stop a sender.

use std::time::{Duration, UNIX_EPOCH};

use crate::time::Timestamp;

/// Longest wait that a receiver is granted.
const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Longest value that is parsed, in bytes: an HTTP date has 29.
const VALUE_BYTES_MAX: usize = 64;

/// How long the receiver asks Ringback to wait: the largest of its readable `Retry-After` values, at most 24 h; `None`
/// without one. Dates count from the answer's own `Date` if that is readable, so that a receiver's wrong clock does no
/// harm.
pub(crate) fn retry_after(headers: &[(String, String)], now: Timestamp) -> Option<Duration> {
    let named = |wanted: &'static str| {
        headers.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
    };
    let answered_at = || named("date").find_map(date).unwrap_or(now);
    named("retry-after").filter_map(|value| wait(value, answered_at)).max().map(|wait| wait.min(WAIT_MAX))
}

fn wait(value: &str, answered_at: impl Fn() -> Timestamp) -> Option<Duration> {
    let value = value.trim_matches([' ', '\t']);
    if value.is_empty() || value.len() > VALUE_BYTES_MAX {
        return None;
    }
    seconds(value).or_else(|| date(value).map(|until| until.since(answered_at())))
}

/// Seconds, with a fraction as some rate limiters write them (`6.457`), rounded up to the millisecond so that no request
/// comes too early.
fn seconds(value: &str) -> Option<Duration> {
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
    if !are_digits(whole) || !are_digits(fraction) {
        return None;
    }
    let place = |at: usize| fraction.as_bytes().get(at).map_or(0, |digit| u64::from(digit - b'0'));
    let millis = place(0) * 100 + place(1) * 10 + place(2);
    let rounds_up = fraction.bytes().skip(3).any(|digit| digit != b'0');
    // Parsing digits fails only by overflow: the value is huge.
    let whole = Duration::from_secs(whole.parse().unwrap_or(u64::MAX));
    Some(whole.saturating_add(Duration::from_millis(millis + u64::from(rounds_up))))
}

/// An HTTP date in any of its three forms.
fn date(value: &str) -> Option<Timestamp> {
    let value = value.trim_matches([' ', '\t']);
    let since = httpdate::parse_http_date(value).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(0) + since)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sun, 06 Nov 1994 08:49:37 GMT
    const NOW: Timestamp = Timestamp::from_millis(784_111_777_000);

    fn seconds(values: &[(&str, &str)]) -> Option<u64> {
        let headers: Vec<_> = values.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        retry_after(&headers, NOW).map(|wait| wait.as_secs())
    }

    fn one(value: &str) -> Option<u64> {
        seconds(&[("retry-after", value)])
    }

    #[test]
    fn seconds_and_all_forms_of_dates_are_read() {
        assert_eq!(one("120"), Some(120));
        assert_eq!(one(" 120\t"), Some(120));
        assert_eq!(one("0"), Some(0));
        assert_eq!(one("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(one("Sunday, 06-Nov-94 08:50:37 GMT"), Some(60));
        assert_eq!(one("Sun Nov  6 08:50:37 1994"), Some(60));
    }

    #[test]
    fn a_fraction_is_rounded_up_to_the_millisecond() {
        let millis = |value: &str| {
            let headers = [("retry-after".to_owned(), value.to_owned())];
            retry_after(&headers, NOW).map(|wait| wait.as_millis())
        };
        assert_eq!(millis("6.457"), Some(6_457));
        assert_eq!(millis("0.5"), Some(500));
        assert_eq!(millis("1.05"), Some(1_050));
        assert_eq!(millis("1.0"), Some(1_000));
        assert_eq!(millis("1.0000"), Some(1_000));
        assert_eq!(millis("1.2340001"), Some(1_235));
        assert_eq!(millis("1.9999"), Some(2_000));
        assert_eq!(millis("18446744073709551615.9999"), Some(86_400_000));
    }

    #[test]
    fn a_date_counts_from_the_answers_own_clock() {
        let later = ("retry-after", "Tue, 15 Nov 1994 08:12:31 GMT");
        assert_eq!(seconds(&[("date", "Tue, 15 Nov 1994 08:12:01 GMT"), later]), Some(30));
        assert_eq!(seconds(&[("Date", "yesterday"), ("Retry-After", "Sun, 06 Nov 1994 08:49:40 GMT")]), Some(3));
    }

    #[test]
    fn a_date_in_the_past_asks_for_nothing() {
        assert_eq!(one("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
    }

    #[test]
    fn hostile_values_are_ignored_or_cut() {
        for value in [
            "",
            " ",
            "-5",
            "+5",
            "1.",
            ".5",
            ".",
            "1.5.0",
            "1.-5",
            "1. 5",
            "1,5",
            "1.5s",
            "1e3",
            "1e300",
            "inf",
            "NaN",
            "0x10",
            "soon",
            "1 2",
            "1,2",
            "\u{661}\u{662}",
            "Sun, 06 Nov 1994 08:49:37 +0900",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            &"9".repeat(65),
            &"(".repeat(60),
        ] {
            assert_eq!(one(value), None, "{value}");
        }
        for value in ["9223372036854775807", "18446744073709551616", &"9".repeat(64), "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(one(value), Some(86_400), "{value}");
        }
    }

    #[test]
    fn the_largest_of_several_counts_and_garbage_does_not() {
        assert_eq!(seconds(&[("retry-after", "5"), ("Retry-After", "70"), ("retry-after", "never")]), Some(70));
        assert_eq!(seconds(&[("x-retry-after", "5")]), None);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic_or_exceed_a_day(value in "\\PC{0,80}", date in "\\PC{0,40}") {
            if let Some(wait) = seconds(&[("retry-after", &value), ("date", &date)]) {
                prop_assert!(wait <= 86_400);
            }
        }
    }
}

//! Numbers and durations with their limits.

use std::time::Duration;

use ringback::time::{parse_duration, print_duration};

use super::super::value::Value;

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whole<const MIN: u64, const MAX: u64>(pub(crate) u64);

impl<const MIN: u64, const MAX: u64> Value for Whole<MIN, MAX> {
    const NAME: &'static str = "N";

    fn expected() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }

    fn parse(text: &str) -> Option<Self> {
        let number = text.parse().ok()?;
        (MIN..=MAX).contains(&number).then_some(Self(number))
    }
}

/// A duration from `MIN_MS` to `MAX_MS` milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span<const MIN_MS: u64, const MAX_MS: u64>(pub(crate) Duration);

impl<const MIN_MS: u64, const MAX_MS: u64> Value for Span<MIN_MS, MAX_MS> {
    const NAME: &'static str = "DURATION";

    fn expected() -> String {
        let (min, max) = (print_duration(MIN_MS), print_duration(MAX_MS));
        format!("a duration from {min} to {max}: a whole number and one of ms s m h d, such as 12s")
    }

    fn parse(text: &str) -> Option<Self> {
        let duration = parse_duration(text)?;
        let (min, max) = (Duration::from_millis(MIN_MS), Duration::from_millis(MAX_MS));
        (min..=max).contains(&duration).then_some(Self(duration))
    }
}

/// Such a duration, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit<const MIN_MS: u64, const MAX_MS: u64>(pub(crate) Option<Duration>);

impl<const MIN_MS: u64, const MAX_MS: u64> Value for Limit<MIN_MS, MAX_MS> {
    const NAME: &'static str = "DURATION|none";

    fn expected() -> String {
        format!("{}, or none", Span::<MIN_MS, MAX_MS>::expected())
    }

    fn parse(text: &str) -> Option<Self> {
        if text == "none" {
            return Some(Self(None));
        }
        Span::<MIN_MS, MAX_MS>::parse(text).map(|span| Self(Some(span.0)))
    }
}

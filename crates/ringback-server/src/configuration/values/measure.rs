//! Numbers and durations with their limits.

use std::time::Duration;

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

/// The units of durations with their milliseconds, longest name first so that `ms` is not read as `s`.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads a whole number with a unit: `250ms`, `12s`, `7d`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let (number, ms) = UNITS.iter().find_map(|(unit, ms)| Some((text.strip_suffix(unit)?, ms)))?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(*ms)?))
}

/// Writes milliseconds in the largest unit that fits evenly.
pub(crate) fn print_duration(ms: u64) -> String {
    let fits = UNITS.iter().rev().find(|(_, unit)| ms >= *unit && ms.is_multiple_of(*unit));
    fits.map_or_else(|| format!("{ms}ms"), |(name, unit)| format!("{}{name}", ms / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_whole_number_with_a_unit() {
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse_duration("7d"), Some(Duration::from_secs(604_800)));
        for wrong in ["", "s", "12", "1.5h", "-1s", "+1s", " 1s", "1 s", "1w", "99999999999999999999d"] {
            assert_eq!(parse_duration(wrong), None, "{wrong:?}");
        }
        assert_eq!(print_duration(90_000), "90s");
        assert_eq!(print_duration(0), "0ms");
    }
}

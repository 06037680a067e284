//! A moment as microseconds since the Unix epoch: what stores keep and statements compare.

use std::{
    fmt,
    ops::{Add, Sub},
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jiff::{SignedDuration, civil::DateTime, fmt::temporal::Pieces};

/// The epoch, from which microseconds are counted.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// A moment in UTC, to the microsecond. Printed as RFC 3339 with as many digits as are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A text that is not an RFC 3339 date and time with an offset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time such as 2026-01-31T12:00:00Z")]
pub struct Malformed;

impl Timestamp {
    /// The host's clock, now.
    #[must_use]
    pub fn now() -> Self {
        #[cfg(test)]
        if let Some(simulated) = crate::simulation::wall_clock() {
            return simulated;
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    /// From microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since the epoch, rounded down.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// How long after `earlier` this is; zero if it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// For people, how far it is from `now`: `4 min ago`, `in 42 s`, `now`.
    #[must_use]
    pub fn relative_to(self, now: Self) -> String {
        let (past, future) = (now.since(self).as_secs(), self.since(now).as_secs());
        match (past, future) {
            (0, 0) => "now".to_owned(),
            (0, future) => format!("in {}", span(future)),
            (past, _) => format!("{} ago", span(past)),
        }
    }
}

/// For people, a span of time in the largest unit of which there are at least two; otherwise in seconds.
#[must_use]
pub fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since_epoch = SignedDuration::from_micros(self.0);
        match EPOCH.checked_add(since_epoch) {
            Ok(moment) => write!(f, "{moment}Z"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        // Not as an instant of `jiff`'s: those end a day before the years of RFC 3339 do, to leave room for every offset.
        let pieces = Pieces::parse(text).map_err(|_| Malformed)?;
        let (Some(time), Some(offset), None) =
            (pieces.time(), pieces.to_numeric_offset(), pieces.time_zone_annotation())
        else {
            return Err(Malformed);
        };
        let local = pieces.date().to_datetime(time).duration_since(EPOCH);
        let moment = local - SignedDuration::from_secs(i64::from(offset.seconds()));
        i64::try_from(moment.as_micros()).map(Self).map_err(|_| Malformed)
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The units of durations with their milliseconds, longest name first so that `ms` is not read as `s`.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads a whole number with a unit: `250ms`, `12s`, `7d`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, ms) = UNITS.iter().find_map(|(unit, ms)| Some((text.strip_suffix(unit)?, ms)))?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(*ms)?))
}

/// Writes milliseconds in the largest unit that fits evenly.
#[must_use]
pub fn print_duration(ms: u64) -> String {
    let fits = UNITS.iter().rev().find(|(_, unit)| ms >= *unit && ms.is_multiple_of(*unit));
    fits.map_or_else(|| format!("{ms}ms"), |(name, unit)| format!("{}{name}", ms / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_reads_rfc_3339() {
        let moment = Timestamp::from_micros(1_736_937_000_000_000);
        assert_eq!(moment.to_string(), "2025-01-15T10:30:00Z");
        assert_eq!("2025-01-15T11:30:00+01:00".parse(), Ok(moment));
        assert_eq!(moment.to_string().parse(), Ok(moment));
        assert_eq!(Timestamp::from_micros(-1).to_string(), "1969-12-31T23:59:59.999999Z");
        for wrong in ["yesterday", "2025-01-15T10:30:00", "2025-01-15", "2025-01-15T10:30:00[Europe/Berlin]", ""] {
            assert_eq!(wrong.parse::<Timestamp>(), Err(Malformed), "{wrong}");
        }
    }

    #[test]
    fn every_year_of_rfc_3339_is_a_time() {
        for text in ["0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
        let ends =
            ["0000-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"].map(|text| text.parse::<Timestamp>().unwrap());
        assert!(ends[0] < "0000-01-01T00:00:00Z".parse().unwrap());
        assert!(ends[1] > Timestamp::from_micros(253_402_300_799_999_999));
    }

    #[test]
    fn spans_are_told_in_the_largest_unit_of_which_there_are_two() {
        let at = Timestamp::from_micros(1_736_937_000_123_456);
        let told = |seconds| at.relative_to(at + Duration::from_secs(seconds));
        assert_eq!([0, 119, 120, 7_200, 172_800].map(told), ["now", "119 s ago", "2 min ago", "2 h ago", "2 d ago"]);
        assert_eq!(at.relative_to(at - Duration::from_secs(42)), "in 42 s");
    }

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

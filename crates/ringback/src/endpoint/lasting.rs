//! Spans of time as settings have them.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::{parse_duration, print_duration};

/// A span of time, written as a whole number with a unit: `90s`, `5d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting(Duration);

/// What is no span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number and one of ms s m h d, such as 12s")]
pub struct NoSpan;

impl From<Duration> for Lasting {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl From<Lasting> for Duration {
    fn from(lasting: Lasting) -> Self {
        lasting.0
    }
}

impl FromStr for Lasting {
    type Err = NoSpan;

    fn from_str(text: &str) -> Result<Self, NoSpan> {
        parse_duration(text).map(Self).ok_or(NoSpan)
    }
}

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print_duration(u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)))
    }
}

impl Serialize for Lasting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Lasting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

//! Status codes, one by one and by range.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Most entries of a list.
pub(super) const ENTRIES_MAX: usize = 32;

/// The status codes that a receiver can answer with; lower ones are interim.
const CODES: RangeInclusive<u16> = 200..=599;

/// A list of status codes and ranges of them, as `["200-299", "404"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statuses(Vec<RangeInclusive<u16>>);

/// An entry that is neither a status code nor a range of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a status code from 200 to 599, or a range of them such as 200-299")]
pub struct NoStatus;

impl Statuses {
    /// Reads the entries.
    ///
    /// # Errors
    /// When an entry is neither a status code nor a range.
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, NoStatus> {
        entries.into_iter().map(entry).collect::<Result<_, _>>().map(Self)
    }

    /// No status at all.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// A status that is among both.
    pub(super) fn common(&self, other: &Self) -> Option<u16> {
        CODES.into_iter().find(|status| self.contain(*status) && other.contain(*status))
    }

    /// Whether a status code is among them.
    #[must_use]
    pub(crate) fn contain(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }

    /// How many entries there are.
    pub(super) const fn count(&self) -> usize {
        self.0.len()
    }
}

/// 200 to 299.
impl Default for Statuses {
    fn default() -> Self {
        Self(vec![200..=299])
    }
}

fn entry(text: &str) -> Result<RangeInclusive<u16>, NoStatus> {
    let code = |text: &str| {
        let is_plain = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|code| is_plain && CODES.contains(code)).ok_or(NoStatus)
    };
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let range = code(from)?..=code(to)?;
    if range.is_empty() { Err(NoStatus) } else { Ok(range) }
}

/// Entries with commas between them.
impl FromStr for Statuses {
    type Err = NoStatus;

    fn from_str(text: &str) -> Result<Self, NoStatus> {
        Self::of(text.split(',').map(str::trim))
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(printed).collect::<Vec<_>>().join(","))
    }
}

fn printed(range: &RangeInclusive<u16>) -> String {
    let (from, to) = (range.start(), range.end());
    if from == to { from.to_string() } else { format!("{from}-{to}") }
}

impl Serialize for Statuses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(printed))
    }
}

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = Vec::<String>::deserialize(deserializer)?;
        Self::of(entries.iter().map(String::as_str)).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_ranges_are_read_and_printed_as_they_were() {
        let statuses: Statuses = "200-204, 410,302-302".parse().unwrap();
        assert_eq!(statuses.to_string(), "200-204,410,302");
        for (status, is_among) in [(199, false), (200, true), (204, true), (205, false), (302, true), (410, true)] {
            assert_eq!(statuses.contain(status), is_among, "{status}");
        }
        let kept = serde_json::to_string(&statuses).unwrap();
        assert_eq!(kept, r#"["200-204","410","302"]"#);
        assert_eq!(serde_json::from_str::<Statuses>(&kept).unwrap(), statuses);
    }

    #[test]
    fn what_two_lists_have_in_common_is_found_inside_ranges() {
        let common =
            |one: &str, other: &str| one.parse::<Statuses>().unwrap().common(&other.parse::<Statuses>().unwrap());
        assert_eq!(common("200-299", "299-400"), Some(299));
        assert_eq!(common("599", "500-599"), Some(599));
        assert_eq!(common("200-299", "300-400"), None);
        assert_eq!(Statuses::none().common(&Statuses::default()), None);
    }

    #[test]
    fn what_no_receiver_answers_with_in_the_end_is_refused() {
        for text in ["", "199", "600", "100-299", "204-200", "2xx", "+200", "0200", "200-", "-299", "200–299"] {
            assert_eq!(text.parse::<Statuses>(), Err(NoStatus), "{text:?}");
        }
    }
}

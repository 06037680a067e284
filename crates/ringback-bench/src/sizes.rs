//! How large payloads are.

use serde::{Deserialize, Serialize};

/// Sizes of payloads, by the number of the event, so that every run has the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sizes {
    /// All alike, in bytes.
    Fixed(usize),
    /// What calls come to: most are short, and half of all bytes are in three of a hundred.
    Calls,
}

/// What most scenarios use.
pub(crate) const USUAL: Sizes = Sizes::Fixed(2_048);

/// Of a thousand calls so many have up to so many bytes: 55 % 1.2 KB, 30 % 5 KB, 12 % 22 KB, 2.7 % 110 KB, 0.3 % 450 KB.
const CALLS: [(u64, usize); 5] = [(550, 1_200), (850, 5_000), (970, 22_000), (997, 110_000), (1_000, 450_000)];

impl Sizes {
    /// The size of an event's payload, in bytes.
    pub(crate) fn of(self, number: u64) -> usize {
        match self {
            Self::Fixed(bytes) => bytes,
            Self::Calls => {
                // 617 has no factor in common with 1,000: each thousand events in a row have the exact mix, shuffled.
                let place = number.wrapping_mul(617) % 1_000;
                CALLS.iter().find(|(below, _)| place < *below).map_or(0, |(_, bytes)| *bytes)
            }
        }
    }

    /// The same as an SQL expression over the event's number `i`, in both dialects.
    pub(crate) fn sql(self) -> String {
        match self {
            Self::Fixed(bytes) => bytes.to_string(),
            Self::Calls => {
                let arms = CALLS.map(|(below, bytes)| format!("WHEN i * 617 % 1000 < {below} THEN {bytes}"));
                format!("(CASE {} END)", arms.join(" "))
            }
        }
    }

    /// The largest there is.
    pub(crate) fn largest(self) -> usize {
        match self {
            Self::Fixed(bytes) => bytes,
            Self::Calls => CALLS[CALLS.len() - 1].1,
        }
    }

    /// The mean.
    pub(crate) fn mean(self) -> f64 {
        (0..1_000).map(|number| self.of(number) as f64).sum::<f64>() / 1_000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_calls_have_the_whole_mix() {
        let of_size = |bytes| (5_000..6_000).filter(|number| Sizes::Calls.of(*number) == bytes).count();
        assert_eq!([1_200, 5_000, 22_000, 110_000, 450_000].map(of_size), [550, 300, 120, 27, 3]);
        assert!((9_000.0..9_300.0).contains(&Sizes::Calls.mean()), "{}", Sizes::Calls.mean());
    }
}

//! Durations in buckets that can be added up: minutes, endpoints and nodes together have the percentiles of all their
//! attempts. Each power of two of microseconds is divided into eight buckets, so that a percentile is told to within 6 %.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

/// A power of two is divided into `1 << SPLIT_BITS` buckets.
const SPLIT_BITS: u32 = 3;

/// How many durations fell into each bucket.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram(BTreeMap<u16, u64>);

impl Histogram {
    /// Adds one duration.
    pub fn add(&mut self, duration: Duration) {
        *self.0.entry(bucket(duration)).or_default() += 1;
    }

    /// Adds all durations of another.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.0 {
            *self.0.entry(*bucket).or_default() += count;
        }
    }

    /// How many durations there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// The duration that `percent` of a hundred did not exceed, in milliseconds: the middle of its bucket. `None` if there
    /// are no durations.
    #[must_use]
    pub fn percentile_ms(&self, percent: u64) -> Option<f64> {
        let rank = (self.count() * percent).div_ceil(100).max(1);
        let mut passed = 0;
        let found = self.0.iter().find(|(_, count)| {
            passed += *count;
            passed >= rank
        });
        found.map(|(bucket, _)| middle_ms(*bucket))
    }
}

/// Durations below eight microseconds have a bucket each. Above, a bucket's number is the position of the highest bit,
/// followed by the next [`SPLIT_BITS`] bits.
fn bucket(duration: Duration) -> u16 {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let shift = micros.checked_ilog2().unwrap_or(0).saturating_sub(SPLIT_BITS);
    let (steps, rest) = (u64::from(shift) << SPLIT_BITS, micros >> shift);
    u16::try_from(steps + rest).unwrap_or(u16::MAX)
}

fn middle_ms(bucket: u16) -> f64 {
    let low = |bucket: u16| {
        let shift = (bucket >> SPLIT_BITS).saturating_sub(1);
        let rest = bucket - (shift << SPLIT_BITS);
        f64::from(rest) * f64::from(shift).exp2()
    };
    let exact = bucket < 2 << SPLIT_BITS;
    let micros = if exact { low(bucket) } else { (low(bucket) + low(bucket + 1)) / 2.0 };
    // Whole microseconds: more digits would promise what a bucket does not know.
    micros.round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_within_six_percent_from_microseconds_to_minutes() {
        for step in 0..2_000_u32 {
            let micros = 1.01_f64.powi(step.cast_signed()).min(1e8);
            let mut one = Histogram::default();
            one.add(Duration::from_micros(micros as u64));
            let (told, truth) = (one.percentile_ms(50).unwrap(), (micros as u64) as f64 / 1_000.0);
            assert!((told - truth).abs() <= truth * 0.063, "{truth} {told}");
        }
    }

    #[test]
    fn buckets_rise_with_durations_and_leave_no_gap() {
        let mut last = 0;
        for micros in 0..100_000 {
            let next = bucket(Duration::from_micros(micros));
            assert!(next == last || next == last + 1, "{micros}");
            last = next;
        }
        assert!(bucket(Duration::MAX) > last);
    }

    #[test]
    fn what_is_merged_has_the_percentiles_of_all() {
        let of = |range: std::ops::RangeInclusive<u64>| {
            let mut histogram = Histogram::default();
            range.for_each(|ms| histogram.add(Duration::from_millis(ms)));
            histogram
        };
        let mut merged = of(1..=50);
        merged.merge(&of(51..=100));
        assert_eq!(merged, of(1..=100));
        assert_eq!(merged.count(), 100);
        assert!(merged.percentile_ms(50).is_some_and(|p50| (47.0..=53.0).contains(&p50)), "{merged:?}");
        assert!(merged.percentile_ms(99).is_some_and(|p99| (93.0..=105.0).contains(&p99)), "{merged:?}");
        assert_eq!(Histogram::default().percentile_ms(99), None);
    }
}

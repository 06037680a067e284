//! Backoff: when a failed delivery is tried again by its retry policy.

use std::time::Duration;

use crate::endpoint::{DELAY_MS_MIN, Retry};

/// The wait after the `failures`-th failure (from 1) of a budget of tries; the policy's last wait repeats.
/// `chance`, a number in [0, 1), spreads the wait over the policy's jitter, though never below [`DELAY_MS_MIN`].
#[must_use]
pub(super) fn delay(retry: &Retry, failures: u32, chance: f64) -> Duration {
    let index = failures.saturating_sub(1) as usize;
    let wait = retry.delays_ms.get(index).or(retry.delays_ms.last()).copied().unwrap_or(0);
    let factor = 1.0 - retry.jitter + 2.0 * retry.jitter * chance;
    // A jitter that got into the database without being checked must not make `from_millis` panic or the wait absurd.
    let factor = if factor.is_finite() { factor.clamp(0.0, 2.0) } else { 1.0 };
    Duration::from_millis(((wait as f64 * factor) as u64).max(DELAY_MS_MIN))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::endpoint::Preset;

    fn waits(retry: &Retry, chance: f64) -> Vec<u64> {
        (1..=4).map(|failures| delay(retry, failures, chance).as_secs()).collect()
    }

    #[test]
    fn waits_follow_the_list_and_the_last_repeats() {
        assert_eq!(waits(&Preset::Default.retry(), 0.5), [10, 60, 60, 60]);
    }

    #[test]
    fn chance_spreads_a_wait_evenly_over_the_jitter() {
        let retry = Preset::Default.retry();
        assert_eq!(delay(&retry, 1, 0.0), Duration::from_secs(8));
        assert_eq!(delay(&retry, 1, 0.25), Duration::from_secs(9));
        assert_eq!(delay(&retry, 1, 0.999_999_9).as_secs(), 11);
        let still = Retry { jitter: 0.0, ..retry };
        assert_eq!(delay(&still, 1, 0.0), delay(&still, 1, 0.9));
    }

    #[test]
    fn an_impossible_policy_does_not_panic() {
        let retry = Retry { max_attempts: 1, delays_ms: vec![], jitter: f64::NAN };
        assert_eq!(delay(&retry, 1, 0.5), Duration::from_millis(50));
        let retry = Retry { max_attempts: 1, delays_ms: vec![u64::MAX], jitter: f64::INFINITY };
        assert!(delay(&retry, 0, 0.5) > Duration::ZERO);
    }

    #[test]
    fn neither_a_stored_policy_nor_jitter_undercuts_the_shortest_wait() {
        for (wait, jitter, chance) in [(0, 0.0, 0.5), (1, 0.2, 0.0), (50, 1.0, 0.0), (60, 1.0, 0.1)] {
            let retry = Retry { max_attempts: 100, delays_ms: vec![wait], jitter };
            assert_eq!(delay(&retry, 1, chance), Duration::from_millis(50), "{wait} {jitter} {chance}");
        }
    }

    proptest! {
        #[test]
        fn a_wait_stays_within_its_jitter(failures in 0u32..200, chance in 0.0f64..1.0, jitter in 0.0f64..=1.0) {
            let retry = Retry { jitter, ..Preset::Patient.retry() };
            let plain = delay(&Retry { jitter: 0.0, ..retry.clone() }, failures, 0.5).as_secs_f64();
            let wait = delay(&retry, failures, chance).as_secs_f64();
            prop_assert!(wait >= plain * (1.0 - jitter) - 0.002 && wait <= plain * (1.0 + jitter) + 0.052);
        }
    }
}

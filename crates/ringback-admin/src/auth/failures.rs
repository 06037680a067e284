//! Failed logins and failed bearer tokens, counted by the address that they came from. A caller that guesses is told to
//! wait; a right token is checked before any count, so that others' failures never make it refused.
//!
//! Memory is constant. Addresses share a fixed number of buckets, by a hash that nobody outside can compute.

use std::{
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::sender::Network;

/// How many attempts may fail at once, and how many a second from then on.
#[derive(Debug, Clone, Copy)]
struct Pace {
    at_once: f64,
    per_second: f64,
}

/// Ten mistakes of a person who pastes tokens; then one every six seconds.
const LOGINS: Pace = Pace { at_once: 10.0, per_second: 1.0 / 6.0 };

/// A hundred, then ten a second: a program with a revoked token goes on until somebody notices, and a site's programs may
/// share an address.
const TOKENS: Pace = Pace { at_once: 100.0, per_second: 10.0 };

/// More than addresses that fail at a time. If two share a bucket, one of them may get a 429 instead of a 401.
const BUCKETS: usize = 1_024;

/// The count of one kind of failure.
pub(crate) struct Failures {
    pace: Pace,
    buckets: Mutex<Box<[Bucket; BUCKETS]>>,
    hash: RandomState,
}

/// How many attempts could still fail, as of `at`.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Failures {
    /// Counts of failed logins, all zero.
    pub(crate) fn of_logins(now: Instant) -> Self {
        Self::none(LOGINS, now)
    }

    /// Counts of failed bearer tokens, all zero.
    pub(crate) fn of_tokens(now: Instant) -> Self {
        Self::none(TOKENS, now)
    }

    fn none(pace: Pace, now: Instant) -> Self {
        let full = Bucket { left: pace.at_once, at: now };
        Self { pace, buckets: Mutex::new(Box::new([full; BUCKETS])), hash: RandomState::new() }
    }

    /// Counts a failure. Requests from unknown addresses share one count.
    ///
    /// # Errors
    /// If there were too many: after how long the next one may fail. This failure is not counted.
    pub(crate) fn count(&self, from: Option<IpAddr>, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock();
        // The remainder is below `BUCKETS`, whatever the width of a pointer.
        let place = self.hash.hash_one(from.map(Network::of)) % BUCKETS as u64;
        buckets[usize::try_from(place).unwrap_or_default()].take_one(self.pace, now)
    }
}

impl Bucket {
    fn take_one(&mut self, pace: Pace, now: Instant) -> Result<(), Duration> {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        *self = Self { left: (self.left + passed * pace.per_second).min(pace.at_once), at: self.at.max(now) };
        let missing = 1.0 - self.left;
        if missing > 0.0 {
            return Err(Duration::from_secs_f64(missing / pace.per_second));
        }
        self.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> Option<IpAddr> {
        Some(address.parse().unwrap())
    }

    #[test]
    fn so_many_fail_at_once_and_then_one_at_a_time() {
        let now = Instant::now();
        for (failures, at_once, wait) in [
            (Failures::of_logins(now), 10, Duration::from_secs(6)),
            (Failures::of_tokens(now), 100, Duration::from_millis(100)),
        ] {
            let mine = from("192.0.2.1");
            for _ in 0..at_once {
                assert_eq!(failures.count(mine, now), Ok(()));
            }
            assert!(failures.count(mine, now).unwrap_err() <= wait);
            // What was refused did not count.
            assert_eq!(failures.count(mine, now + wait + wait / 2), Ok(()));
            assert!(failures.count(mine, now + wait + wait / 2).is_err());
        }
    }

    #[test]
    fn one_address_is_not_counted_for_another() {
        let now = Instant::now();
        // Two addresses may share a bucket, but hardly ever on four servers.
        let free = (0..4).any(|_| {
            let failures = Failures::of_logins(now);
            while failures.count(from("192.0.2.1"), now).is_ok() {}
            failures.count(from("192.0.2.2"), now).is_ok()
        });
        assert!(free, "one address must not be counted for another");
    }

    #[test]
    fn a_network_of_one_customer_is_one_address() {
        let now = Instant::now();
        let failures = Failures::of_logins(now);
        let addresses = (0..100).map(|host| from(&format!("2001:db8:1:2::{host:x}")));
        assert_eq!(addresses.filter(|address| failures.count(*address, now).is_ok()).count(), 10);
        let unknown = (0..100).filter(|_| failures.count(None, now).is_ok()).count();
        assert_eq!(unknown, 10, "where nobody knows who asks, all are one");
    }
}

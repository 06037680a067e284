//! How many logins may fail: from one address, and in all. Whoever guesses at tokens is slowed down, and what guessing costs
//! the store is bounded; whoever knows one is let in unless guesses come from the same address.
//!
//! Memory is constant. Addresses share a fixed number of buckets, by a hash that nobody outside can compute.

use std::{
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// How many may fail at once, and how many a second from then on.
#[derive(Debug, Clone, Copy)]
struct Pace {
    at_once: f64,
    per_second: f64,
}

/// Ten slips of somebody who pastes tokens; then one every six seconds.
const OF_ONE: Pace = Pace { at_once: 10.0, per_second: 1.0 / 6.0 };

/// A whole team's; more would be a reading of the store each.
const OF_ALL: Pace = Pace { at_once: 100.0, per_second: 5.0 };

/// More addresses than people log in from at a time; two of them in one bucket do each other little harm.
const BUCKETS: usize = 1_024;

/// The count.
pub(super) struct FailedLogins {
    buckets: Mutex<Buckets>,
    hash: RandomState,
}

struct Buckets {
    all: Bucket,
    of_addresses: Box<[Bucket; BUCKETS]>,
}

/// What may still fail, as it was at a moment.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl FailedLogins {
    /// Nothing has failed yet.
    pub(super) fn none(now: Instant) -> Self {
        let full = |pace: Pace| Bucket { left: pace.at_once, at: now };
        let buckets = Buckets { all: full(OF_ALL), of_addresses: Box::new([full(OF_ONE); BUCKETS]) };
        Self { buckets: Mutex::new(buckets), hash: RandomState::new() }
    }

    /// Counts a login as failed before it is tried, so that many at the same time are no more than that. Where nobody
    /// knows who asks, all are one.
    ///
    /// # Errors
    /// After how long one may be tried again.
    pub(super) fn begin(&self, from: Option<IpAddr>, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock();
        let place = self.place(from);
        buckets.of_addresses[place].has_one(OF_ONE, now)?;
        buckets.all.has_one(OF_ALL, now)?;
        buckets.of_addresses[place].left -= 1.0;
        buckets.all.left -= 1.0;
        Ok(())
    }

    /// It did not fail after all.
    pub(super) fn succeeded(&self, from: Option<IpAddr>) {
        let mut buckets = self.buckets.lock();
        let place = self.place(from);
        buckets.of_addresses[place].give_back(OF_ONE);
        buckets.all.give_back(OF_ALL);
    }

    fn place(&self, from: Option<IpAddr>) -> usize {
        // The remainder is below `BUCKETS`, whatever the width of a pointer.
        usize::try_from(self.hash.hash_one(from.map(network)) % BUCKETS as u64).unwrap_or_default()
    }
}

impl Bucket {
    fn has_one(&mut self, pace: Pace, now: Instant) -> Result<(), Duration> {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        *self = Self { left: (self.left + passed * pace.per_second).min(pace.at_once), at: self.at.max(now) };
        let missing = 1.0 - self.left;
        if missing <= 0.0 { Ok(()) } else { Err(Duration::from_secs_f64(missing / pace.per_second)) }
    }

    fn give_back(&mut self, pace: Pace) {
        self.left = (self.left + 1.0).min(pace.at_once);
    }
}

/// Whom an address stands for: one IPv6 network is given to one customer as a rule (RFC 6177).
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIX: Duration = Duration::from_secs(6);

    fn from(address: &str) -> Option<IpAddr> {
        Some(address.parse().unwrap())
    }

    #[test]
    fn ten_fail_at_once_and_then_one_every_six_seconds() {
        let now = Instant::now();
        let logins = FailedLogins::none(now);
        let (mine, other) = (from("192.0.2.1"), from("192.0.2.2"));
        for _ in 0..10 {
            assert_eq!(logins.begin(mine, now), Ok(()));
        }
        assert!(logins.begin(mine, now).unwrap_err() <= SIX);
        assert_eq!(logins.begin(mine, now + SIX + SIX), Ok(()));
        // Two addresses may share a bucket, but hardly ever on two servers.
        let free = (0..4).any(|_| {
            let logins = FailedLogins::none(now);
            while logins.begin(mine, now).is_ok() {}
            logins.begin(other, now).is_ok()
        });
        assert!(free, "one address must not keep out another");
    }

    #[test]
    fn a_login_that_succeeds_counts_for_nothing() {
        let now = Instant::now();
        let logins = FailedLogins::none(now);
        for _ in 0..1_000 {
            assert_eq!(logins.begin(None, now), Ok(()));
            logins.succeeded(None);
        }
    }

    #[test]
    fn guesses_from_everywhere_are_bounded_too() {
        let now = Instant::now();
        let logins = FailedLogins::none(now);
        let addresses = (0..10_000_u32).map(|number| Some(IpAddr::V4(std::net::Ipv4Addr::from_bits(number))));
        assert_eq!(addresses.filter(|from| logins.begin(*from, now).is_ok()).count(), 100);
    }

    #[test]
    fn one_network_is_one_address() {
        let same = |a: &str, b: &str| network(a.parse().unwrap()) == network(b.parse().unwrap());
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::"));
        assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }
}

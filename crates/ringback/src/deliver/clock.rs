//! The database's clock, reckoned on this node: the time that it last told, and how long ago that was.

use std::time::Duration;

use tokio::time::Instant;

use parking_lot::Mutex;

use crate::time::Timestamp;

/// Converts between the database's moments and this process's monotonic clock.
#[derive(Debug, Default)]
pub(super) struct DatabaseClock {
    /// The last time told, and when the database was asked. `None` before the first answer: this host's clock stands in.
    heard: Mutex<Option<(Timestamp, Instant)>>,
}

impl DatabaseClock {
    /// The database said `now`; it was asked at `at`.
    pub(super) fn hear(&self, now: Timestamp, at: Instant) {
        *self.heard.lock() = Some((now, at));
    }

    /// What the database's clock shows now.
    pub(super) fn now(&self) -> Timestamp {
        match *self.heard.lock() {
            Some((then, at)) => then + at.elapsed(),
            None => Timestamp::now(),
        }
    }

    /// This process's instant at which the database's clock will show `moment`; now if that has passed.
    pub(super) fn instant(&self, moment: Timestamp) -> Instant {
        Instant::now() + moment.since(self.now())
    }

    /// What the database's clock showed when this host's showed `at`.
    pub(super) fn of_host(&self, at: Timestamp) -> Timestamp {
        Timestamp::from_micros(at.micros().saturating_add(self.ahead()))
    }

    /// What this host's clock showed when the database's showed `at`.
    pub(super) fn to_host(&self, at: Timestamp) -> Timestamp {
        Timestamp::from_micros(at.micros().saturating_sub(self.ahead()))
    }

    /// By how many microseconds the database's clock is ahead of this host's.
    fn ahead(&self) -> i64 {
        self.now().micros() - Timestamp::now().micros()
    }

    /// What the database's clock will show after `wait`.
    pub(super) fn after(&self, wait: Duration) -> Timestamp {
        self.now() + wait
    }
}

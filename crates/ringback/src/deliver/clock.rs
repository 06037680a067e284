//! The database's clock, as seen from here: what it said last, and how long ago that was.

use std::time::Duration;

use tokio::time::Instant;

use parking_lot::Mutex;

use crate::time::Timestamp;

/// Converts between the database's moments and this process's monotonic clock.
#[derive(Debug, Default)]
pub(super) struct DatabaseClock {
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

    /// When a moment of the database comes here; the past is now.
    pub(super) fn instant(&self, moment: Timestamp) -> Instant {
        Instant::now() + moment.since(self.now())
    }

    /// What the database's clock will show after `wait`.
    pub(super) fn after(&self, wait: Duration) -> Timestamp {
        self.now() + wait
    }
}

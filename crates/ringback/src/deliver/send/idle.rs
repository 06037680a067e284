//! How long a connection has been idle, known to the lane that keeps it and to the task that drives it.
//!
//! ```text
//! busy --rest--> idle --wake--> busy
//!                idle --expire (after 4 s)--> over, for good
//! ```
//!
//! Waking and expiring both compare and swap the same idle moment, so exactly one of them happens.

use std::{
    sync::atomic::{AtomicU64, Ordering::AcqRel, Ordering::Acquire, Ordering::Release},
    time::Duration,
};

use tokio::time::Instant;

/// Longest time that a connection waits for its next request. Common servers close after 5 s.
pub(super) const IDLE_MAX: Duration = Duration::from_secs(4);

const BUSY: u64 = 0;
const OVER: u64 = u64::MAX;

/// Since when a connection has been idle, in milliseconds after its opening, plus one.
#[derive(Debug)]
pub(super) struct Idle {
    opened: Instant,
    since: AtomicU64,
}

impl Idle {
    /// A connection that is busy with its first request.
    pub(super) fn busy() -> Self {
        Self { opened: Instant::now(), since: AtomicU64::new(BUSY) }
    }

    /// The request is done.
    pub(super) fn rest(&self) {
        self.since.store(self.elapsed_ms() + 1, Release);
    }

    /// Takes the connection for another request; false if its time is over.
    pub(super) fn wake(&self) -> bool {
        let since = self.since.load(Acquire);
        since != OVER
            && since != BUSY
            && self.left(since) > Duration::ZERO
            && self.since.compare_exchange(since, BUSY, AcqRel, Acquire).is_ok()
    }

    /// Ends the connection if it has been idle for [`IDLE_MAX`]; otherwise returns how long until that may be so.
    pub(super) fn expire(&self) -> Option<Duration> {
        let since = self.since.load(Acquire);
        if since == BUSY {
            return Some(IDLE_MAX);
        }
        let left = self.left(since);
        if left > Duration::ZERO {
            return Some(left);
        }
        // The exchange fails only if a request has just taken the connection.
        self.since.compare_exchange(since, OVER, AcqRel, Acquire).err().map(|_| IDLE_MAX)
    }

    fn left(&self, since: u64) -> Duration {
        IDLE_MAX.saturating_sub(Duration::from_millis(self.elapsed_ms().saturating_sub(since - 1)))
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX - 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_woken_before_its_time_and_never_after() {
        let idle = Idle::busy();
        assert!(!idle.wake(), "it is busy");
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(idle.expire(), Some(IDLE_MAX), "a busy one never expires");
        idle.rest();
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(idle.expire(), Some(Duration::from_secs(1)));
        assert!(idle.wake());
        idle.rest();
        tokio::time::advance(Duration::from_secs(4)).await;
        assert!(!idle.wake());
        assert_eq!(idle.expire(), None);
        assert!(!idle.wake());
    }
}

//! The lease that this node holds its shards under, and the thread that renews it.
//!
//! Renewing must not wait behind work: it has an OS thread, a runtime and a connection of its own. The lease counts
//! from before the renewal was sent, by the monotonic clock, and ends here before it ends in the database: at that
//! moment no new request starts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};

use crate::store::{LeaseKeeper, NodeId, SharedStore};

/// The lease ends here this part of its length before it ends in the database.
const MARGIN_PART: u32 = 6;

/// It is renewed so many times in its length.
const RENEWALS_PART: u32 = 4;

/// Until when this node may start requests.
pub(super) struct Lease {
    length: Duration,
    epoch: Instant,
    /// Microseconds after `epoch`; 0 without a lease.
    until: AtomicU64,
    /// The registration that the lease belongs to.
    node: Mutex<Option<(NodeId, Keeper)>>,
}

impl Lease {
    pub(super) fn new(length: Duration) -> Self {
        Self { length, epoch: Instant::now(), until: AtomicU64::new(0), node: Mutex::new(None) }
    }

    pub(super) const fn length(&self) -> Duration {
        self.length
    }

    /// Whether new requests may start.
    pub(super) fn runs(&self) -> bool {
        self.micros(Instant::now()) < self.until.load(Ordering::Acquire)
    }

    /// The database granted the lease; it was asked at `asked`.
    pub(super) fn granted(&self, asked: Instant) {
        let until = asked + self.length - self.length / MARGIN_PART;
        self.until.store(self.micros(until), Ordering::Release);
    }

    /// The registration, to set or to take.
    pub(super) fn node(&self) -> MutexGuard<'_, Option<(NodeId, Keeper)>> {
        self.node.lock()
    }

    /// Whether the database said that the lease has ended.
    pub(super) fn is_lost(&self) -> bool {
        self.node.lock().as_ref().is_some_and(|(_, keeper)| keeper.is_lost())
    }

    /// There is no lease any more.
    pub(super) fn end(&self) {
        self.until.store(0, Ordering::Release);
    }

    fn micros(&self, moment: Instant) -> u64 {
        u64::try_from(moment.saturating_duration_since(self.epoch).as_micros()).unwrap_or(u64::MAX)
    }
}

/// The renewing thread of one registration; ends with it.
pub(super) struct Keeper {
    stop: Arc<AtomicBool>,
    lost: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Keeper {
    /// Starts to renew `node`'s lease; `renewed` is told of each success with the moment it was asked for.
    pub(super) fn start(
        store: SharedStore,
        node: NodeId,
        length: Duration,
        renewed: impl Fn(Instant) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (stop, lost) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (stopped, ended) = (Arc::clone(&stop), Arc::clone(&lost));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new().name("ringback-lease".to_owned()).spawn(move || {
            runtime.block_on(async move {
                if renew(&store, node, length, &renewed, &stopped).await == Renewal::Ended {
                    ended.store(true, Ordering::Release);
                }
            });
        })?;
        Ok(Self { stop, lost, thread: Some(thread) })
    }

    /// Whether the database said that the lease has ended: it can never be renewed again.
    pub(super) fn is_lost(&self) -> bool {
        // A thread that is gone will not renew either.
        self.lost.load(Ordering::Acquire) || self.thread.as_ref().is_some_and(thread::JoinHandle::is_finished)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It looks at `stop` between renewals; nobody waits for it.
            drop(thread);
        }
    }
}

#[derive(PartialEq, Eq)]
enum Renewal {
    Stopped,
    Ended,
}

async fn renew(
    store: &SharedStore,
    node: NodeId,
    length: Duration,
    renewed: &impl Fn(Instant),
    stop: &AtomicBool,
) -> Renewal {
    let mut keeper: Option<Box<dyn LeaseKeeper>> = None;
    let pause = length / RENEWALS_PART;
    let mut next = Instant::now();
    while !stop.load(Ordering::Acquire) {
        let now = Instant::now();
        if now < next {
            // Short naps, so that a stop is seen soon.
            tokio::time::sleep((next - now).min(Duration::from_millis(100))).await;
            continue;
        }
        next = now + pause;
        if keeper.is_none() {
            // Connecting must not hang either: once the database is back it has to be noticed in time.
            keeper = tokio::time::timeout(pause, store.lease_keeper()).await.ok().and_then(Result::ok);
        }
        let Some(connected) = &mut keeper else {
            next = now + Duration::from_millis(200);
            continue;
        };
        // A renewal that hangs is worth nothing once another is due.
        match tokio::time::timeout(pause, connected.renew(node, length)).await {
            Ok(Ok(true)) => renewed(now),
            Ok(Ok(false)) => return Renewal::Ended,
            Ok(Err(_)) | Err(_) => {
                keeper = None;
                next = now + Duration::from_millis(200);
            }
        }
    }
    Renewal::Stopped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_here_before_it_ends_in_the_database() {
        let lease = Lease::new(Duration::from_secs(12));
        assert!(!lease.runs());
        lease.granted(Instant::now());
        assert!(lease.runs());
        lease.granted(Instant::now().checked_sub(Duration::from_secs(11)).unwrap_or(lease.epoch));
        lease.end();
        assert!(!lease.runs());
    }
}

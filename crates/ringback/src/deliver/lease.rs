//! The lease that this node holds its shards under, and the thread that renews it.
//!
//! Renewing must not wait behind work: it has an OS thread, a runtime and a connection of its own. The lease counts
//! from before the renewal was sent, by the monotonic clock, and ends on this node before it ends in the database. When
//! it has ended here, no new request starts.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::time::Instant;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;

use super::{STALLED_LEASES, outside::Apart};
use crate::store::{Claimed, LeaseKeeper, NodeId, Renewal, SharedStore};

/// The lease ends on this node one part in so many of its length before it ends in the database.
const MARGIN_PART: u32 = 6;

/// How many times the lease is renewed in its length.
const RENEWALS_PART: u32 = 4;

/// Until when this node may start requests.
pub(super) struct Lease {
    length: Duration,
    epoch: Instant,
    /// Microseconds after `epoch`; 0 without a lease.
    until: AtomicU64,
    /// Since the last call of [`Self::was_given_up`], the lease was given up for a fault of this node alone.
    given_up: AtomicBool,
    /// The registration that the lease belongs to.
    node: Mutex<Option<(NodeId, Keeper)>>,
}

impl Lease {
    pub(super) fn new(length: Duration) -> Self {
        Self {
            length,
            epoch: Instant::now(),
            until: AtomicU64::new(0),
            given_up: AtomicBool::new(false),
            node: Mutex::new(None),
        }
    }

    pub(super) const fn length(&self) -> Duration {
        self.length
    }

    /// Whether new requests may start.
    pub(super) fn runs(&self) -> bool {
        self.micros(Instant::now()) < self.until.load(Ordering::Acquire)
    }

    /// The database granted the lease, for which this node had asked at `asked`.
    pub(super) fn granted(&self, asked: Instant) {
        let until = asked + self.length - self.length / MARGIN_PART;
        self.until.store(self.micros(until), Ordering::Release);
    }

    /// The registration, to set or to take.
    pub(super) fn node(&self) -> MutexGuard<'_, Option<(NodeId, Keeper)>> {
        self.node.lock()
    }

    /// The node as which this process is registered.
    pub(super) fn node_id(&self) -> Option<NodeId> {
        self.node.lock().as_ref().map(|(node, _)| *node)
    }

    /// Whether the lease has ended for good.
    pub(super) fn is_lost(&self) -> bool {
        self.node.lock().as_ref().is_some_and(|(_, keeper)| keeper.is_lost())
    }

    /// The lease is not renewed any more, for a fault of this node alone.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
    }

    /// Whether [`Self::give_up`] was called since the last call of this.
    pub(super) fn was_given_up(&self) -> bool {
        self.given_up.swap(false, Ordering::AcqRel)
    }

    /// Ends the lease on this node: no request starts any more.
    pub(super) fn end(&self) {
        self.until.store(0, Ordering::Release);
    }

    fn micros(&self, moment: Instant) -> u64 {
        u64::try_from(moment.saturating_duration_since(self.epoch).as_micros()).unwrap_or(u64::MAX)
    }
}

/// The handle of the task that renews one registration's lease, on a thread and over a connection of its own.
pub(super) struct Keeper {
    /// Ends the task. It sends the shards that the task is to give back; if it is dropped, the task gives none back.
    end: Option<oneshot::Sender<Vec<Claimed>>>,
    /// Alive as long as the task runs.
    kept: Weak<()>,
}

/// Whoever works under a lease: the keeper asks whether to renew it, and reports what happened to it.
pub(super) trait Leaseholder: Send + Sync + 'static {
    /// Whether the lease is to be renewed; if not, why. The keeper gives it up then.
    fn may_renew(&self) -> Result<(), String>;

    /// The lease was renewed; the database was asked at `asked`.
    fn renewed(&self, asked: Instant);

    /// The lease is given up: from now on no request may start. `alone` if the database has answered all the while, so that
    /// the fault is with this node alone.
    fn ended(&self, alone: bool);
}

impl Keeper {
    /// Starts the task that renews `node`'s lease.
    pub(super) fn start(
        apart: &dyn Apart,
        store: SharedStore,
        node: NodeId,
        length: Duration,
        kept: impl Leaseholder,
    ) -> std::io::Result<Self> {
        let (end, ended) = oneshot::channel();
        let keeping = Keeping { store, node, length, connected: None };
        let lives = Arc::new(());
        let keeper = Self { end: Some(end), kept: Arc::downgrade(&lives) };
        apart.run(Box::pin(async move {
            keeping.keep(&kept, ended).await;
            drop(lives);
        }))?;
        Ok(keeper)
    }

    /// Whether the lease has ended: it can never be renewed again.
    pub(super) fn is_lost(&self) -> bool {
        self.kept.strong_count() == 0
    }

    /// Gives the shards in `given` back and ends the registration; waits at most `patience` for that. False if it was not
    /// done by then: the lease runs out by itself.
    pub(super) async fn leave(mut self, given: Vec<Claimed>, patience: Duration) -> bool {
        self.end_with(given);
        let left = async {
            while !self.is_lost() {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(patience, left).await.is_ok()
    }

    /// The same where nothing can be awaited.
    pub(super) fn leave_blocking(mut self, given: Vec<Claimed>, patience: Duration) -> bool {
        self.end_with(given);
        let deadline = Instant::now() + patience;
        while !self.is_lost() && Instant::now() < deadline {
            thread::sleep(LOOK);
        }
        self.is_lost()
    }

    fn end_with(&mut self, given: Vec<Claimed>) {
        if let Some(end) = self.end.take() {
            // The send fails if the task has ended: the lease is lost then, and there is nothing to give back.
            let _ = end.send(given);
        }
    }
}

/// Between looks whether the task has ended.
const LOOK: Duration = Duration::from_millis(5);

/// The database counts as having answered all the while even if so many renewals of that time are missing: on a slow
/// machine some come a little late.
const SLACK: u32 = 2;

/// After a renewal that failed.
const PAUSE_ERROR: Duration = Duration::from_millis(200);

/// The state of the task that renews a lease.
struct Keeping {
    store: SharedStore,
    node: NodeId,
    length: Duration,
    /// The store's side of the lease, once the database has been reached.
    connected: Option<Box<dyn LeaseKeeper>>,
}

impl Keeping {
    /// Renews until it is told to end or the lease is lost, then gives back the shards that it was told to. If it gives
    /// the lease up itself, it gives back all shards that the database has as this node's.
    async fn keep(mut self, kept: &impl Leaseholder, mut end: oneshot::Receiver<Vec<Claimed>>) {
        let given = self.renew(kept, &mut end).await;
        let (Some(given), node) = (given, self.node) else { return };
        let Some(keeper) = self.keeper().await else { return };
        if let Err(error) = keeper.leave(node, &given).await {
            tracing::warn!(%error, "could not give shards back; their lease runs out");
        }
    }

    /// Renews until it is told to end or the lease is lost. Returns the shards to give back, an empty list for all of the
    /// node; `None` if there is nothing to give back.
    async fn renew(
        &mut self,
        kept: &impl Leaseholder,
        end: &mut oneshot::Receiver<Vec<Claimed>>,
    ) -> Option<Vec<Claimed>> {
        let pause = self.length / RENEWALS_PART;
        let (mut wait, mut in_a_row, mut renewed) = (Duration::ZERO, 0, Instant::now());
        loop {
            tokio::select! {
                // An error means that the `Keeper` was dropped: nothing is given back.
                given = &mut *end => return given.ok(),
                () = tokio::time::sleep(wait) => {}
            }
            if let Err(why) = kept.may_renew() {
                tracing::error!(node = %self.node, "{why}: the lease is given up, and others take the shards");
                // If this thread itself stood still, the whole process did, and the pipeline is not at fault.
                let stood_still = renewed.elapsed() > self.length;
                let enough = RENEWALS_PART * STALLED_LEASES - SLACK;
                kept.ended(in_a_row >= enough && !stood_still);
                return Some(Vec::new());
            }
            let asked = Instant::now();
            wait = match self.renew_once().await {
                Some(Renewal::Renewed) => {
                    kept.renewed(asked);
                    (in_a_row, renewed) = (in_a_row + 1, asked);
                    pause.saturating_sub(asked.elapsed())
                }
                Some(Renewal::Ended) => return None,
                Some(Renewal::OtherPast(how)) => {
                    tracing::error!(
                        node = %self.node,
                        "the database is not what it was: {how}; this node begins anew from what is there"
                    );
                    kept.ended(false);
                    return Some(Vec::new());
                }
                None => {
                    in_a_row = 0;
                    PAUSE_ERROR
                }
            };
        }
    }

    /// `None` if the database gives no answer.
    async fn renew_once(&mut self) -> Option<Renewal> {
        let (node, length) = (self.node, self.length);
        self.keeper().await?.renew(node, length).await.ok()
    }

    async fn keeper(&mut self) -> Option<&mut Box<dyn LeaseKeeper>> {
        if self.connected.is_none() {
            // The time-out keeps a connect that hangs from outlasting an outage of the database, and so the lease.
            let connecting = tokio::time::timeout(self.length / RENEWALS_PART, self.store.lease_keeper());
            self.connected = connecting.await.ok().and_then(Result::ok);
        }
        self.connected.as_mut()
    }
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

//! A sending process: which tasks run, and in what order they end.
//!
//! ```text
//! end with feeding      shards, follow, route, feed, dispatch, expire; replay, expunge, housekeeping, figures, watch
//! end with recording    hold, record: when no request is open any more
//! ```
//!
//! A task runs until it is told to stop. One that panics is restarted: otherwise nobody would notice that it is gone, while
//! the lease goes on being renewed.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    deliver::{Delivering, dispatch, expire, feed, follow, hold, outside::Outside, record, shards},
    engine::{Engine, OpenError},
    operate, route,
};

/// Before a task is restarted: one that panics at once must not keep a core busy.
const PAUSE: Duration = Duration::from_secs(1);

/// The time in which tasks may end by themselves when they are told to.
const PATIENCE_WITH_TASKS: Duration = Duration::from_secs(2);

/// The least time for recording, so that outcomes that came at the end of the grace period are not lost.
const PATIENCE_WITH_RECORDING: Duration = Duration::from_secs(2);

/// The least time for adding figures of what was recorded last.
const PATIENCE_WITH_FIGURES: Duration = Duration::from_secs(1);

/// Between looks at how many requests are still open.
const PAUSE_OPEN: Duration = Duration::from_millis(10);

impl Engine {
    /// Begins to route, send, record and keep house in this process, until [`Sending::shutdown`]. Several
    /// processes share the work.
    ///
    /// # Errors
    /// When TLS or name resolution cannot be set up.
    pub async fn start(&self) -> Result<Sending, OpenError> {
        let outside = Outside::real(self.settings())?;
        self.start_in(outside).await
    }

    /// The same with another outside than the network.
    pub(crate) async fn start_in(&self, outside: Outside) -> Result<Sending, OpenError> {
        let (delivering, records) = Delivering::new(self.clone(), outside)?;
        // Listens before any lane exists, so that no lane misses a change.
        let (told, changes) = mpsc::unbounded_channel();
        self.directories().listen(told).await;
        let sending = Sending::begin(delivering, records, follow::Told::new(changes));
        self.sends_by(&sending.delivering);
        Ok(sending)
    }
}

/// The sending half of an engine, running. Dropping it stops the work without waiting for open requests.
pub struct Sending {
    delivering: Arc<Delivering>,
    /// Ends feeding, routing and housekeeping; then recording, when nothing is open any more.
    feeding: CancellationToken,
    recording: CancellationToken,
    tasks: JoinSet<()>,
    recorders: JoinSet<()>,
}

impl Sending {
    fn begin(delivering: Arc<Delivering>, records: record::Records, told: follow::Told) -> Self {
        let mut sending = Self {
            delivering,
            feeding: CancellationToken::new(),
            recording: CancellationToken::new(),
            tasks: JoinSet::new(),
            recorders: JoinSet::new(),
        };
        // Shared, so that a task that is restarted after a panic gets them again.
        let (records, told) = (Arc::new(Mutex::new(records)), Arc::new(Mutex::new(told)));
        sending.feed("shards", shards::own);
        sending.feed("follow", move |delivering, stop| follow::follow(delivering, Arc::clone(&told), stop));
        sending.feed("route", route::route);
        sending.feed("feed", feed::feed);
        sending.feed("dispatch", dispatch::dispatch);
        sending.feed("expire", expire::expire);
        sending.feed("replay", operate::replay);
        sending.feed("expunge", operate::expunge);
        sending.feed("housekeeping", operate::keep_house);
        sending.feed("operational events", operate::alarms::watch);
        sending.feed("figures", operate::sum_up);
        sending.record("hold", hold::write_down);
        sending.record("record", move |delivering, stop| record::record(delivering, Arc::clone(&records), stop));
        sending
    }

    /// Begins a task that ends with feeding.
    fn feed<F>(&mut self, name: &'static str, task: impl Fn(Arc<Delivering>, CancellationToken) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(keep_running(name, Arc::clone(&self.delivering), self.feeding.clone(), task));
    }

    /// Begins a task that ends with recording.
    fn record<F>(&mut self, name: &'static str, task: impl Fn(Arc<Delivering>, CancellationToken) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.recorders.spawn(keep_running(name, Arc::clone(&self.delivering), self.recording.clone(), task));
    }

    /// Stops feeding and gives the shards back, each with its open requests: other nodes go on with them at once. Waits
    /// up to
    /// `grace` for open requests to end, and records their outcomes.
    pub async fn shutdown(mut self, grace: Duration) {
        let deadline = Instant::now() + grace;
        self.feeding.cancel();
        // Bounded: a database that does not answer must not delay the process's end, nor the shards' return.
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let _ = timeout_at(deadline.min(Instant::now() + PATIENCE_WITH_TASKS), ended).await;
        self.tasks.abort_all();
        shards::give_back(&self.delivering).await;
        while self.delivering.picked() > 0 && Instant::now() < deadline {
            sleep(PAUSE_OPEN).await;
        }
        self.recording.cancel();
        let recorded = async { while self.recorders.join_next().await.is_some() {} };
        // Bounded, as the database may be away: deliveries whose outcomes are not recorded are sent again by the next owner.
        let _ = timeout_at(deadline.max(Instant::now() + PATIENCE_WITH_RECORDING), recorded).await;
        let added = self.delivering.engine().add_figures();
        let _ = timeout_at(deadline.max(Instant::now() + PATIENCE_WITH_FIGURES), added).await;
    }
}

/// On drop without [`Sending::shutdown`], by an early return or a panic, no request is waited for; the shards are given back
/// all the same, so that other nodes go on with them at once.
impl Drop for Sending {
    fn drop(&mut self) {
        self.tasks.abort_all();
        shards::give_back_blocking(&self.delivering);
    }
}

/// Runs what `begin` begins until it ends by itself or `stop`.
async fn keep_running<T, F>(
    name: &'static str,
    of: Arc<T>,
    stop: CancellationToken,
    begin: impl Fn(Arc<T>, CancellationToken) -> F,
) where
    F: Future<Output = ()>,
{
    while AssertUnwindSafe(begin(Arc::clone(&of), stop.clone())).catch_unwind().await.is_err() {
        tracing::error!(stage = name, "a stage panicked and is begun again");
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = stop.cancelled() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_is_begun_again() {
        let begun = Arc::new(AtomicUsize::new(0));
        keep_running("test", Arc::clone(&begun), CancellationToken::new(), |begun, _| async move {
            assert!(begun.fetch_add(1, Ordering::Relaxed) >= 2, "a defect");
        })
        .await;
        assert_eq!(begun.load(Ordering::Relaxed), 3);
    }
}

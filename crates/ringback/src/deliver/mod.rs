//! From a due delivery to a recorded outcome.
//!
//! ```text
//! shards    this node's shards, by lease; renewed on its own thread
//! feed      due deliveries of this node's shards, read by cursor: a read, no write
//! lanes     one lane per destination; deficit round robin over lanes that may send
//! dispatch  picks deliveries that may be sent and opens a request for each
//! authorize the host adds headers, such as a token; it may wait
//! sign      scheme + secret + now -> headers (pure)
//! send      one deadline for everything; an Outcome, never an Err
//! judge     outcome x attempt x policy -> Judgement (pure)
//! record    up to 512 outcomes in one statement, one commit, fenced
//! expire    gives up what was not to be sent later than now
//! hold      stores which lanes are held, for whoever owns them after a restart
//! ```
//!
//! No database transaction is open while a receiver is being spoken to.

mod authorize;
mod clock;
pub(crate) mod dispatch;
pub(crate) mod expire;
pub(crate) mod feed;
pub(crate) mod follow;
pub(crate) mod hold;
mod judge;
mod lanes;
mod lease;
pub(crate) mod outside;
mod progress;
pub(crate) mod record;
mod retry;
pub(crate) mod retry_after;
pub mod send;
pub(crate) mod shards;
pub mod sign;
mod step;
mod tokens;
mod verification;
mod work;

use std::{collections::HashSet, sync::Arc, time::Duration};

use http::header::InvalidHeaderName;
use parking_lot::Mutex;
use tokio::{
    sync::{Mutex as AsyncMutex, Notify, Semaphore},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use self::{
    clock::DatabaseClock,
    lanes::{Lanes, Limits},
    lease::Lease,
    outside::Outside,
    progress::{Progress, Stalled},
    record::{Recorder, Records},
    sign::OwnNames,
};
use crate::{
    chance::chance,
    delivery::Shard,
    engine::Engine,
    store::{Fresh, NodeId},
    time::Timestamp,
};

/// Each stage of a node that owns shards must come round within so many leases, or the node gives its lease up.
const STALLED_LEASES: u32 = 2;

pub(crate) use self::progress::Stage;

/// What the tasks of one sending process share.
pub(crate) struct Delivering {
    engine: Engine,
    outside: Outside,
    own_names: Arc<OwnNames>,
    lanes: Mutex<Lanes>,
    lease: Lease,
    /// Until when this node takes no shards, because its pipeline stood still while the database answered.
    abstains_until: Mutex<Option<Instant>>,
    pub(crate) progress: Progress,
    clock: DatabaseClock,
    recorder: Recorder,
    tokens: tokens::Tokens,
    /// Lanes may have something to send.
    ready: Notify,
    /// The outbox may have something to route.
    woken: Notify,
    /// The feed should read now, before its next poll.
    feed_wanted: Notify,
    /// Holds have begun or ended that are not stored yet.
    holds_changed: Notify,
    /// Only who has this lock stores holds.
    holds: AsyncMutex<hold::Pen>,
    /// One task at a time looks released deliveries up.
    unblocking: Semaphore,
}

impl Delivering {
    /// Nothing runs yet, and nothing is registered: [`crate::run`] starts the tasks. Outcomes are reported through the
    /// first value; the recording task takes them from the second.
    pub(crate) fn new(engine: Engine, outside: Outside) -> Result<(Arc<Self>, Records), InvalidHeaderName> {
        let settings = engine.settings();
        let lanes = Lanes::new(Limits {
            egress: settings.egress.clone(),
            places: settings.max_in_flight_per_node,
            tenant_weights: settings.tenant_weights.clone(),
            expires_after: settings.retention.expires_after,
        });
        let own_names = Arc::new(OwnNames::behind(&settings.header_prefix)?);
        let (recorder, records) = Recorder::new();
        let (lease, progress) = (Lease::new(settings.lease), Progress::new(settings.lease * STALLED_LEASES));
        let delivering = Self {
            outside,
            own_names,
            lanes: Mutex::new(lanes),
            lease,
            abstains_until: Mutex::default(),
            progress,
            clock: DatabaseClock::default(),
            recorder,
            tokens: tokens::Tokens::default(),
            ready: Notify::new(),
            woken: Notify::new(),
            feed_wanted: Notify::new(),
            holds_changed: Notify::new(),
            holds: AsyncMutex::default(),
            unblocking: Semaphore::new(1),
            engine,
        };
        Ok((Arc::new(delivering), records))
    }

    pub(crate) const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether this node owns a shard and its lease runs.
    pub(crate) fn owns(&self, shard: Shard) -> bool {
        self.lease.runs() && self.lanes.lock().owns(shard)
    }

    /// What the database's clock shows now.
    pub(crate) fn database_now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What the database's clock showed when this host's showed `at`.
    pub(crate) fn in_database_time(&self, at: Timestamp) -> Timestamp {
        self.clock.of_host(at)
    }

    /// What this host's clock showed when the database's showed `at`.
    pub(crate) fn in_host_time(&self, at: Timestamp) -> Timestamp {
        self.clock.to_host(at)
    }

    /// The node that this process is now.
    pub(crate) fn node(&self) -> Option<NodeId> {
        self.lease.node_id()
    }

    /// The stage that has not come round for too long, if there is one.
    pub(crate) fn stalled(&self) -> Option<Stalled> {
        self.progress.stalled(Instant::now(), self.recorder.has_waiting())
    }

    /// Waits without shards for `pause`, give or take a quarter, or until `stop`.
    async fn abstain(&self, pause: Duration, stop: &CancellationToken) {
        let until = Instant::now() + jittered(pause);
        *self.abstains_until.lock() = Some(until);
        tokio::select! {
            () = tokio::time::sleep_until(until) => {}
            () = stop.cancelled() => {}
        }
    }

    /// For how much longer this node takes no shards; `None` if it may take some.
    pub(crate) fn abstains_for(&self) -> Option<Duration> {
        let left = (*self.abstains_until.lock())?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Whether this node owns any shard.
    pub(crate) fn owns_any(&self) -> bool {
        self.lanes.lock().owns_any()
    }

    /// How many shards this node owns, as long as its lease runs.
    pub(crate) fn shards_owned(&self) -> usize {
        if self.lease.runs() { self.lanes.lock().owned_shards().len() } else { 0 }
    }

    /// Deliveries that were picked, and whose requests have not ended.
    pub(crate) fn picked(&self) -> usize {
        self.lanes.lock().open()
    }

    /// To be called before a statement whose rows are going to be admitted. Until the returned value is dropped, lanes
    /// remember the deliveries that are recorded meanwhile, so that the statement's older rows do not bring them back.
    pub(crate) fn begin_read(self: &Arc<Self>) -> Read {
        let number = self.lanes.lock().read_started();
        Read { delivering: Arc::clone(self), number }
    }

    /// The outbox may have something to route.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Waits for [`Self::wake`], at most `pause` give or take a quarter, so that nodes do not poll in step.
    pub(crate) async fn wait_for_wake(&self, pause: Duration, stop: &CancellationToken) {
        tokio::select! {
            () = self.woken.notified() => {}
            () = tokio::time::sleep(jittered(pause)) => {}
            () = stop.cancelled() => {}
        }
    }

    /// Waits `pause`, give or take a quarter, or until `stop`.
    pub(crate) async fn pause(&self, pause: Duration, stop: &CancellationToken) {
        tokio::select! {
            () = tokio::time::sleep(jittered(pause)) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// A statement under way whose rows go into lanes.
pub(crate) struct Read {
    delivering: Arc<Delivering>,
    number: u64,
}

impl Read {
    /// Admits the rows of lanes that this node owns. Returns the shards of which a row was admitted.
    pub(crate) fn admit(self, rows: Vec<Fresh>) -> HashSet<Shard> {
        if rows.is_empty() {
            return HashSet::new();
        }
        let mut lanes = self.delivering.lanes.lock();
        // Under the lock: a lane created from an older directory would miss a change that lanes were told already.
        let directory = self.delivering.engine.directories().newest();
        let took = lanes.admit(self.number, rows, &directory, self.delivering.clock.now(), Instant::now());
        drop(lanes);
        self.delivering.ready.notify_one();
        took
    }
}

impl Drop for Read {
    fn drop(&mut self) {
        self.delivering.lanes.lock().read_applied(self.number);
    }
}

fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.75 + chance::<f64>() / 2.0)
}

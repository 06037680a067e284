//! Outcomes are committed in batches, and only then do their deliveries move on.
//!
//! A batch is what has arrived while earlier commits run, and commits begin at least [`PACE`] apart: after a pause an
//! outcome is recorded at once, in a stream some hundreds at a time. A batch that the database refuses is halved until the
//! bad outcome is alone; that one is then recorded without what the receiver sent. While the database is away the batch is
//! kept and tried again: no outcome is lost while this process lives.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::{
    sync::{Mutex, Semaphore, mpsc},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    Delivering,
    progress::{Progress, Stage},
};
use crate::{
    attempt::{Attempt, Conclusion, Detail},
    delivery::{Due, LaneId},
    id::{DeliveryId, EndpointId},
    metrics::Owed,
    store::{Parts, Recorded, Setback, Settlement},
    time::Timestamp,
};

/// Most outcomes in one statement.
const BATCH: usize = 512;

/// Most bytes of what receivers sent in one statement.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Commits under way at once: one fills while the other waits for the disk.
const COMMITS: usize = 2;

/// From the beginning of one commit to that of the next, unless a batch is full or an ordering key waits for it. Each
/// statement has a fixed cost, so few large ones load the database less than many small ones.
const PACE: Duration = Duration::from_millis(8);

/// Why an endpoint is disabled that answered 410.
const GONE: &str = "gone";

/// No new request is opened while more outcomes than this wait.
const BEHIND: usize = 4 * BATCH;

/// Between tries while the database is away.
const PAUSE_ERROR: Duration = Duration::from_millis(250);

/// One outcome, and what is to be done once it is committed.
pub(super) struct Report {
    pub(super) recorded: Recorded,
    pub(super) due: Due,
    /// The tenant of its event.
    pub(super) tenant: Arc<str>,
    /// Before this its event was not to be sent.
    pub(super) deliver_after: Option<Timestamp>,
    /// If the endpoint answered 410: the endpoint, and its version when the request was made.
    pub(super) gone: Option<(EndpointId, i64)>,
    /// If the endpoint answered a verification: the endpoint, and its URL when the request was made.
    pub(super) verified: Option<(EndpointId, String)>,
}

/// The way to the recording task.
pub(super) struct Recorder {
    reports: mpsc::UnboundedSender<Report>,
    waiting: AtomicUsize,
}

impl Recorder {
    pub(super) fn new() -> (Self, Records) {
        let (reports, receiver) = mpsc::unbounded_channel();
        let records = Records { reports: receiver, commits: JoinSet::new() };
        (Self { reports, waiting: AtomicUsize::new(0) }, records)
    }

    /// Reports an outcome. The open requests bound the queue, since none is opened while recording is behind.
    pub(super) fn report(&self, report: Report, progress: &Progress) {
        if self.waiting.fetch_add(1, Ordering::Relaxed) == 0 {
            // Nothing waited until now, so the stage has not stalled.
            progress.came_round(Stage::Record);
        }
        // Fails once the recording task has ended for good: the lease has ended, too, and the next owner sends again.
        let _ = self.reports.send(report);
    }

    /// Whether anything waits to be recorded.
    pub(super) fn has_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Whether so much waits to be recorded that no more should be sent.
    pub(super) fn is_behind(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > BEHIND
    }
}

/// Outcomes to be recorded, and commits under way. Both outlive the recording task, should that panic.
pub(crate) struct Records {
    reports: mpsc::UnboundedReceiver<Report>,
    commits: JoinSet<()>,
}

/// Records outcomes until `stop`, and then those that were reported by then.
pub(crate) async fn record(delivering: Arc<Delivering>, records: Arc<Mutex<Records>>, stop: CancellationToken) {
    let mut records = records.lock().await;
    let Records { reports, commits } = &mut *records;
    let places = Arc::new(Semaphore::new(COMMITS));
    let mut next = Instant::now();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        let first = tokio::select! {
            biased;
            report = reports.recv() => report,
            () = stop.cancelled() => None,
        };
        let Some(first) = first else { break };
        if reports.len() < BATCH && first.due.ordering_key.is_none() {
            tokio::time::sleep_until(next).await;
        }
        next = Instant::now() + PACE;
        let batch = fill(first, reports);
        let delivering = Arc::clone(&delivering);
        commits.spawn(async move {
            commit(&delivering, batch).await;
            drop(place);
        });
        while commits.try_join_next().is_some() {}
    }
    while commits.join_next().await.is_some() {}
}

fn fill(first: Report, reports: &mut mpsc::UnboundedReceiver<Report>) -> Vec<Report> {
    let mut bytes = weight(&first);
    let mut batch = vec![first];
    while batch.len() < BATCH
        && bytes < BATCH_BYTES
        && let Ok(report) = reports.try_recv()
    {
        bytes += weight(&report);
        batch.push(report);
    }
    batch
}

/// The bytes that the receiver sent.
fn weight(report: &Report) -> usize {
    report.recorded.attempt.as_ref().map_or(0, |attempt| attempt.detail.len() + attempt.response_body.len())
}

async fn commit(delivering: &Arc<Delivering>, batch: Vec<Report>) {
    let outcomes = batch.iter().map(|report| report.recorded.clone()).collect();
    let owed = batch.iter().map(|report| (report.recorded.id, owed(report))).collect();
    let settling = Settling { delivering, batch: &batch };
    let stale = AssertUnwindSafe(write(delivering, outcomes, &owed)).catch_unwind().await.unwrap_or_else(|_| {
        // What was not committed is still due in the database, and the feed's walk finds it: it is sent again, not lost.
        tracing::error!(count = batch.len(), "recording panicked; what is not recorded will be sent again");
        BTreeSet::new()
    });
    drop(settling);
    note_runs(delivering, &batch);
    read_again(delivering, stale);
    follow_up(delivering, &batch).await;
}

/// A batch whose commit is under way. On drop, even by a panic, its deliveries no longer count as being recorded.
struct Settling<'a> {
    delivering: &'a Delivering,
    batch: &'a [Report],
}

impl Drop for Settling<'_> {
    fn drop(&mut self) {
        self.delivering.recorder.waiting.fetch_sub(self.batch.len(), Ordering::Relaxed);
        self.delivering.lanes.lock().settled(self.batch.iter().map(|report| report.recorded.id));
        // Dispatch may have stopped picking because recording was behind, and perhaps nothing else wakes it.
        self.delivering.ready.notify_one();
    }
}

/// Reads the lanes of stale outcomes again. A stale outcome means that another node had the delivery meanwhile and moved it
/// on. Reads have passed over the delivery as an echo while this node had its request open; if it has been due for long,
/// only the walk would find it otherwise.
fn read_again(delivering: &Delivering, stale: BTreeSet<LaneId>) {
    if stale.is_empty() {
        return;
    }
    let mut lanes = delivering.lanes.lock();
    stale.into_iter().for_each(|lane| lanes.read_lane_again(lane));
    drop(lanes);
    delivering.feed_wanted.notify_one();
}

/// Whose the deliveries of a batch are.
type AllOwed = HashMap<DeliveryId, Owed>;

fn owed(Report { due, tenant, deliver_after, .. }: &Report) -> Owed {
    Owed { endpoint: due.endpoint, tenant: tenant.clone(), marks: due.marks, deliver_after: *deliver_after }
}

/// Writes outcomes, again and again until the database answers. Returns the lanes of those that came too late.
async fn write(delivering: &Delivering, outcomes: Vec<Recorded>, owed: &AllOwed) -> BTreeSet<LaneId> {
    let mut late = BTreeSet::new();
    let mut parts = Parts::of(outcomes);
    while let Some(part) = parts.next() {
        match delivering.engine.store().record(&part).await {
            Ok(applied) => {
                delivering.progress.came_round(Stage::Record);
                count(delivering, &part, &applied, owed);
                let stale: Vec<_> = part.iter().zip(applied).filter(|(_, applied)| !applied).collect();
                if !stale.is_empty() {
                    tracing::info!(count = stale.len(), "outcomes came too late and are kept as stale attempts");
                }
                late.extend(stale.into_iter().map(|(outcome, _)| outcome.lane));
            }
            Err(error) => match parts.set_back(part, error) {
                Setback::Halved => {}
                Setback::Again => tokio::time::sleep(PAUSE_ERROR).await,
                Setback::Alone(mut outcome, error) => {
                    let id = outcome.id;
                    if strip(&mut outcome) {
                        tracing::error!(delivery = %id, %error, "recorded without what the receiver sent");
                        parts.put_back(vec![outcome]);
                    } else {
                        tracing::error!(delivery = %id, %error, "an outcome cannot be recorded");
                    }
                }
                Setback::Away(part, error) => {
                    tracing::warn!(%error, count = part.len(), "recording waits for the database");
                    tokio::time::sleep(PAUSE_ERROR).await;
                    parts.put_back(part);
                }
            },
        }
    }
    late
}

fn count(delivering: &Delivering, outcomes: &[Recorded], applied: &[bool], owed: &AllOwed) {
    let counted = || outcomes.iter().zip(applied).filter_map(|it| Some((it, owed.get(&it.0.id)?)));
    for ((outcome, applied), owed) in counted() {
        delivering.engine.metrics().count_recorded(outcome, *applied, owed);
    }
    let applied = || counted().filter(|((_, applied), _)| **applied).map(|((outcome, _), owed)| (outcome, owed));
    delivering.engine.metrics().count_by_endpoint(applied());
    delivering.engine.sums().count(applied());
}

/// Notes which endpoints succeed and fail, for whoever tells operators. A failed test is no news.
fn note_runs(delivering: &Delivering, batch: &[Report]) {
    let seen = batch.iter().filter_map(|Report { recorded, due, .. }| {
        let (endpoint, attempt) = (due.endpoint?, recorded.attempt.as_ref()?);
        let is_news = attempt.conclusion == Conclusion::Delivered || !due.marks.test;
        is_news.then_some((endpoint, recorded.id, attempt))
    });
    delivering.engine.runs().saw(seen);
}

/// Removes what the receiver sent, which the database may refuse; false if there was nothing to remove.
fn strip(outcome: &mut Recorded) -> bool {
    if let Settlement::Dead { detail, .. } = &mut outcome.settlement
        && detail.take().is_some()
    {
        return true;
    }
    let Some(attempt) = &mut outcome.attempt else { return false };
    let bare = Attempt { detail: Detail::default().to_bytes(), response_body: bytes::Bytes::new(), ..attempt.clone() };
    let changed = bare != *attempt;
    *attempt = bare;
    changed
}

/// Acts on committed outcomes: disables endpoints that are gone, brings the next delivery of each finished ordering key.
async fn follow_up(delivering: &Arc<Delivering>, batch: &[Report]) {
    let gone: BTreeMap<_, _> = batch.iter().filter_map(|report| Some((report.gone?, report.recorded.id))).collect();
    for ((endpoint, version), example) in gone {
        disable_gone(delivering, endpoint, version, example).await;
    }
    for (endpoint, url) in batch.iter().filter_map(|report| report.verified.as_ref()) {
        match delivering.engine().note_verified(*endpoint, url).await {
            Ok(()) => tracing::info!(%endpoint, "has answered a verification"),
            Err(error) => {
                tracing::warn!(%endpoint, %error, "could not note that an endpoint is verified; verify it again")
            }
        }
    }
    let finished = batch
        .iter()
        .filter(|report| matches!(report.recorded.settlement, Settlement::Delivered | Settlement::Dead { .. }));
    let keys: Vec<_> =
        finished.filter_map(|report| Some((report.due.lane, report.due.ordering_key.clone()?))).collect();
    if !keys.is_empty() {
        super::feed::bring_heads(delivering, keys).await;
    }
}

/// Disables an endpoint that answered 410. The delivery is still due, so its lane is read again: the endpoint stays enabled
/// if it was changed meanwhile, as the 410 may have come from its last URL.
async fn disable_gone(delivering: &Delivering, endpoint: EndpointId, version: i64, example: DeliveryId) {
    match delivering.engine().disable(endpoint, version, GONE).await {
        Ok(false) => {
            tracing::info!(%endpoint, "answered 410 and is disabled");
            delivering.engine().note_disabled(endpoint, GONE, delivering.database_now(), example, "status 410").await;
        }
        Ok(true) => tracing::info!(%endpoint, "answered 410 before it was changed"),
        // The next 410 of this endpoint tries again.
        Err(error) => tracing::warn!(%endpoint, %error, "could not disable an endpoint that answered 410"),
    }
    delivering.lanes.lock().read_lane_again(LaneId::of_endpoint(endpoint));
    delivering.feed_wanted.notify_one();
}

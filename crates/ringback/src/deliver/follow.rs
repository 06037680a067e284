//! Follows the change log, several times a second: so pauses, expunges, cancellations and changes of endpoints reach this
//! node's lanes.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::{Delivering, Stage, feed};
use crate::{
    delivery::LaneId,
    id::{DeliveryId, EndpointId, EventId},
    store::{self, Change, DeliveryFilter},
};

/// Most deliveries of an expunged event whose ordering keys are unblocked at once; the feed's walk unblocks the others.
const DELIVERIES_MAX: u32 = 1_000;

/// Between reads of the log; the promise is that a change takes effect within one second.
const PAUSE: Duration = Duration::from_millis(200);

/// The changes that the engine's directories tell this task, whoever read them from the log.
pub(crate) struct Told {
    changes: mpsc::UnboundedReceiver<Vec<Change>>,
    /// Whether [`follow`] has run before.
    is_followed: bool,
}

impl Told {
    pub(crate) const fn new(changes: mpsc::UnboundedReceiver<Vec<Change>>) -> Self {
        Self { changes, is_followed: false }
    }
}

/// Follows until `stop`.
pub(crate) async fn follow(delivering: Arc<Delivering>, told: Arc<Mutex<Told>>, stop: CancellationToken) {
    let mut told = told.lock().await;
    if std::mem::replace(&mut told.is_followed, true) {
        // Restarted after a panic: changes that were being applied then are read and told once more.
        delivering.engine.directories().forget();
    }
    let changes = &mut told.changes;
    while !stop.is_cancelled() {
        match delivering.engine.directories().read_changes().await {
            Ok(()) => delivering.progress.came_round(Stage::Follow),
            Err(error) => tracing::warn!(%error, "cannot read configuration changes"),
        }
        while let Ok(changes) = changes.try_recv() {
            apply(&delivering, &changes).await;
        }
        // A change that was made through this process is told at once, without waiting for the next read.
        tokio::select! {
            Some(changes) = changes.recv() => apply(&delivering, &changes).await,
            () = delivering.pause(PAUSE, &stop) => {}
        }
    }
}

async fn apply(delivering: &Arc<Delivering>, changes: &[Change]) {
    let (mut released, mut expunged) = (Vec::new(), Vec::new());
    for change in changes {
        match change {
            Change::Endpoint(id) => reconfigure(delivering, *id),
            Change::EventExpunged(id) => {
                delivering.lanes.lock().remove_event(*id);
                expunged.push(*id);
            }
            Change::DeliveryReleased(id) => released.push(*id),
        }
    }
    if !released.is_empty() {
        // Replays are due now: the next read finds them.
        delivering.feed_wanted.notify_one();
    }
    delivering.ready.notify_one();
    if !(released.is_empty() && expunged.is_empty()) {
        tokio::spawn(unblock(Arc::clone(delivering), released, expunged));
    }
}

/// Runs as a task of its own: a large replay releases thousands of deliveries, and looking each up must not delay the next
/// change, which may be a pause.
async fn unblock(delivering: Arc<Delivering>, released: Vec<DeliveryId>, expunged: Vec<EventId>) {
    // Nobody closes the semaphore, so this never returns early.
    let Ok(_turn) = delivering.unblocking.acquire().await else { return };
    if let Err(error) = bring_unblocked(&delivering, &released, &expunged).await {
        tracing::warn!(%error, "the next of an ordering key is late");
    }
}

fn reconfigure(delivering: &Delivering, id: EndpointId) {
    let directory = delivering.engine.directories().newest();
    let mut lanes = delivering.lanes.lock();
    match directory.endpoint(id) {
        Some(endpoint) => lanes.reconfigure(endpoint, Instant::now()),
        None => lanes.remove_lane(LaneId::of_endpoint(id)),
    }
    let holds_changed = lanes.has_changed_holds();
    drop(lanes);
    if holds_changed {
        delivering.holds_changed.notify_one();
    }
}

/// Brings the next deliveries of the ordering keys of released deliveries and expunged events. They may have been due for
/// long, and the feed's front would not find them.
async fn bring_unblocked(
    delivering: &Arc<Delivering>,
    released: &[DeliveryId],
    expunged: &[EventId],
) -> store::Result<()> {
    let directory = delivering.engine.directories().newest();
    if !directory.all().any(|endpoint| endpoint.spec.ordered) {
        return Ok(());
    }
    let store = delivering.engine.store();
    let mut rows = Vec::new();
    for &id in released {
        rows.extend(store.delivery(id).await?);
    }
    for &id in expunged {
        let filter = DeliveryFilter { event: Some(id), ..DeliveryFilter::default() };
        rows.extend(store.list_deliveries(&filter, None, DELIVERIES_MAX).await?.items);
    }
    let mut keys = Vec::new();
    for row in rows {
        let ordered = row.endpoint.and_then(|id| directory.endpoint(id)).is_some_and(|endpoint| endpoint.spec.ordered);
        if let Some(key) = row.event.ordering_key.filter(|_| ordered) {
            keys.push((row.lane, key.into_boxed_str()));
        }
    }
    if !keys.is_empty() {
        feed::bring_heads(delivering, keys).await;
    }
    Ok(())
}

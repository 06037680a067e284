//! Pause, expunge, cancel and configuration changes reach this node: the change log is read several times a second.

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

/// Most deliveries of an expunged event whose ordering keys are looked at; what is beyond is found by the feed.
const DELIVERIES_MAX: u32 = 1_000;

/// Between looks at the log; the promise is one second.
const PAUSE: Duration = Duration::from_millis(200);

/// What this process is told of changes.
pub(crate) struct Told {
    changes: mpsc::UnboundedReceiver<Vec<Change>>,
    /// Somebody has begun to follow.
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
        // Begun again after a panic: what was being applied then is told once more.
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
        // A change made through this very process is told at once.
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

/// A large replay releases thousands of deliveries: looking each up must not keep the next change, which may be a pause,
/// from being obeyed.
async fn unblock(delivering: Arc<Delivering>, released: Vec<DeliveryId>, expunged: Vec<EventId>) {
    // Closed by nobody.
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

/// Deliveries of an ordered endpoint may have waited behind what was released or cancelled: their turn may have
/// come, and they have been due for long.
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

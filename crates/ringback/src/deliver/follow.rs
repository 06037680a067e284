//! Pause, expunge, cancel and configuration changes reach this node: the change log is read several times a second.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Delivering, feed};
use crate::{
    delivery::LaneId,
    id::{DeliveryId, EndpointId},
    store::{self, Change},
};

/// Between looks at the log; the promise is one second.
const PAUSE: Duration = Duration::from_millis(200);

/// Follows until `stop`.
pub(super) async fn follow(delivering: Arc<Delivering>, stop: CancellationToken) {
    let (told, mut changes) = mpsc::unbounded_channel();
    delivering.engine.directories().listen(told).await;
    while !stop.is_cancelled() {
        if let Err(error) = delivering.engine.directories().read_changes().await {
            tracing::warn!(%error, "cannot read configuration changes");
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
    let mut released = Vec::new();
    for change in changes {
        match change {
            Change::Endpoint(id) => reconfigure(delivering, *id),
            Change::EventExpunged(id) => delivering.lanes.lock().remove_event(*id),
            Change::DeliveryReleased(id) => released.push(*id),
        }
    }
    if !released.is_empty() {
        // Replays are due now: the next read finds them.
        delivering.hungry.notify_one();
        if let Err(error) = bring_unblocked(delivering, &released).await {
            tracing::warn!(%error, "what a discarded dead letter had blocked is late");
        }
    }
    delivering.ready.notify_one();
}

fn reconfigure(delivering: &Delivering, id: EndpointId) {
    let directory = delivering.engine.directories().newest();
    let mut lanes = delivering.lanes.lock();
    match directory.endpoint(id) {
        Some(endpoint) => lanes.reconfigure(endpoint, Instant::now()),
        None => lanes.remove_lane(LaneId::of_endpoint(id)),
    }
}

/// Deliveries of an ordered endpoint may have waited behind what was released: their turn may have come, and they
/// have been due for long.
async fn bring_unblocked(delivering: &Arc<Delivering>, released: &[DeliveryId]) -> store::Result<()> {
    let directory = delivering.engine.directories().newest();
    if !directory.all().any(|endpoint| endpoint.spec.ordered) {
        return Ok(());
    }
    let mut keys = Vec::new();
    for &id in released {
        let Some(row) = delivering.engine.store().delivery(id).await? else { continue };
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

//! Stores changes of holds, so that holds survive a restart and operators see them. In memory they take effect before.

use std::sync::Arc;

use tokio::time::Instant;

use tokio_util::sync::CancellationToken;

use super::Delivering;
use crate::store::{self, Hold, NodeId};

/// Between tries while the database is away.
const PAUSE_ERROR: std::time::Duration = std::time::Duration::from_millis(500);

/// Stores changes of holds until `stop`, and then those that are left.
pub(crate) async fn write_down(delivering: Arc<Delivering>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            () = delivering.holds_changed.notified() => {}
            () = stop.cancelled() => {}
        }
        while let Err(error) = write_of_lease(&delivering).await {
            tracing::warn!(%error, "could not write down a hold");
            if stop.is_cancelled() {
                break;
            }
            tokio::time::sleep(PAUSE_ERROR).await;
        }
    }
}

async fn write_of_lease(delivering: &Delivering) -> store::Result<()> {
    let pen = delivering.holds.lock().await;
    write(delivering, delivering.lease.node_id(), &pen).await
}

/// The right to store holds, which one task has at a time. So the newest state of a lane is stored last, and no shard is
/// given away while its holds are being stored.
#[derive(Default)]
pub(super) struct Pen;

/// Stores the changes since the last call, of shards that `node` owns in the database.
pub(super) async fn write(delivering: &Delivering, node: Option<NodeId>, _pen: &Pen) -> store::Result<()> {
    let changed = delivering.lanes.lock().take_changed_holds();
    if changed.is_empty() {
        return Ok(());
    }
    let now = Instant::now();
    let holds: Vec<_> = changed
        .iter()
        .map(|(lane, hold)| Hold {
            lane: *lane,
            until: delivering.clock.after(hold.until.saturating_duration_since(now)),
            reason: hold.reason,
            streak: i32::try_from(hold.streak).unwrap_or(i32::MAX),
        })
        .collect();
    // Without a registration this node owns no lane any more.
    let Some(node) = node else { return Ok(()) };
    let written = delivering.engine().store().set_holds(node, &holds).await;
    if written.is_err() {
        delivering.lanes.lock().put_back_changed_holds(changed);
    }
    written
}

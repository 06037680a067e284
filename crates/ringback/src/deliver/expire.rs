//! Gives up what expires before its first attempt, also what waits behind a pause, a hold or a rate.
//!
//! Only the owner of a shard does, since it alone knows which requests are open: an attempt that has begun in time counts,
//! whenever it ends. What is picked after its time is given up by [`super::work`], so nothing slips in between.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{Delivering, record::Report};
use crate::{
    delivery::{DeadReason, Due},
    endpoint::OnDead,
    store::{Recorded, Settlement},
};

/// Between looks. Each is a statement over an index that is empty unless something is to expire.
const PAUSE: Duration = Duration::from_secs(1);

/// Between looks while there is more.
const PAUSE_BUSY: Duration = Duration::from_millis(100);

/// Most deliveries that are given up together: as many as one statement records.
const BATCH: u32 = 512;

/// For people; why the lane did not send meanwhile shows elsewhere.
const WHY: &str = "its event's expires_at has passed";

/// Looks for what has expired until `stop`.
pub(crate) async fn expire(delivering: Arc<Delivering>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let pause = if round(&delivering).await { PAUSE_BUSY } else { PAUSE };
        delivering.pause(pause, &stop).await;
    }
}

/// Gives up what has expired by now; true if there may be more.
async fn round(delivering: &Arc<Delivering>) -> bool {
    let shards = delivering.lanes.lock().owned_shards();
    if shards.is_empty() || !delivering.lease.runs() || delivering.recorder.is_behind() {
        return false;
    }
    // Until the rows are dealt with, lanes remember what is recorded meanwhile.
    let _read = delivering.begin_read();
    let found = match delivering.engine.store().find_overdue(&shards, BATCH).await {
        Ok(found) => found,
        Err(error) => {
            tracing::debug!(%error, "what has expired is looked for again");
            return false;
        }
    };
    if found.is_empty() {
        return false;
    }
    let is_full = u32::try_from(found.len()).is_ok_and(|count| count >= BATCH);
    let given_up = delivering.lanes.lock().give_up(found);
    let directory = delivering.engine.directories().newest();
    for (due, tenant) in given_up {
        let endpoint = due.endpoint.and_then(|id| directory.endpoint(id));
        let blocks = endpoint.is_some_and(|it| it.spec.ordered && it.spec.on_dead == OnDead::Block);
        let recorded = expired(&due, blocks);
        let report = Report { recorded, due, tenant: tenant.into(), deliver_after: None, gone: None, verified: None };
        delivering.recorder.report(report, &delivering.progress);
    }
    is_full
}

/// The end of a delivery whose event expired before an attempt began.
pub(super) fn expired(due: &Due, blocks: bool) -> Recorded {
    let (reason, detail) = (DeadReason::Expired, Some(WHY.to_owned()));
    let settlement = Settlement::Dead { reason, detail, blocks };
    Recorded { id: due.id, lane: due.lane, fence: due.attempts, settlement, attempt: None }
}

//! Erases the events of running expunges, step by step.
//!
//! One node erases, the owner of shard 0. All state is in the store: after a restart it goes on after the last committed
//! step.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use tokio_util::sync::CancellationToken;

use super::jobs::Failing;
use crate::{Engine, deliver::Delivering, delivery::Status, id::ExpungeId, store};

/// Between steps while an expunge runs, so that sending has precedence.
const PAUSE_RUNNING: Duration = Duration::from_millis(10);

/// Between looks while no expunge runs.
const PAUSE_IDLE: Duration = Duration::from_millis(500);

/// After an error of the database.
const PAUSE_ERROR: Duration = Duration::from_secs(1);

/// Events erased in one transaction.
const BATCH: u32 = 100;

/// Erases until `stop`.
pub(crate) async fn expunge(delivering: Arc<Delivering>, stop: CancellationToken) {
    let mut failing = Failing::default();
    while !stop.is_cancelled() {
        let pause = match step(&delivering, &mut failing).await {
            Ok(true) => PAUSE_RUNNING,
            Ok(false) => PAUSE_IDLE,
            Err(error) => {
                tracing::warn!(%error, "expunging waits for the database");
                PAUSE_ERROR
            }
        };
        delivering.pause(pause, &stop).await;
    }
}

/// Takes one step of an expunge, and counts the deliveries that it cancelled.
async fn take_step(engine: &Engine, id: ExpungeId) -> store::Result<bool> {
    let before = cancelled(engine, id).await?;
    let more = engine.store().expunge_next(id, BATCH).await?;
    let since = cancelled(engine, id).await? - before;
    engine.metrics().count_deliveries(Status::Cancelled, u64::try_from(since).unwrap_or(0));
    Ok(more)
}

async fn cancelled(engine: &Engine, id: ExpungeId) -> store::Result<i64> {
    Ok(engine.store().expunge_of_many(id).await?.map_or(0, |row| row.erased.cancelled))
}

/// Takes one step of each running expunge; true if any was taken.
async fn step(delivering: &Delivering, failing: &mut Failing<ExpungeId>) -> store::Result<bool> {
    if !delivering.owns(0) {
        return Ok(false);
    }
    let store = delivering.engine().store();
    let running = store.running_expunges().await?;
    failing.keep(&running);
    let mut went_on = false;
    for id in running {
        if failing.may_try(id, Instant::now()) {
            let step = take_step(delivering.engine(), id).await;
            went_on |= failing.came_to(id, step, Instant::now()).is_some();
        }
    }
    Ok(went_on)
}

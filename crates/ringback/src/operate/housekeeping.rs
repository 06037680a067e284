//! Expires what was held too long and keeps the tables small; one node does it, the owner of shard 0.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{deliver::Delivering, store};

/// Between rounds.
const PAUSE: Duration = Duration::from_secs(10);

/// Between steps while there is more to do: others want the database, too.
const PAUSE_BUSY: Duration = Duration::from_millis(200);

/// Keeps house until `stop`.
pub(crate) async fn keep_house(delivering: Arc<Delivering>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let pause = match round(&delivering).await {
            Ok(true) => PAUSE_BUSY,
            Ok(false) => PAUSE,
            Err(error) => {
                tracing::warn!(%error, "housekeeping failed; it will be tried again");
                PAUSE
            }
        };
        delivering.pause(pause, &stop).await;
    }
}

/// One step of each kind; whether there is more to do now.
async fn round(delivering: &Delivering) -> store::Result<bool> {
    if !delivering.owns(0) {
        return Ok(false);
    }
    let engine = delivering.engine();
    let kept = &engine.settings().kept;
    let expired = engine.store().expire_held(kept.expires_after).await?;
    if expired > 0 {
        tracing::info!(count = expired, "deliveries were held for too long and are dead letters now");
    }
    let more = engine.store().keep_house(kept).await?;
    Ok(more || expired > 0)
}

//! Asks the store for the gauges of [`Metrics`](crate::metrics::Metrics), so that whoever reads them waits for a moment only.
//!
//! However many ask, the store is asked once at a time, and at most once a second. While it does not answer, the gauges are
//! left out, and callers still wait no longer than [`PATIENCE`].

use std::time::Duration;

use futures_util::{FutureExt as _, future::BoxFuture, future::Shared};
use parking_lot::Mutex;
use tokio::{task::AbortHandle, time::Instant};

use crate::{
    Engine,
    delivery::{HoldReason, LaneId},
    metrics::{HeldLanes, Waiting},
    store::{self, Backlog},
};

use super::figures::COUNTED_MAX;

/// From the beginning of one look at the store to the next.
const EVERY: Duration = Duration::from_secs(1);

/// How long a caller waits for the store: monitoring gives up after some seconds, and must still be told the counters.
const PATIENCE: Duration = Duration::from_millis(500);

/// The last look at the store, or the one under way.
#[derive(Default)]
pub(crate) struct Sampler(Mutex<Option<Look>>);

struct Look {
    begun: Instant,
    task: AbortHandle,
    ended: Shared<BoxFuture<'static, ()>>,
}

impl Look {
    fn begin(engine: Engine) -> Self {
        let task = tokio::spawn(async move {
            let waiting = engine.waiting().await;
            if let Err(error) = &waiting {
                tracing::debug!(%error, "the gauges of the installation are left out");
            }
            engine.metrics().set_waiting(waiting.ok());
        });
        Self { begun: Instant::now(), task: task.abort_handle(), ended: task.map(drop).boxed().shared() }
    }

    fn serves(&self) -> bool {
        !self.task.is_finished() || self.begun.elapsed() < EVERY
    }
}

impl Engine {
    /// Brings those gauges of [`Engine::metrics`] up to date that are asked of the store, for whoever shows them next. The
    /// store is asked at most once a second. If it has not answered after half a second, or cannot, `ringback_store_up` is
    /// 0, and the gauges that nobody knows are left out until it answers.
    pub async fn refresh_metrics(&self) {
        self.metrics().set_shards_owned(self.shards_owned());
        let ended = {
            let mut last = self.sampler().0.lock();
            let look = last.take().filter(Look::serves).unwrap_or_else(|| Look::begin(self.clone()));
            last.insert(look).ended.clone()
        };
        if tokio::time::timeout(PATIENCE, ended).await.is_err() {
            self.metrics().set_waiting(None);
        }
    }

    /// What waits now in the whole installation. Every read is bounded, however much waits.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn waiting(&self) -> store::Result<Waiting> {
        let Backlog { pending, dead } = self.backlog().await?;
        let oldest_due = self.oldest_due(None).await?;
        let lanes = self.held_by_reason().await?;
        let oldest_due_unheld = self.oldest_due_outside(&lanes).await?;
        let mut held = Vec::with_capacity(lanes.len());
        for (reason, lanes) in lanes {
            held.push(self.count_held(reason, &lanes).await?);
        }
        Ok(Waiting {
            pending,
            dead,
            oldest_due,
            oldest_due_unheld,
            held,
            replays_running: self.store().running_replays().await?.len(),
        })
    }

    /// For how long the oldest due delivery that nothing holds has been due; `None` if there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn oldest_due_unheld(&self) -> store::Result<Option<Duration>> {
        let held = self.held_by_reason().await?;
        self.oldest_due_outside(&held).await
    }

    async fn oldest_due_outside(&self, held: &[(HoldReason, Vec<LaneId>)]) -> store::Result<Option<Duration>> {
        let held: Vec<_> = held.iter().flat_map(|(_, lanes)| lanes).copied().collect();
        self.store().oldest_due_outside(&held).await
    }

    async fn count_held(&self, reason: HoldReason, lanes: &[LaneId]) -> store::Result<HeldLanes> {
        let deliveries = if lanes.is_empty() { 0 } else { self.store().count_pending_in(lanes, COUNTED_MAX).await? };
        Ok(HeldLanes { reason, lanes: lanes.len(), deliveries })
    }
}

//! Releases the deliveries of running replays at the rate that was asked for.
//!
//! One node releases, the owner of shard 0. All state is in the store: after a restart it goes on after the last committed
//! release, and a cancelled replay releases nothing more.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use tokio_util::sync::CancellationToken;

use super::jobs::Failing;
use crate::{
    Engine,
    deliver::Delivering,
    id::ReplayId,
    store::{self, ReplayFilter, ReplayScope, Replayed, Wanting},
};

/// Between releases while a replay runs, and between looks while none runs.
const PAUSE_RUNNING: Duration = Duration::from_millis(100);
const PAUSE_IDLE: Duration = Duration::from_millis(500);

/// After an error of the database.
const PAUSE_ERROR: Duration = Duration::from_secs(1);

/// Most deliveries released in one transaction.
const BATCH: u32 = 500;

/// How many deliveries each running replay may release: tokens that grow with time.
#[derive(Default)]
struct Allowance {
    tokens: HashMap<ReplayId, (f64, Instant)>,
}

impl Allowance {
    /// How many deliveries may be released now: never more than one second's worth, so that a pause does not end in a burst.
    fn grow(&mut self, id: ReplayId, per_second: Option<f64>, now: Instant) -> u32 {
        let Some(per_second) = per_second else { return BATCH };
        let (tokens, since) = self.tokens.entry(id).or_insert((1.0, now));
        let grown = now.saturating_duration_since(*since).as_secs_f64() * per_second;
        *tokens = (*tokens + grown).min(per_second.max(1.0));
        *since = now;
        // Cut to a batch below, so the cast cannot lose anything.
        tokens.floor().min(f64::from(BATCH)) as u32
    }

    fn spend(&mut self, id: ReplayId, count: u32) {
        if let Some((tokens, _)) = self.tokens.get_mut(&id) {
            *tokens -= f64::from(count);
        }
    }

    /// Forgets the replays that do not run any more.
    fn keep(&mut self, running: &[ReplayId]) {
        self.tokens.retain(|id, _| running.contains(id));
    }
}

/// Releases until `stop`.
pub(crate) async fn replay(delivering: Arc<Delivering>, stop: CancellationToken) {
    let (mut allowance, mut failing) = (Allowance::default(), Failing::default());
    while !stop.is_cancelled() {
        let pause = match release(&delivering, &mut allowance, &mut failing).await {
            Ok(true) => PAUSE_RUNNING,
            Ok(false) => PAUSE_IDLE,
            Err(error) => {
                tracing::warn!(%error, "replays wait for the database");
                PAUSE_ERROR
            }
        };
        delivering.pause(pause, &stop).await;
    }
}

/// Releases deliveries of each running replay, as its rate allows; true if any replay runs.
async fn release(
    delivering: &Delivering,
    allowance: &mut Allowance,
    failing: &mut Failing<ReplayId>,
) -> store::Result<bool> {
    if !delivering.owns(0) {
        return Ok(false);
    }
    let engine = delivering.engine();
    let running = engine.store().running_replays().await?;
    allowance.keep(&running);
    failing.keep(&running);
    let mut went_on = false;
    for id in running {
        if failing.may_try(id, Instant::now()) {
            let released = release_next(engine, id, allowance).await;
            went_on |= failing.came_to(id, released, Instant::now()).is_some();
        }
    }
    Ok(went_on)
}

/// Releases deliveries of one replay, as its rate allows.
async fn release_next(engine: &Engine, id: ReplayId, allowance: &mut Allowance) -> store::Result<()> {
    let Some(replay) = engine.replay(id).await? else { return Ok(()) };
    let count = allowance.grow(id, replay.rate_per_second, Instant::now());
    if count > 0 {
        let scope = engine.replay_scope(replay.filter).await?;
        let looked_at = engine.store().release_replayed(id, &scope, count).await?;
        allowance.spend(id, looked_at);
    }
    Ok(())
}

impl Engine {
    /// A replay's filter with what it needs of the present configuration: which endpoints are at its host, and what its
    /// endpoint selects.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn replay_scope(&self, filter: ReplayFilter) -> store::Result<ReplayScope> {
        let directory = self.directory().await?;
        let at_host = match &filter.host {
            Some(host) => directory.at_host(host, filter.tenant.as_deref()),
            None => Vec::new(),
        };
        let missing = filter.endpoint.filter(|_| filter.status == Replayed::Missing);
        let wanting = missing.and_then(|id| directory.endpoint(id)).map(|endpoint| Wanting {
            endpoint: endpoint.id,
            tenant: endpoint.tenant.clone(),
            key: endpoint.key.clone(),
            event_types: endpoint.spec.event_types.clone(),
            ordered: endpoint.spec.ordered,
        });
        Ok(ReplayScope { filter, at_host, wanting })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn releases_keep_to_the_rate() {
        let mut allowance = Allowance::default();
        let id = ReplayId::new(Timestamp::now());
        let start = Instant::now();
        let mut released = 0;
        for step in 0..=100 {
            let now = start + Duration::from_millis(100) * step;
            let count = allowance.grow(id, Some(20.0), now);
            allowance.spend(id, count);
            released += count;
        }
        assert!((200..=201).contains(&released), "{released}");
    }

    #[test]
    fn a_pause_does_not_end_in_a_burst() {
        let mut allowance = Allowance::default();
        let id = ReplayId::new(Timestamp::now());
        let start = Instant::now();
        allowance.grow(id, Some(20.0), start);
        assert_eq!(allowance.grow(id, Some(20.0), start + Duration::from_secs(3_600)), 20);
    }
}

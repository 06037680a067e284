//! Gives every call of a store a deadline. A connection may be dead without having been closed, as when a host is lost or a
//! firewall forgets the flow: without a deadline a call on it waits for a quarter of an hour.
//!
//! A call that panics returns an error like others, so that its caller keeps its data and calls again.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    Acceptance, Audit, AuditFilter, AuditPosition, AuditRow, Backlog, Changes, Claimed, Configuration, Created, Cursor,
    Damage, DeadGroups, DeliveryFilter, DeliveryRow, Elsewhere, EndpointAsOf, EndpointFilter, Erased, Error,
    EventFilter, EventRow, Expected, ExpungeRow, ExpungeToCreate, Expunging, FeedPage, FigureKeeping, Figures,
    FiguresPart, Floor, Group, GroupFilter, Hold, Ingest, Intake, Keys, LeaseKeeper, Leases, Ledger, Links, Liveness,
    LoadedEvent, NodeId, Nodes, Once, OnceName, Operations, Outbox, OutboxPage, Outcome, Page, PayloadRead,
    PendingLane, Recorded, RecordedRouting, ReplayListFilter, ReplayOf, ReplayOne, ReplayRow, ReplayScope,
    ReplayToCreate, Resealed, Result, Retention, RoutedEvent, Sealed, SealedDestinations, Sessions, ShardMap,
    SharedStore, Span, Step, Subject, Tokens, Updated, Upkeep, Vitals, Work,
};
use crate::{
    attempt::Attempt,
    audit::Entry,
    delivery::{Due, LaneId, Shard},
    endpoint::StoredEndpoint,
    event::NewEvent,
    id::{DeliveryId, EndpointId, EventId, ExpungeId, LinkId, ReplayId, SessionId, TokenId},
    link::Link,
    metrics::{self, StoreDurations},
    time::Timestamp,
    token::Token,
};

/// How long each kind of call may take.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Calls that emit events. Does not depend on the lease, so that a short lease does not make emits on a slow disk fail.
    intake: Duration,
    /// Reads that the pipeline repeats.
    look: Duration,
    /// Commits of the pipeline: some hundreds of rows.
    commit: Duration,
    /// Calls that serve a person's question or change.
    question: Duration,
    /// A step of housekeeping.
    upkeep: Duration,
}

/// A call that was not answered in time. It may have taken effect all the same.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {} s ({call})", limit.as_secs())]
pub struct NoAnswer {
    call: &'static str,
    limit: Duration,
}

/// The writes that the database has refused because it is full or read-only, as long as no such write has succeeded since.
/// The probe is not enough: it is small, and may still find room when an event does not.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Option<Refused>>);

#[derive(Debug, Clone)]
struct Refused {
    first: Instant,
    last: Instant,
    is_full: bool,
    why: String,
}

impl Refusals {
    /// If writes have been refused for at least `long`, the last time less than `long` ago: for how long, and why.
    pub(crate) fn lasting(&self, long: Duration) -> Option<(Duration, Error)> {
        let refused = self.0.lock().clone().filter(|it| it.first.elapsed() >= long && it.last.elapsed() < long)?;
        let error = if refused.is_full { Error::Full } else { Error::ReadOnly };
        Some((refused.first.elapsed(), error(refused.why.into())))
    }

    fn note<T>(&self, call: &str, came_to: &Result<T>) {
        let (is_full, why) = match came_to {
            Err(Error::Full(why)) => (true, why.to_string()),
            Err(Error::ReadOnly(why)) => (false, why.to_string()),
            Ok(_) if WRITES.contains(&call) => return *self.0.lock() = None,
            _ => return,
        };
        let (mut refused, now) = (self.0.lock(), Instant::now());
        let first = refused.as_ref().map_or(now, |refused| refused.first);
        *refused = Some(Refused { first, last: now, is_full, why });
    }
}

/// The calls that write events, deliveries and outcomes.
const WRITES: [&str; 4] = ["accept", "emit", "record_routing", "record"];

/// A store of which every call ends.
pub(crate) struct Watched {
    inner: SharedStore,
    limits: Limits,
    refusals: Arc<Refusals>,
    damage: Arc<Damage>,
    durations: StoreDurations,
}

impl Watched {
    /// The deadlines are such that a stage that waits for a dead connection comes round, with another one, before its node
    /// gives up the `lease`.
    pub(crate) fn new(
        inner: SharedStore,
        lease: Duration,
        refusals: Arc<Refusals>,
        damage: Arc<Damage>,
        durations: StoreDurations,
    ) -> Self {
        let question = Duration::from_secs(35);
        let intake = Duration::from_secs(18);
        let limits = Limits { intake, look: lease, commit: lease * 3 / 2, question, upkeep: 20 * question };
        Self { inner, limits, refusals, damage, durations }
    }

    async fn within<T>(
        &self,
        limit: Duration,
        call: &'static str,
        answer: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let asked = Instant::now();
        let answer = AssertUnwindSafe(tokio::time::timeout(limit, answer)).catch_unwind().await;
        metrics::measure(&self.durations, call, asked.elapsed());
        let Ok(answer) = answer else {
            tracing::error!(call, "a call of the store panicked");
            return Err(Error::Panicked(call));
        };
        if let Ok(answer) = answer {
            self.refusals.note(call, &answer);
            self.damage.note(call, &answer);
            return answer;
        }
        tracing::warn!(call, "the database gave no answer within {} s; its connections are made anew", limit.as_secs());
        self.inner.distrust(asked.into_std());
        Err(Error::Unavailable(Box::new(NoAnswer { call, limit })))
    }
}

macro_rules! watched {
    ($($stage:ident { $($limit:ident $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)+ })+) => {
        $(#[async_trait::async_trait]
        impl $stage for Watched {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$answer> {
                self.within(self.limits.$limit, stringify!($name), self.inner.$name($($argument),*)).await
            })+
        })+
    };
}

crate::for_every_call!(watched);

#[async_trait::async_trait]
impl Liveness for Watched {
    fn distrust(&self, asked: std::time::Instant) {
        self.inner.distrust(asked);
    }

    async fn probe(&self) -> Result<()> {
        self.within(self.limits.look.min(PROBE), "probe", self.inner.probe()).await
    }
}

/// The deadline of a probe: short, since callers of the readiness check do not wait for long.
const PROBE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    fn full() -> Result<()> {
        Err(Error::Full("no room".into()))
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_again_and_again_lasts_until_such_a_write_succeeds() {
        let refusals = Refusals::default();
        refusals.note("accept", &full());
        assert!(refusals.lasting(LONG).is_none(), "once is no time");
        for _ in 0..4 {
            tokio::time::advance(LONG / 4).await;
            refusals.note("record", &full());
            refusals.note("probe", &Ok(()));
        }
        let (since, why) = refusals.lasting(LONG).expect("a small write that succeeds says nothing about it");
        assert!(since == LONG && matches!(why, Error::Full(_)), "{since:?} {why}");
        refusals.note("record", &Ok(()));
        assert!(refusals.lasting(LONG).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_refused_long_ago_and_not_tried_since_does_not_last() {
        let refusals = Refusals::default();
        let read_only: Result<()> = Err(Error::ReadOnly("no leave".into()));
        refusals.note("accept", &read_only);
        tokio::time::advance(LONG).await;
        refusals.note("accept", &read_only);
        assert!(matches!(refusals.lasting(LONG), Some((_, Error::ReadOnly(_)))));
        tokio::time::advance(LONG).await;
        assert!(refusals.lasting(LONG).is_none());
    }
}

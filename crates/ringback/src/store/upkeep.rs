//! Upkeep: keeps the tables small, and so the cost of every statement flat.

use std::time::Duration;

use super::Result;
use crate::time::Timestamp;

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Event skeletons, finished deliveries, the audit log, and tokens and links after their end.
    pub events: Duration,
    /// Payloads of events that have no pending delivery and no dead letter.
    pub payloads: Duration,
    /// Attempts, except the one inside a finished delivery.
    pub attempts: Duration,
    /// Dead letters; their events and payloads are kept as long.
    pub dead_letters: Duration,
    /// Figures over time.
    pub figures: Duration,
    /// A delivery that was due, and whose lane was held, for longer than this becomes a dead letter.
    pub expires_after: Duration,
    /// Idempotency keys.
    pub idempotency_window: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            events: 90 * DAY,
            payloads: 30 * DAY,
            attempts: 30 * DAY,
            dead_letters: 180 * DAY,
            figures: 30 * DAY,
            expires_after: 3 * DAY,
            idempotency_window: 7 * DAY,
        }
    }
}

/// How far an event's id may be ahead of the database's clock, since the clocks of nodes differ; [`super::Intake::accept`]
/// refuses ids further ahead. Retention goes by the time in the id.
pub const IDS_AHEAD_MAX: Duration = Duration::from_secs(5 * 60);

/// One step of upkeep. Each is taken by itself, so that one that fails does not keep the others from being taken. A store
/// that has nothing to do in a step says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Opens the next partition of events ahead of time.
    OpenEvents,
    /// Opens the next partition of attempts ahead of time.
    OpenAttempts,
    /// Cancels deliveries that were routed while their endpoint was being deleted or their event expunged.
    CancelStragglers,
    /// Removes dead letters beyond their retention.
    DropDeadLetters,
    /// Removes payloads of old events that have no pending delivery and no dead letter.
    DropPayloads,
    /// Removes old events with their finished deliveries; events with pending deliveries or dead letters stay.
    DropEvents,
    /// Removes old attempts.
    DropAttempts,
    /// Removes rows that were copied out of a dropped partition because they were needed, and are not any more.
    DropSurvivors,
    /// Forgets idempotency keys of events.
    ForgetKeys,
    /// Forgets by which metadata old events are found.
    ForgetMetadata,
    /// Forgets idempotency keys of requests.
    ForgetRequestKeys,
    /// Forgets changes that every node has seen.
    ForgetChanges,
    /// Forgets replays that ended longer ago than events are kept, with their items.
    ForgetReplays,
    /// Removes the oldest rows of the audit log.
    ForgetAudit,
    /// Forgets tokens that expired or were revoked long ago.
    ForgetTokens,
    /// Forgets links that expired or were revoked long ago.
    ForgetLinks,
    /// Forgets holds that ended long ago.
    ForgetHolds,
    /// Removes figures beyond their retention, and those of deleted endpoints.
    DropFigures,
}

impl Step {
    /// All steps, in the order in which they are taken: an event can be removed once its dead letters are.
    pub const ALL: [Self; 18] = [
        Self::OpenEvents,
        Self::OpenAttempts,
        Self::CancelStragglers,
        Self::DropDeadLetters,
        Self::DropPayloads,
        Self::DropEvents,
        Self::DropAttempts,
        Self::DropSurvivors,
        Self::ForgetKeys,
        Self::ForgetMetadata,
        Self::ForgetRequestKeys,
        Self::ForgetChanges,
        Self::ForgetReplays,
        Self::ForgetAudit,
        Self::ForgetTokens,
        Self::ForgetLinks,
        Self::ForgetHolds,
        Self::DropFigures,
    ];

    /// The step's name in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenEvents => "open_events",
            Self::OpenAttempts => "open_attempts",
            Self::CancelStragglers => "cancel_stragglers",
            Self::DropDeadLetters => "drop_dead_letters",
            Self::DropPayloads => "drop_payloads",
            Self::DropEvents => "drop_events",
            Self::DropAttempts => "drop_attempts",
            Self::DropSurvivors => "drop_survivors",
            Self::ForgetKeys => "forget_keys",
            Self::ForgetMetadata => "forget_metadata",
            Self::ForgetRequestKeys => "forget_request_keys",
            Self::ForgetChanges => "forget_changes",
            Self::ForgetReplays => "forget_replays",
            Self::ForgetAudit => "forget_audit",
            Self::ForgetTokens => "forget_tokens",
            Self::ForgetLinks => "forget_links",
            Self::ForgetHolds => "forget_holds",
            Self::DropFigures => "drop_figures",
        }
    }

    /// Whether the step goes by the age of rows, so that a wrong clock would do harm.
    #[must_use]
    pub(crate) const fn goes_by_age(self) -> bool {
        !matches!(self, Self::CancelStragglers)
    }
}

/// Does the upkeep. One node (the owner of shard 0) calls it every few seconds.
#[async_trait::async_trait]
pub trait Upkeep {
    /// The database's time: it alone decides what is too old.
    async fn clock(&self) -> Result<Timestamp>;

    /// Up to when everything can be read that is stored with the time of its writing: now, or earlier, the moment when the
    /// oldest transaction of this store began that has written something and is not committed yet.
    async fn written_until(&self) -> Result<Timestamp>;

    /// Makes dead letters, reason `expired`, of deliveries that were due for longer than `expires_after` in lanes that were
    /// held without a gap, paused or disabled for as long; at most some thousands in one call. Returns how many.
    async fn expire_held(&self, expires_after: Duration) -> Result<u64>;

    /// Takes one step. It is bounded, waits for locks only briefly, and can be taken again at any time. True if there is
    /// more to do now.
    async fn take_step(&self, step: Step, retention: &Retention) -> Result<bool>;

    /// Takes every step once, also after one has failed. True if there is more to do now.
    ///
    /// # Errors
    /// The first failure.
    async fn keep_house(&self, retention: &Retention) -> Result<bool> {
        let (mut more, mut failure) = (false, None);
        for step in Step::ALL {
            match self.take_step(step, retention).await {
                Ok(more_of_it) => more |= more_of_it,
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(more), Err)
    }
}

//! What keeps the tables small and every statement's cost flat.

use std::time::Duration;

use super::Result;
use crate::time::Timestamp;

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Event skeletons, finished deliveries, the audit log, and tokens after their end.
    pub events: Duration,
    /// Payloads of events that are neither owed nor dead.
    pub payloads: Duration,
    /// Attempts, apart from the one inside a finished delivery.
    pub attempts: Duration,
    /// Dead letters; their events and payloads stay as long.
    pub dead_letters: Duration,
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
            expires_after: 3 * DAY,
            idempotency_window: 7 * DAY,
        }
    }
}

/// An event's id may lie so far ahead of the database's clock, since the clocks of nodes differ; one that lies further ahead
/// is refused by [`super::Intake::accept`]. Retention goes by the time in the id.
pub const IDS_AHEAD_MAX: Duration = Duration::from_secs(5 * 60);

/// One thing that has to be done to keep the house. Each is taken alone: what makes one fail does not keep the others from
/// being done. A store for which there is nothing to do in a step says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Opens the next partition of events ahead of time.
    OpenEvents,
    /// Opens the next partition of attempts ahead of time.
    OpenAttempts,
    /// Cancels what was routed while its endpoint was being deleted or its event expunged.
    CancelStragglers,
    /// Removes dead letters beyond their retention.
    DropDeadLetters,
    /// Removes payloads of old events that are neither owed nor dead.
    DropPayloads,
    /// Removes old events with what became of them; what is still owed or dead stays.
    DropEvents,
    /// Removes old attempts.
    DropAttempts,
    /// Removes what outlived its partition and is of no use any more.
    DropSurvivors,
    /// Forgets idempotency keys of events.
    ForgetKeys,
    /// Forgets idempotency keys of requests.
    ForgetRequestKeys,
    /// Forgets changes that every node has seen.
    ForgetChanges,
    /// Forgets replays that ended longer ago than events are kept, with their items.
    ForgetReplays,
    /// Removes the oldest of the audit log.
    ForgetAudit,
    /// Forgets tokens that have been worthless for long.
    ForgetTokens,
    /// Forgets holds that ended long ago.
    ForgetHolds,
}

impl Step {
    /// All of them, in the order in which they are taken: an event can go once its dead letters have gone.
    pub const ALL: [Self; 15] = [
        Self::OpenEvents,
        Self::OpenAttempts,
        Self::CancelStragglers,
        Self::DropDeadLetters,
        Self::DropPayloads,
        Self::DropEvents,
        Self::DropAttempts,
        Self::DropSurvivors,
        Self::ForgetKeys,
        Self::ForgetRequestKeys,
        Self::ForgetChanges,
        Self::ForgetReplays,
        Self::ForgetAudit,
        Self::ForgetTokens,
        Self::ForgetHolds,
    ];

    /// For the log.
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
            Self::ForgetRequestKeys => "forget_request_keys",
            Self::ForgetChanges => "forget_changes",
            Self::ForgetReplays => "forget_replays",
            Self::ForgetAudit => "forget_audit",
            Self::ForgetTokens => "forget_tokens",
            Self::ForgetHolds => "forget_holds",
        }
    }

    /// Whether a clock that is wrong would do harm: the step goes by how old things are.
    #[must_use]
    pub(crate) const fn goes_by_age(self) -> bool {
        !matches!(self, Self::CancelStragglers)
    }
}

/// Keeps house. Called by one node (the owner of shard 0) every few seconds.
#[async_trait::async_trait]
pub trait Upkeep {
    /// The database's clock, now: what is too old goes by it alone.
    async fn clock(&self) -> Result<Timestamp>;

    /// Makes dead letters, reason `expired`, of deliveries that were due for longer than `expires_after`
    /// in lanes that have been held, hold after hold, or paused or disabled for as long; at most some thousands a call. Returns how many.
    async fn expire_held(&self, expires_after: Duration) -> Result<u64>;

    /// Takes one step, which is short and bounded and waits for locks only shortly, so that it can be taken again at any
    /// time. True if there is more to do now.
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

//! What keeps the tables small and every statement's cost flat.

use std::time::Duration;

use super::Result;

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Event skeletons, finished deliveries, the audit log, and tokens after their end.
    pub events: Duration,
    /// Payloads of events that are neither owed nor dead.
    pub payloads: Duration,
    /// Attempts, apart from the one inside a finished delivery.
    pub attempts: Duration,
    /// Dead letters; their events and payloads stay as long.
    pub dead_letters: Duration,
    /// A delivery that was due but held for longer than this becomes a dead letter.
    pub expires_after: Duration,
    /// Idempotency keys.
    pub idempotency_window: Duration,
}

impl Default for Kept {
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

/// Keeps house. Called by one node (the owner of shard 0) every few seconds.
#[async_trait::async_trait]
pub trait Upkeep {
    /// Makes dead letters, reason `expired`, of deliveries that were due for longer than `expires_after`
    /// in lanes that are held; at most some thousands a call. Returns how many.
    async fn expire_held(&self, expires_after: Duration) -> Result<u64>;

    /// Splits newest partitions ahead of time, drops what is too old after copying what is still owed or dead,
    /// removes old payloads, idempotency keys, changes and dead letters; in short bounded steps with lock
    /// timeouts, so that it can be called again at any time. True if there is more to do now.
    async fn keep_house(&self, kept: &Kept) -> Result<bool>;
}

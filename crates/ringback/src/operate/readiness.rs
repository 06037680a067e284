//! Whether this process does what it is for: its database answers, fits and takes writes, and its pipeline comes round.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::Instant};

use crate::{Engine, store, time::Timestamp};

/// So long no write may have succeeded before a node is not ready.
const WRITTEN_WITHIN: Duration = Duration::from_secs(10);

/// A write that succeeded a moment ago need not be repeated, however often somebody asks.
const TRUSTED_FOR: Duration = Duration::from_secs(3);

/// Why this process is not ready.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotReady {
    /// The store does not answer, or its schema does not fit.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A call has met damage of the database within the last minute.
    #[error(transparent)]
    Damaged(store::Error),
    /// Writes have failed: the database is read-only, or its disk is full.
    #[error("no write has succeeded for {} s: {error}", since.as_secs())]
    NoWrite {
        /// How long ago one succeeded, or this engine was opened, or the first of those that matter was refused.
        since: Duration,
        /// Why the last one failed.
        error: store::Error,
    },
    /// It owns shards, and a stage of their pipeline has not come round for two leases: others are to have them.
    #[error("{0}")]
    Stalled(String),
}

/// Why this process, though it is ready, sends nothing for now. What is shown tells until when, by this node's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Abstinence {
    /// When it asks for shards again.
    pub until: Timestamp,
}

impl fmt::Display for Abstinence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = self.until;
        write!(
            f,
            "this node holds no shards until {until}: its pipeline stood still, and the database was not the cause"
        )
    }
}

/// What is known of writes.
pub(crate) struct Writes {
    /// When one that was tried for its own sake was last seen to succeed.
    tried: Mutex<Instant>,
    /// Of those that matter.
    pub(crate) refusals: Arc<store::Refusals>,
    pub(crate) damage: Arc<store::Damage>,
}

impl Default for Writes {
    fn default() -> Self {
        Self { tried: Mutex::new(Instant::now()), refusals: Arc::default(), damage: Arc::default() }
    }
}

impl Engine {
    /// Whether this process does what it is for. Tries a small write unless one has just succeeded.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn check_ready(&self) -> Result<(), NotReady> {
        let answers = self.store().check_ready().await;
        if let Some(error) = self.writes().damage.lately() {
            return Err(NotReady::Damaged(error));
        }
        answers?;
        if let Some(stalled) = self.stalled() {
            return Err(NotReady::Stalled(stalled));
        }
        if let Some((since, error)) = self.writes().refusals.lasting(WRITTEN_WITHIN) {
            return Err(NotReady::NoWrite { since, error });
        }
        let mut written = self.writes().tried.lock().await;
        if written.elapsed() < TRUSTED_FOR {
            return Ok(());
        }
        match self.store().probe().await {
            Ok(()) => *written = Instant::now(),
            Err(error) if written.elapsed() >= WRITTEN_WITHIN => {
                return Err(NotReady::NoWrite { since: written.elapsed(), error });
            }
            Err(error) => tracing::warn!(%error, "a write to the database failed"),
        }
        Ok(())
    }
}

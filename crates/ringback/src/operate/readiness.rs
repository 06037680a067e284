//! Whether this process is ready: its database answers, has the right schema and takes writes, and its pipeline comes round.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::Instant};

use crate::{Engine, store, time::Timestamp};

/// A node is not ready if no write has succeeded for this long.
const WRITTEN_WITHIN: Duration = Duration::from_secs(10);

/// After a write that succeeded no other is tried for this long, however often callers ask.
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
        /// How long ago the last write succeeded, this engine was opened, or the first of the pipeline's writes was refused.
        since: Duration,
        /// Why the last one failed.
        error: store::Error,
    },
    /// It owns shards, and a stage of its pipeline has not come round for two leases: other nodes should take the shards.
    #[error("{0}")]
    Stalled(String),
}

/// Why this process, though it is ready, sends nothing for now. `Display` shows until when, by this node's clock.
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

/// Whether writes succeed.
pub(crate) struct Writes {
    /// When a probe last succeeded.
    tried: Mutex<Instant>,
    /// Refused writes of events, deliveries and outcomes.
    pub(crate) refusals: Arc<store::Refusals>,
    pub(crate) damage: Arc<store::Damage>,
}

impl Default for Writes {
    fn default() -> Self {
        Self { tried: Mutex::new(Instant::now()), refusals: Arc::default(), damage: Arc::default() }
    }
}

impl Engine {
    /// Whether this process is ready. Tries a small write unless one has just succeeded.
    ///
    /// # Errors
    /// Why it is not ready.
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

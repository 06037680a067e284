//! Upkeep: keeps the tables small, and so the cost of every statement flat.
//!
//! Every step is bounded and can be called again at any time. A step that needs an exclusive lock on a table waits for it
//! only [`partitions::LOCK_TIMEOUT`], and otherwise leaves the work to the next call: emits must not queue behind it.

pub(crate) mod partitions;
mod retire;
mod split;
mod sweep;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ringback::{
    store::{ONCE_FOR, Result, Retention, Step, Upkeep},
    time::Timestamp,
};

use self::partitions::{ATTEMPTS, EVENTS};
use crate::{Postgres, error::from_sqlx, rows, sql::query};

/// Most deliveries that one call expires.
const EXPIRED_MAX: i64 = 2_000;

#[async_trait::async_trait]
impl Upkeep for Postgres {
    async fn clock(&self) -> Result<Timestamp> {
        // On a connection of the pipeline: accepting an event asks for the clock, and must not wait for a slow question.
        rows::time(&self.read_at_once(&self.sql().read_clock).await?, "now")
    }

    async fn written_until(&self) -> Result<Timestamp> {
        rows::time(&self.read_at_once(&self.sql().read_written_until).await?, "until")
    }

    async fn expire_held(&self, expires_after: Duration) -> Result<u64> {
        let row = query(&self.sql().expire_held)
            .bind(rows::micros(expires_after))
            .bind(EXPIRED_MAX)
            .fetch_one(&mut *self.house().await?)
            .await
            .map_err(from_sqlx)?;
        Ok(u64::try_from(rows::get::<i64, _>(&row, 0)?).unwrap_or(0))
    }

    async fn take_step(&self, step: Step, retention: &Retention) -> Result<bool> {
        let sql = self.sql();
        match step {
            Step::OpenEvents => split::ahead(self, EVENTS, retention).await,
            Step::OpenAttempts => split::ahead(self, ATTEMPTS, retention).await,
            Step::CancelStragglers => sweep::stragglers(self).await,
            Step::DropDeadLetters => sweep::dead_letters(self, retention).await,
            Step::DropPayloads => sweep::payloads(self, retention).await,
            Step::DropEvents => retire::oldest(self, EVENTS, retention).await,
            Step::DropAttempts => retire::oldest(self, ATTEMPTS, retention).await,
            Step::DropSurvivors => sweep::kept(self, retention).await,
            Step::ForgetKeys => sweep::remove(self, &sql.forget_keys, retention.idempotency_window).await,
            Step::ForgetMetadata => sweep::remove(self, &sql.forget_metadata, retention.events).await,
            Step::ForgetRequestKeys => sweep::remove(self, &sql.forget_request_keys, ONCE_FOR).await,
            Step::ForgetChanges => sweep::changes(self).await,
            Step::ForgetReplays => sweep::replays(self, retention).await,
            Step::ForgetAudit => sweep::remove(self, &sql.forget_audit, retention.events).await,
            Step::ForgetLinks => sweep::remove(self, &sql.forget_links, retention.events).await,
            Step::ForgetTokens => sweep::remove(self, &sql.forget_tokens, retention.events).await,
            Step::ForgetHolds => sweep::holds(self).await,
            Step::DropFigures => sweep::figures(self, retention).await,
            // A step that only a later version of the engine has.
            _ => Ok(false),
        }
    }
}

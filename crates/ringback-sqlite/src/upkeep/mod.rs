//! Upkeep: removes old rows in chunks, each in a transaction of its own.
//!
//! PostgreSQL drops partitions; here rows are deleted, oldest row ids first, and the transaction that deletes them counts
//! them in `ledger_past`. SQLite uses their pages again; the file does not shrink.

mod events;
mod expire;
mod figures;
mod leftovers;
mod past;

use std::time::{Duration, Instant};

use ringback::{
    store::{ONCE_FOR, Result, Retention, Step, Upkeep},
    time::Timestamp,
};

use crate::Sqlite;

/// Events that one step looks at.
const CHUNK: u32 = 1000;

/// The rest after a walk of more than one chunk, since most events that a walk passes are kept for weeks.
const REST: Duration = Duration::from_secs(10 * 60);

/// How far the walk over old events has come, in this process: it begins anew after a restart.
#[derive(Default)]
pub(crate) struct Round {
    /// Events up to this `seq` have been looked at.
    position: i64,
    /// How many chunks the walk has taken.
    chunks: u64,
    /// The next walk does not begin before.
    rest_until: Option<Instant>,
}

#[async_trait::async_trait]
impl Upkeep for Sqlite {
    /// The machine's clock, which all processes on the file share.
    async fn clock(&self) -> Result<Timestamp> {
        Ok(Timestamp::now())
    }

    /// What other processes on the file write is nothing that is looked for by its time.
    async fn written_until(&self) -> Result<Timestamp> {
        let now = Timestamp::now();
        Ok(self.writer.began().unwrap_or(now))
    }

    async fn expire_held(&self, expires_after: Duration) -> Result<u64> {
        self.apply(move |tx| Box::pin(expire::expire_held(tx, expires_after))).await
    }

    async fn take_step(&self, step: Step, retention: &Retention) -> Result<bool> {
        let (retention, now) = (*retention, Timestamp::now());
        match step {
            Step::DropDeadLetters => {
                self.apply(move |tx| Box::pin(leftovers::drop_dead_letters(tx, now - retention.dead_letters))).await
            }
            // The same walk removes payloads (`Step::DropPayloads`).
            Step::DropEvents => self.walk(retention, now).await,
            Step::DropAttempts => {
                self.apply(move |tx| Box::pin(leftovers::drop_attempts(tx, now - retention.attempts))).await
            }
            Step::ForgetKeys => {
                self.apply(move |tx| Box::pin(leftovers::drop_keys(tx, now - retention.idempotency_window))).await
            }
            Step::ForgetMetadata => {
                self.apply(move |tx| Box::pin(leftovers::drop_metadata(tx, now - retention.events))).await
            }
            Step::ForgetRequestKeys => {
                self.apply(move |tx| Box::pin(leftovers::drop_request_keys(tx, now - ONCE_FOR))).await
            }
            Step::ForgetChanges => self.apply(move |tx| Box::pin(leftovers::drop_changes(tx, now))).await,
            Step::ForgetReplays => {
                self.apply(move |tx| Box::pin(leftovers::drop_replays(tx, now - retention.events))).await
            }
            Step::ForgetAudit => {
                self.apply(move |tx| Box::pin(leftovers::drop_audit(tx, now - retention.events))).await
            }
            Step::ForgetLinks => {
                self.apply(move |tx| Box::pin(leftovers::drop_links(tx, now - retention.events))).await
            }
            Step::ForgetTokens => {
                self.apply(move |tx| Box::pin(leftovers::drop_tokens(tx, now - retention.events))).await
            }
            Step::DropFigures => {
                self.apply(move |tx| Box::pin(figures::drop_figures(tx, now, now - retention.figures))).await
            }
            // There are no partitions, one writer at a time leaves no stragglers, and setting holds removes ended ones.
            _ => Ok(false),
        }
    }
}

impl Sqlite {
    /// One step of the walk over old events; true if the walk has not reached the young ones yet.
    async fn walk(&self, retention: Retention, now: Timestamp) -> Result<bool> {
        let position = {
            let round = self.round.lock();
            if round.rest_until.is_some_and(|until| Instant::now() < until) {
                return Ok(false);
            }
            round.position
        };
        let oldest_kept = now - retention.payloads.min(retention.events);
        let chunk = {
            let mut snapshot = self.snapshot().await?;
            events::next_chunk(&mut snapshot, position, oldest_kept).await.map_err(|error| self.error(error))?
        };
        let Some(chunk) = chunk else {
            let mut round = self.round.lock();
            // No rest after a walk of one chunk: it costs next to nothing.
            let rest_until = (round.chunks > 1).then(|| Instant::now() + REST);
            *round = Round { rest_until, ..Round::default() };
            return Ok(false);
        };
        let end = chunk.end;
        self.apply(move |tx| Box::pin(events::drop_old(tx, chunk, now - retention.payloads, now - retention.events)))
            .await?;
        let mut round = self.round.lock();
        round.position = end;
        round.chunks += 1;
        Ok(true)
    }
}

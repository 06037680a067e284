//! Keeping the file small: what is too old goes, in chunks, each a transaction of its own.
//!
//! PostgreSQL drops partitions; here rows are deleted, oldest row ids first, and what is dropped is counted in
//! `ledger_past` by the transaction that drops it. The pages are used again; the file does not shrink.

mod events;
mod expire;
mod leftovers;
mod past;

use std::time::{Duration, Instant};

use ringback::{
    store::{Kept, Result, Upkeep},
    time::Timestamp,
};

use crate::{Sqlite, error::store_error};

/// Events that one step looks at.
const CHUNK: u32 = 1000;

/// After a walk of more than one chunk, how long until the next: most of what it passes is kept for weeks.
const REST: Duration = Duration::from_secs(10 * 60);

/// How far the walk over old events has come, in this process: it begins anew after a restart.
#[derive(Default)]
pub(crate) struct Round {
    /// Events up to this `seq` have been looked at.
    position: i64,
    /// In so many chunks.
    chunks: u64,
    /// No walk until then.
    rest_until: Option<Instant>,
}

#[async_trait::async_trait]
impl Upkeep for Sqlite {
    async fn expire_held(&self, expires_after: Duration) -> Result<u64> {
        self.apply(move |tx| Box::pin(expire::expire_held(tx, expires_after))).await
    }

    async fn keep_house(&self, kept: &Kept) -> Result<bool> {
        let (kept, now) = (*kept, Timestamp::now());
        // Dead letters first: their events can go once they have gone.
        let mut more =
            self.apply(move |tx| Box::pin(leftovers::drop_dead_letters(tx, now - kept.dead_letters))).await?;
        more |= self.walk(kept, now).await?;
        more |= self.apply(move |tx| Box::pin(leftovers::drop_attempts(tx, now - kept.attempts))).await?;
        more |= self.apply(move |tx| Box::pin(leftovers::drop_keys(tx, now - kept.idempotency_window))).await?;
        more |= self.apply(move |tx| Box::pin(leftovers::drop_changes(tx, now))).await?;
        more |= self.apply(move |tx| Box::pin(leftovers::drop_replays(tx, now - kept.events))).await?;
        more |= self.apply(move |tx| Box::pin(leftovers::drop_audit(tx, now - kept.events))).await?;
        more |= self.apply(move |tx| Box::pin(leftovers::drop_tokens(tx, now - kept.events))).await?;
        Ok(more)
    }
}

impl Sqlite {
    /// One step over the oldest events; true if the walk has not come to the young ones yet.
    async fn walk(&self, kept: Kept, now: Timestamp) -> Result<bool> {
        let position = {
            let round = self.round.lock();
            if round.rest_until.is_some_and(|until| Instant::now() < until) {
                return Ok(false);
            }
            round.position
        };
        let oldest_kept = now - kept.payloads.min(kept.events);
        let chunk = {
            let mut snapshot = self.snapshot().await?;
            events::next_chunk(&mut snapshot, position, oldest_kept).await.map_err(store_error)?
        };
        let Some(chunk) = chunk else {
            let mut round = self.round.lock();
            // A walk of one chunk costs next to nothing and may begin again at once.
            let rest_until = (round.chunks > 1).then(|| Instant::now() + REST);
            *round = Round { rest_until, ..Round::default() };
            return Ok(false);
        };
        let end = chunk.end;
        self.apply(move |tx| Box::pin(events::drop_old(tx, chunk, now - kept.payloads, now - kept.events))).await?;
        let mut round = self.round.lock();
        round.position = end;
        round.chunks += 1;
        Ok(true)
    }
}

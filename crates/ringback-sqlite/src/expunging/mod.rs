//! Erasing what events held: from the tables, from the file's pages and from the log beside it.
//!
//! ```text
//! erase     one event: its row, its deliveries, its idempotency key
//! answers   what its attempts kept of answers
//! job       expunges of many: a set fixed at the beginning, erased in bounded steps, and a receipt
//! log       the write-ahead log, which holds what pages held before
//! ```
//!
//! SQLite overwrites what it deletes with zeros (`secure_delete`, see `open`), so a page holds nothing of what was in it.

mod answers;
mod erase;
mod job;
mod log;

use ringback::{
    audit::Entry,
    id::{EventId, ExpungeId},
    store::{ExpungeRow, ExpungeToCreate, Expunging, Keys, Result},
};

use crate::Sqlite;

#[async_trait::async_trait]
impl Expunging for Sqlite {
    async fn expunge(&self, id: EventId, keys: Keys, record: &Entry) -> Result<bool> {
        let record = record.clone();
        let exists = self.apply(move |tx| Box::pin(erase::expunge(tx, id, keys, record))).await?;
        // Also where all was erased before: whoever was told that the log could not be cut asks again.
        if exists {
            self.cut_log().await?;
        }
        Ok(exists)
    }

    async fn create_expunge(&self, expunge: &ExpungeToCreate, record: &Entry) -> Result<ExpungeRow> {
        // Beside the one that writes: looking through a tenant's events must not keep anybody from emitting.
        let found = {
            let mut snapshot = self.snapshot().await?;
            job::find(&mut snapshot, &expunge.filter).await.map_err(|error| self.error(error))?
        };
        if expunge.dry_run {
            return Ok(job::preview(expunge, &found, record));
        }
        let (expunge, record) = (expunge.clone(), record.clone());
        self.apply(move |tx| Box::pin(async move { job::create(tx, &expunge, &found, &record).await })).await
    }

    async fn expunge_of_many(&self, id: ExpungeId) -> Result<Option<ExpungeRow>> {
        let mut snapshot = self.snapshot().await?;
        job::read(&mut snapshot, id).await.map_err(|error| self.error(error))
    }

    async fn running_expunges(&self) -> Result<Vec<ExpungeId>> {
        let mut snapshot = self.snapshot().await?;
        job::running(&mut snapshot).await.map_err(|error| self.error(error))
    }

    async fn expunge_next(&self, id: ExpungeId, count: u32) -> Result<bool> {
        match self.apply(move |tx| Box::pin(job::step(tx, id, count))).await? {
            job::Step::More => Ok(true),
            job::Step::Ended => Ok(false),
            job::Step::Erased => {
                self.cut_log().await?;
                self.apply(move |tx| Box::pin(job::complete(tx, id))).await?;
                Ok(false)
            }
        }
    }
}

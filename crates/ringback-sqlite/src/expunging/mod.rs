//! Erasing the contents of events: from the tables, from the file's pages and from the write-ahead log.
//!
//! ```text
//! erase     one event: its row, its deliveries, its idempotency key
//! answers   what its attempts kept of answers
//! job       expunges of many: a set fixed at the beginning, erased in bounded steps, and a receipt
//! log       the write-ahead log, which has earlier contents of pages
//! ```
//!
//! SQLite overwrites deleted content with zeros (`secure_delete`, see `open`), so no page keeps any of it.

mod answers;
mod erase;
mod job;
mod log;

use ringback::{
    audit::Entry,
    id::{EventId, ExpungeId},
    store::{Erased, ExpungeRow, ExpungeToCreate, Expunging, Keys, Result},
};

use crate::Sqlite;

#[async_trait::async_trait]
impl Expunging for Sqlite {
    async fn expunge(&self, id: EventId, keys: Keys, record: &Entry) -> Result<Option<Erased>> {
        let record = record.clone();
        let erased = self.apply(move |tx| Box::pin(erase::expunge(tx, id, keys, record))).await?;
        // Also if all was erased before: the caller may be repeating a call that could not cut the log.
        if erased.is_some() {
            self.cut_log().await?;
        }
        Ok(erased)
    }

    async fn create_expunge(&self, expunge: &ExpungeToCreate, record: &Entry) -> Result<ExpungeRow> {
        // On a read connection: looking through a tenant's events must not delay writers.
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

//! Erasing the contents of events, and cancelling the deliveries that would still send them.
//!
//! ```text
//! erase     a batch of events: rows of events, deliveries, idempotency keys
//! answers   what their attempts kept of answers
//! job       expunges of many: a set fixed at the beginning, erased in bounded steps, and a receipt
//! vacuum    dead rows of what a job touched
//! ```

mod answers;
mod erase;
mod job;
mod vacuum;

use ringback::{
    audit::Entry,
    id::{EventId, ExpungeId},
    store::{Change, Erased, ExpungeRow, ExpungeToCreate, Expunging, Keys, Operations as _, Result},
};

pub(crate) use self::answers::erase_late;
use crate::{Postgres, audit, configuration::announce, error::from_sqlx};

#[async_trait::async_trait]
impl Expunging for Postgres {
    async fn expunge(&self, id: EventId, keys: Keys, record: &Entry) -> Result<Option<Erased>> {
        let mut transaction = self.begin().await?;
        // The version's row is locked first, as everywhere.
        announce(self, &mut transaction, &[Change::EventExpunged(id)]).await?;
        let erased = erase::erase(self, &mut transaction, &[id], keys).await?;
        if erased.events == 0 {
            transaction.rollback().await.map_err(from_sqlx)?;
            return Ok(self.event(id).await?.map(|_| Erased::default()));
        }
        audit::write(self, &mut transaction, record).await?;
        transaction.commit().await.map_err(from_sqlx)?;
        Ok(Some(erased))
    }

    async fn create_expunge(&self, expunge: &ExpungeToCreate, record: &Entry) -> Result<ExpungeRow> {
        job::create(self, expunge, record).await
    }

    async fn expunge_of_many(&self, id: ExpungeId) -> Result<Option<ExpungeRow>> {
        job::find(self, id).await
    }

    async fn running_expunges(&self) -> Result<Vec<ExpungeId>> {
        job::running(self).await
    }

    async fn expunge_next(&self, id: ExpungeId, count: u32) -> Result<bool> {
        job::next(self, id, count).await
    }
}

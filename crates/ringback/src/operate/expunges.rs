//! Expunging one event, and creating and looking up expunges of many. The task that erases their events is in `expunge`.

use serde_json::json;

use crate::{
    Engine,
    audit::{Action, Actor},
    delivery::Status,
    id::{EventId, ExpungeId},
    store::{self, ExpungeFilter, ExpungeRow, ExpungeToCreate, Keys},
    time::Timestamp,
};

/// An expunge of many events, as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewExpunge {
    /// Which events it erases.
    pub filter: ExpungeFilter,
    /// Whether the events' keys are erased, too.
    pub keys: Keys,
    /// Only count: nothing is stored.
    pub dry_run: bool,
}

impl Engine {
    /// Removes an event's payload for good, with what its attempts kept of answers and, if wanted, its keys. Its pending
    /// deliveries and dead letters become cancelled. False if there is no such event; true even if all of it was erased
    /// before.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn expunge_payload(&self, id: EventId, keys: Keys, by: &Actor) -> store::Result<bool> {
        let Some(row) = self.event(id).await? else { return Ok(false) };
        let record = by
            .asks(Action::ExpungeEvent, id, Some(&row.event.tenant))
            .after(json!({"erases_keys": keys == Keys::Erase}));
        let erased = self.store().expunge(id, keys, &record).await?;
        if let Some(erased) = erased {
            self.metrics().count_deliveries(Status::Cancelled, erased.cancelled.unsigned_abs());
        }
        Ok(erased.is_some())
    }

    /// Begins an expunge of the events that its filter finds now, or only counts them.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn create_expunge(&self, new: NewExpunge, by: &Actor) -> store::Result<ExpungeRow> {
        let NewExpunge { filter, keys, dry_run } = new;
        let expunge = ExpungeToCreate { id: ExpungeId::new(Timestamp::now()), filter, keys, dry_run };
        // A key that is to be erased is not in the record either.
        let told = json!({"filter": expunge.shown(), "erases_keys": keys == Keys::Erase});
        let record = by.asks(Action::CreateExpunge, expunge.id, Some(&expunge.filter.tenant)).after(told);
        self.store().create_expunge(&expunge, &record).await
    }

    /// One expunge of many events, with its progress and, once everything is erased, its receipt.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn expunge(&self, id: ExpungeId) -> store::Result<Option<ExpungeRow>> {
        self.store().expunge_of_many(id).await
    }
}

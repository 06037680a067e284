//! Looking events up.

use crate::{
    Engine,
    id::EventId,
    store::{self, EventFilter, EventRow, Page, PayloadRead},
};

impl Engine {
    /// Events, newest first: at most `limit` of those with an id before `before`. A page may hold fewer than there are.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn events(
        &self,
        filter: &EventFilter,
        before: Option<EventId>,
        limit: u32,
    ) -> store::Result<Page<EventRow, EventId>> {
        self.store().list_events(filter, before, limit).await
    }

    /// One event, without its payload.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn event(&self, id: EventId) -> store::Result<Option<EventRow>> {
        self.store().event(id).await
    }

    /// An event's payload: the exact bytes that were emitted, or why they are gone.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn payload(&self, id: EventId) -> store::Result<PayloadRead> {
        self.store().payload(id).await
    }
}

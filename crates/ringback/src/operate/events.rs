//! Looking events up.

use crate::{
    Engine,
    id::EventId,
    store::{self, EventFilter, EventRow, EventState, Page, PayloadRead},
};

/// So many events are looked at for a page of those of one state.
pub const LOOKED_AT_MAX: u32 = 1_000;

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

    /// The same, of those that became this in routing. No index knows what became of an event, so a page looks at
    /// [`LOOKED_AT_MAX`] events, and may be empty although more follow.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn events_that_became(
        &self,
        state: EventState,
        filter: &EventFilter,
        before: Option<EventId>,
        limit: u32,
    ) -> store::Result<Page<EventRow, EventId>> {
        let mut page = self.events(filter, before, LOOKED_AT_MAX).await?;
        page.items.retain(|row| row.state == state);
        let shown = usize::try_from(limit).unwrap_or(usize::MAX);
        if page.items.len() > shown {
            page.items.truncate(shown);
            page.next = page.items.last().map(|last| last.event.id);
        }
        Ok(page)
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

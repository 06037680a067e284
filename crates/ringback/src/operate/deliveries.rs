//! Looking deliveries up, and sending one of them again.

use crate::{
    Engine,
    attempt::Attempt,
    audit::{Action, Actor},
    id::{DeliveryId, EventId},
    store::{self, DeliveryFilter, DeliveryRow, Page, ReplayOf, ReplayOne},
};

impl Engine {
    /// Deliveries, newest first: at most `limit` of those with an id before `before`. A page may hold fewer than there
    /// are.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> store::Result<Page<DeliveryRow, DeliveryId>> {
        self.store().list_deliveries(filter, before, limit).await
    }

    /// The deliveries of one event, newest first, at most `most`. Reads page by page, since a page may have fewer than there
    /// are.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn deliveries_of(&self, event: EventId, most: usize) -> store::Result<Vec<DeliveryRow>> {
        let filter = DeliveryFilter { event: Some(event), ..DeliveryFilter::default() };
        let (mut deliveries, mut before) = (Vec::new(), None);
        loop {
            let missing = u32::try_from(most.saturating_sub(deliveries.len())).unwrap_or(u32::MAX);
            let page = self.deliveries(&filter, before, missing).await?;
            deliveries.extend(page.items);
            before = page.next;
            if before.is_none() || deliveries.len() >= most {
                return Ok(deliveries);
            }
        }
    }

    /// One delivery.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn delivery(&self, id: DeliveryId) -> store::Result<Option<DeliveryRow>> {
        self.store().delivery(id).await
    }

    /// A delivery's attempts, in order.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn attempts(&self, id: DeliveryId) -> store::Result<Vec<Attempt>> {
        self.store().attempts(id).await
    }

    /// Sends a delivery again, under the same id and with a new budget of attempts, if `of` allows it. A delivered delivery
    /// stays delivered, however the replay ends.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn replay_delivery(&self, id: DeliveryId, of: ReplayOf, by: &Actor) -> store::Result<ReplayOne> {
        let Some(row) = self.delivery(id).await? else { return Ok(ReplayOne::Absent) };
        let record = by.asks(Action::ReplayDelivery, id, Some(&row.event.tenant));
        let replayed = self.store().replay_one(id, of, &record).await?;
        if replayed == ReplayOne::Released {
            self.wake();
        }
        Ok(replayed)
    }
}

//! Looking dead letters up, and discarding them. [`Engine::replay_delivery`] sends one again.

use serde_json::json;

use crate::{
    Engine,
    audit::{Action, Actor},
    delivery::Status,
    id::DeliveryId,
    store::{self, DeliveryFilter, DeliveryRow, Page},
    time::Timestamp,
};

impl Engine {
    /// Dead letters, newest death first: at most `limit` of those that died before a moment, or at that moment and have
    /// a smaller id. A page may hold fewer than there are.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn dead_letters(
        &self,
        filter: &DeliveryFilter,
        before: Option<(Timestamp, DeliveryId)>,
        limit: u32,
    ) -> store::Result<Page<DeliveryRow, (Timestamp, DeliveryId)>> {
        self.store().list_dead_letters(filter, before, limit).await
    }

    /// Discards a dead letter: it becomes cancelled. False if there is none with this id.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn discard(&self, id: DeliveryId, by: &Actor) -> store::Result<bool> {
        let Some(row) = self.delivery(id).await? else { return Ok(false) };
        let record = by
            .asks(Action::DiscardDeadLetter, id, Some(&row.event.tenant))
            .before(json!({"status": Status::Dead}))
            .after(json!({"status": Status::Cancelled}));
        self.store().discard_dead_letter(id, &record).await
    }
}

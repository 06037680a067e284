//! Sending one delivery of an inline destination to another URL than its event was emitted with.

use serde_json::Value;

use crate::{
    Engine,
    audit::{Action, Actor},
    endpoint::KeptDestination,
    id::DeliveryId,
    invalid::Invalid,
    route::lane_of,
    store::{self, DeliveryRow, Elsewhere, ReplayOf, ReplayOne, rules::erasing::erased_destination},
};

/// Why a delivery was not sent elsewhere.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is none that may be sent to, or the delivery has no URL of its own: `/url`.
    #[error("{0}")]
    Invalid(#[from] Invalid),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] store::Error),
}

const OF_AN_ENDPOINT: &str = "the delivery goes to a registered endpoint: change the endpoint's own url";

/// A destination's origin alone: the path may name the caller, and what is expunged must not stay in the audit log.
fn audited(destination: &str) -> Value {
    serde_json::from_str(&erased_destination(destination)).unwrap_or_default()
}

impl Engine {
    /// Sends an inline delivery again like [`Engine::replay_delivery`], but to `url`, where its event goes from then on. Its
    /// signature, its policy and what it inherits stay as they are. Headers of its own go along only to the same origin.
    ///
    /// # Errors
    /// Findings about the URL, or the store's failure.
    pub async fn replay_delivery_elsewhere(
        &self,
        id: DeliveryId,
        url: &str,
        of: ReplayOf,
        by: &Actor,
    ) -> Result<ReplayOne, Error> {
        let Some(row) = self.delivery(id).await? else { return Ok(ReplayOne::Absent) };
        let to = self.elsewhere(&row, url).await?;
        let record = by.asks(Action::ReplayDelivery, id, Some(&row.event.tenant));
        let record = record.before(audited(row.event.destination.as_deref().unwrap_or_default()));
        let record = record.after(audited(&to.destination));
        let replayed = self.store().replay_elsewhere(id, of, &to, &record).await?;
        if replayed == ReplayOne::Released {
            self.wake();
        }
        Ok(replayed)
    }

    async fn elsewhere(&self, row: &DeliveryRow, url: &str) -> Result<Elsewhere, Error> {
        let conflict = |detail: String| Invalid::one("/url", "conflict", detail);
        let Some(destination) = row.event.destination.as_deref().filter(|_| row.endpoint.is_none()) else {
            return Err(conflict(OF_AN_ENDPOINT.to_owned()).into());
        };
        // serde's own message is dropped: it could repeat a value.
        let kept: KeptDestination = serde_json::from_str(destination)
            .map_err(|_| conflict("the destination of its event cannot be read".to_owned()))?;
        let (event, keys, egress) = (row.event.id, &self.settings().keys, &self.settings().egress);
        let kept = kept.at(url, event, keys, egress)?;
        let directory = self.directory().await?;
        let lane = lane_of(&kept, &row.event.tenant, event, &directory, egress, keys).map_err(conflict)?;
        let destination = serde_json::to_string(&kept).map_err(|error| store::Error::Refused(error.into()))?;
        Ok(Elsewhere { destination, lane })
    }
}

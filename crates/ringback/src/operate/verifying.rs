//! Verifying an endpoint: whoever runs the receiver proves that it wants what is sent there, by answering a challenge.

use bytes::Bytes;
use serde_json::json;

use super::{
    edits::{ROUNDS_MAX, wait_before},
    endpoints::Error,
    once::OnceKey,
};
use crate::{
    Engine, TestError,
    audit::{Action, Actor, Who},
    chance::chance,
    endpoint::Endpoint,
    event::VERIFICATION_TYPE,
    id::{DeliveryId, EndpointId, EventId},
};

impl Engine {
    /// Sends a signed challenge to an endpoint, also while it is held. Once an answer of success holds the challenge, the
    /// endpoint is verified, as long as it has this URL.
    ///
    /// # Errors
    /// When there is no such endpoint, it cannot be read, or another request came under the key.
    pub async fn verify_endpoint(
        &self,
        id: EndpointId,
        once: Option<&OnceKey>,
        by: &Actor,
    ) -> Result<(EventId, DeliveryId), TestError> {
        let directory = self.directory().await.map_err(crate::emit::Error::from)?;
        let endpoint = directory.endpoint(id).ok_or(TestError::Absent)?;
        let challenge = format!("{:016x}{:016x}", chance::<u64>(), chance::<u64>());
        let payload = Bytes::from(json!({"challenge": challenge}).to_string());
        let (event_type, action) = (VERIFICATION_TYPE.to_owned(), Action::VerifyEndpoint);
        self.accept_test(endpoint, event_type, payload, once, (action, by)).await
    }

    /// The receiver at `url` has answered a verification. Nothing changes if the endpoint has another URL by now.
    ///
    /// # Errors
    /// When the store fails, or others change the endpoint again and again.
    pub(crate) async fn note_verified(&self, id: EndpointId, url: &str) -> Result<(), Error> {
        let by = Actor::from(Who::Engine);
        let _turn = self.turn_of(id).await;
        for round in 0..ROUNDS_MAX {
            wait_before(round).await;
            let current = match self.live_endpoint(id).await {
                Err(Error::Absent) => return Ok(()),
                current => current?,
            };
            if current.spec.url != url {
                return Ok(());
            }
            let mut changed = current.clone();
            changed.spec.verified_at = Some(self.store().clock().await?);
            match self.write(&current, changed, (Action::VerifyEndpoint, &by)).await {
                Err(Error::VersionMismatch) => {}
                settled => return settled.map(|_: Endpoint| ()),
            }
        }
        Err(Error::Contended)
    }
}

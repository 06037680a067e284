//! The body of a delivery's requests as it is sent: the payload, or what the endpoint's `body` makes of it.
//!
//! Only the payload is kept. The body is made again, by the code that makes it for an attempt, from the configuration that
//! holds now; so it is also what a replay would send.

use bytes::Bytes;

use crate::{
    Engine,
    compute::compute,
    deliver::sign::{Message, body},
    endpoint::{Body, Endpoint, KeptDestination, body::Recipe},
    id::{EndpointId, EventId},
    store::{self, DeliveryFilter, DeliveryRow, EndpointFilter, PayloadRead},
    time::Timestamp,
};

/// What came of asking for a body.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SentRead {
    /// The bytes, and what they are.
    Bytes {
        /// What is signed and sent.
        body: Bytes,
        /// The request's `content-type`.
        content_type: String,
        /// Whether it is the payload itself.
        is_payload: bool,
    },
    /// The payload is not kept any more; why.
    Gone(PayloadRead),
    /// Nothing can be sent; why, for operators.
    Unroutable(String),
}

impl Engine {
    /// The delivery of an event to an endpoint; without an endpoint the event's only one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn delivery_to(
        &self,
        event: EventId,
        endpoint: Option<EndpointId>,
    ) -> store::Result<Option<DeliveryRow>> {
        let filter = DeliveryFilter { event: Some(event), endpoint, ..DeliveryFilter::default() };
        let mut found = self.deliveries(&filter, None, 2).await?.items;
        let is_one = found.len() == 1;
        Ok(found.pop().filter(|_| is_one))
    }

    /// The body of a delivery's request: of the attempt with this number, or of the last one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sent(&self, row: &DeliveryRow, attempt: Option<i32>) -> store::Result<SentRead> {
        let payload = match self.payload(row.event.id).await? {
            PayloadRead::Bytes(bytes) => bytes,
            gone => return Ok(SentRead::Gone(gone)),
        };
        let recipe = match self.body_of(row).await? {
            Ok(body) => body.compile().map_err(|invalid| invalid.to_string()),
            Err(why) => Err(why),
        };
        let recipe = match recipe {
            Ok(recipe) => recipe,
            Err(why) => return Ok(SentRead::Unroutable(why)),
        };
        let (event, marks) = (row.event.clone(), row.marks);
        let attempt = attempt.unwrap_or(row.attempts).max(1);
        let effort = body::effort(&recipe, payload.len());
        let make = move || {
            let message = Message { event: &event, body: &payload, attempt, marks, now: Timestamp::now() };
            made(&recipe, &message)
        };
        Ok(compute(effort, make).await)
    }

    /// What the delivery's requests have as their body, by the configuration that holds now; otherwise why that is not
    /// known.
    async fn body_of(&self, row: &DeliveryRow) -> store::Result<Result<Body, String>> {
        let Some(id) = row.endpoint else {
            let destination = row.event.destination.as_deref().unwrap_or_default();
            let Ok(kept) = serde_json::from_str::<KeptDestination>(destination) else {
                return Ok(Err("its destination cannot be read".to_owned()));
            };
            let directory = self.directory().await?;
            let inherit = kept.endpoint_key.as_deref().and_then(|key| directory.by_key(&row.event.tenant, key));
            return Ok(Ok(kept.body(inherit.map(AsRef::as_ref))));
        };
        // From the store, which has deleted ones, too.
        let found = self.store().load_endpoints(&EndpointFilter::Ids(vec![id])).await?;
        let endpoint = found.into_iter().next().map(|stored| Endpoint::open(stored, &self.settings().keys));
        Ok(match endpoint.filter(Endpoint::has_its_settings) {
            Some(endpoint) => Ok(endpoint.spec.body),
            None => Err("the settings of its endpoint cannot be read any more".to_owned()),
        })
    }
}

fn made(recipe: &Recipe, message: &Message<'_>) -> SentRead {
    match body::make(recipe, message) {
        Ok(made) => SentRead::Bytes {
            is_payload: made.bytes == *message.body,
            content_type: made.content_type.to_owned(),
            body: made.bytes,
        },
        Err(why) => SentRead::Unroutable(why.to_string()),
    }
}

//! An event's payload: reading its exact bytes, and expunging it.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{StatusCode, header};
use ringback::{
    id::{EndpointId, EventId},
    operate::sent::SentRead,
    store::{EventRow, PayloadRead},
};

use crate::{
    api::{Api, expunges::WithKeys},
    auth::{Access, Administrator, Reader},
    extract::{FromParameters, Id, Parameters, Query},
    openapi::{parameters, values},
    problem::Problem,
};

/// Which bytes of an event are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// The payload.
    Emitted,
    /// The body that the event's delivery to this endpoint has, or its only delivery.
    Sent(Option<EndpointId>),
}

impl FromParameters for Which {
    fn read(parameters: &mut Parameters) -> Self {
        let is_sent = parameters.place("as", &["emitted", "sent"]) == Some(1);
        let endpoint = parameters.parsed("endpoint_id");
        if is_sent {
            return Self::Sent(endpoint);
        }
        if endpoint.is_some() {
            parameters.refuse("endpoint_id", "malformed", "is for as=sent: the payload is the same for every endpoint");
        }
        Self::Emitted
    }
}

/// An event's payload
///
/// The exact bytes that were handed in, as an attachment. With `as=sent` the body of the requests to an endpoint: the same
/// bytes, or what the endpoint's `body` makes of them, by the configuration that holds now and for the last attempt's
/// number. So a replay sends it, too.
#[utoipa::path(
    get, path = "/v1/events/{id}/payload", operation_id = "payload", tag = "events",
    params(("id" = values::EventId, Path), parameters::WhichBytes),
    responses(
        (status = 200, description = "The bytes.", body = Vec<u8>, content_type = "application/octet-stream",
         headers(("Content-Disposition" = String, description = "`attachment`."))),
        (status = 409, description = "No body can be made of the payload: the delivery is `unroutable`."),
        (status = 410, description = "It is gone."),
    ),
    security(("token" = ["read"])),
)]
pub(super) async fn read(
    State(api): State<Api>,
    Reader(access): Reader,
    Query(which): Query<Which>,
    Id(id): Id<EventId>,
) -> Result<Response, Problem> {
    bytes(&api, &access, id, which).await
}

/// The bytes, as an attachment, so that a browser saves them and runs nothing.
///
/// # Errors
/// 404 if the caller may see no such event, or it has no such delivery; 410 if the payload is gone; 409 if nothing can be
/// made of it.
pub(crate) async fn bytes(api: &Api, access: &Access, id: EventId, which: Which) -> Result<Response, Problem> {
    find(api, access, id).await?;
    let (bytes, name) = match which {
        Which::Emitted => (kept(api.engine.payload(id).await?)?, format!("{id}.payload")),
        Which::Sent(endpoint) => (sent(api, id, endpoint).await?, format!("{id}.sent")),
    };
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, disposition.as_str()),
        (header::CONTENT_SECURITY_POLICY, "sandbox"),
    ];
    Ok((headers, bytes).into_response())
}

async fn sent(api: &Api, id: EventId, endpoint: Option<EndpointId>) -> Result<Bytes, Problem> {
    let Some(row) = api.engine.delivery_to(id, endpoint).await? else {
        let detail = match endpoint {
            Some(endpoint) => format!("The event has no delivery to {endpoint}."),
            None => "The event has no delivery, or several: name one by endpoint_id.".to_owned(),
        };
        return Err(Problem::new(StatusCode::NOT_FOUND, "not_found", detail));
    };
    match api.engine.sent(&row, None).await? {
        SentRead::Bytes { body, .. } => Ok(body),
        SentRead::Unroutable(why) => Err(Problem::new(StatusCode::CONFLICT, "unroutable", why)),
        SentRead::Gone(read) => kept(read),
        _ => Err(Problem::not_found()),
    }
}

/// The bytes of a payload.
///
/// # Errors
/// 410 if it is gone.
pub(in crate::api) fn kept(read: PayloadRead) -> Result<Bytes, Problem> {
    let gone = |code, detail| Err(Problem::new(StatusCode::GONE, code, detail));
    match read {
        PayloadRead::Bytes(bytes) => Ok(bytes),
        PayloadRead::Expunged => gone("payload_expunged", "The payload was expunged."),
        PayloadRead::Expired => gone("payload_expired", "The payload was kept for as long as payloads are."),
        PayloadRead::Absent => Err(Problem::not_found()),
    }
}

/// Expunge a payload
///
/// Removed for good, with what attempts kept of answers and, with `key=true`, the event's keys: pending deliveries and
/// dead letters of the event become `cancelled`. May be repeated.
#[utoipa::path(
    delete, path = "/v1/events/{id}/payload", operation_id = "expunge_payload", tag = "events",
    params(("id" = values::EventId, Path), parameters::WithKeys),
    responses(
        (status = 204, description = "It is gone."),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn expunge(
    State(api): State<Api>,
    Administrator(access, by): Administrator,
    Query(WithKeys(keys)): Query<WithKeys>,
    Id(id): Id<EventId>,
) -> Result<StatusCode, Problem> {
    find(&api, &access, id).await?;
    if api.engine.expunge_payload(id, keys, &by).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found())
    }
}

/// An event that the caller may see.
async fn find(api: &Api, access: &Access, id: EventId) -> Result<EventRow, Problem> {
    access.found(api.engine.event(id).await?, |row| &row.event.tenant)
}

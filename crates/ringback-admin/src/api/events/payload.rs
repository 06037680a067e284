//! An event's payload: reading its exact bytes, and expunging it.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use ringback::{
    id::EventId,
    store::{EventRow, PayloadRead},
};

use crate::{
    api::{Api, expunges::WithKeys},
    auth::{Access, Administrator, Reader},
    extract::{Id, Query},
    openapi::{parameters, values},
    problem::Problem,
};

/// An event's payload
///
/// The exact bytes that were handed in, as an attachment.
#[utoipa::path(
    get, path = "/v1/events/{id}/payload", operation_id = "payload", tag = "events",
    params(("id" = values::EventId, Path)),
    responses(
        (status = 200, description = "The bytes.", body = Vec<u8>, content_type = "application/octet-stream",
         headers(("Content-Disposition" = String, description = "`attachment`."))),
        (status = 410, description = "It is gone."),
    ),
    security(("token" = ["read"])),
)]
pub(super) async fn read(
    State(api): State<Api>,
    Reader(access): Reader,
    Id(id): Id<EventId>,
) -> Result<Response, Problem> {
    sent(&api, &access, id).await
}

/// The exact bytes, as an attachment, so that a browser saves them and runs nothing.
///
/// # Errors
/// 404 if the caller may see no such event, 410 if the payload is gone.
pub(crate) async fn sent(api: &Api, access: &Access, id: EventId) -> Result<Response, Problem> {
    find(api, access, id).await?;
    let gone = |code, detail| Err(Problem::new(StatusCode::GONE, code, detail));
    match api.engine.payload(id).await? {
        PayloadRead::Bytes(bytes) => {
            let disposition = format!("attachment; filename=\"{id}.payload\"");
            let headers = [
                (header::CONTENT_TYPE, "application/octet-stream"),
                (header::CONTENT_DISPOSITION, disposition.as_str()),
                (header::CONTENT_SECURITY_POLICY, "sandbox"),
            ];
            Ok((headers, bytes).into_response())
        }
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

//! Testing, verifying, pausing and resuming an endpoint.

use axum::{Json, body::Bytes, extract::State, response::Response};
use http::StatusCode;
use ringback::{
    id::{DeliveryId, EndpointId, EventId},
    invalid::Invalid,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{change::check_visible, shown};
use crate::{
    api::Api,
    auth::Operator,
    extract::{Document, Id, Nothing, Once, OptionalJson, Raw},
    openapi::{parameters, requests, values},
    problem::Problem,
    view,
};

/// Where to look what came of a test.
#[derive(Serialize, ToSchema)]
pub(super) struct TestSent {
    #[schema(value_type = values::EventId)]
    event_id: EventId,
    #[schema(value_type = values::DeliveryId)]
    delivery_id: DeliveryId,
}

/// Send a test event
///
/// A real, signed delivery to this endpoint alone, whatever it selects, also while it is not enabled.
#[utoipa::path(
    post, path = "/v1/endpoints/{id}/test", operation_id = "test_endpoint", tag = "endpoints",
    params(("id" = values::EndpointId, Path), parameters::OnceKey),
    request_body = Option<requests::TestEvent>,
    responses(
        (status = 202, description = "It is on its way.", body = TestSent),
        (status = 409, description = "The endpoint cannot be read, so its test could not be signed (`unreadable`)."),
    ),
    security(("token" = ["operator"])),
)]
pub(super) async fn test(
    State(api): State<Api>,
    Operator(access, by): Operator,
    Id(id): Id<EndpointId>,
    Once { body: Raw(document), key }: Once<Raw>,
) -> Result<(StatusCode, Json<TestSent>), Problem> {
    let tenant = check_visible(&api, &access, id).await?;
    let once = key.map(|key| key.of(&access, Some(&tenant), format!("endpoints/{id}/test")));
    let (event_type, payload) = document.map(type_and_payload).transpose()?.unwrap_or_default();
    let (event_id, delivery_id) = api.engine.send_test(id, event_type, payload, once.as_ref(), &by).await?;
    Ok((StatusCode::ACCEPTED, Json(TestSent { event_id, delivery_id })))
}

/// Verify an endpoint
///
/// Sends a signed `webhook.verification` event with `{"challenge": "…"}`, also while the endpoint is held. Once an answer of
/// success holds the challenge in its first 16 KiB, `verified_at` says when; another URL has to be verified anew.
#[utoipa::path(
    post, path = "/v1/endpoints/{id}/verify", operation_id = "verify_endpoint", tag = "endpoints",
    params(("id" = values::EndpointId, Path), parameters::OnceKey),
    request_body = Option<requests::Nothing>,
    responses(
        (status = 202, description = "It is on its way.", body = TestSent),
        (status = 409, description = "The endpoint cannot be read, so nothing could be signed (`unreadable`)."),
    ),
    security(("token" = ["operator"])),
)]
pub(super) async fn verify(
    State(api): State<Api>,
    Operator(access, by): Operator,
    Id(id): Id<EndpointId>,
    Once { body: OptionalJson(Nothing), key }: Once<OptionalJson<Nothing>>,
) -> Result<(StatusCode, Json<TestSent>), Problem> {
    let tenant = check_visible(&api, &access, id).await?;
    let once = key.map(|key| key.of(&access, Some(&tenant), format!("endpoints/{id}/verify")));
    let (event_id, delivery_id) = api.engine.verify_endpoint(id, once.as_ref(), &by).await?;
    Ok((StatusCode::ACCEPTED, Json(TestSent { event_id, delivery_id })))
}

/// `{type?, payload?}`
fn type_and_payload(mut document: Document) -> Result<(Option<String>, Option<Bytes>), Invalid> {
    let payload = document.take_payload("payload")?;
    let mut fields = document.fields()?;
    let event_type = fields.text("type");
    fields.finish().or((event_type, payload))
}

/// Pause an endpoint
///
/// Its deliveries are held until it is resumed. May be repeated.
#[utoipa::path(
    post, path = "/v1/endpoints/{id}/pause", operation_id = "pause_endpoint", tag = "endpoints",
    params(("id" = values::EndpointId, Path)),
    request_body = Option<requests::Nothing>,
    responses(
        (status = 200, description = "The endpoint.", body = view::Endpoint,
         headers(("ETag" = String, description = "The endpoint's version; `If-Match` takes it."))),
    ),
    security(("token" = ["operator"])),
)]
pub(super) async fn pause(
    State(api): State<Api>,
    Operator(access, by): Operator,
    Id(id): Id<EndpointId>,
    OptionalJson(Nothing): OptionalJson<Nothing>,
) -> Result<Response, Problem> {
    check_visible(&api, &access, id).await?;
    Ok(shown(&api, &api.engine.set_paused(id, true, &by).await?).await)
}

/// Resume an endpoint
///
/// What was held is sent. May be repeated.
#[utoipa::path(
    post, path = "/v1/endpoints/{id}/resume", operation_id = "resume_endpoint", tag = "endpoints",
    params(("id" = values::EndpointId, Path)),
    request_body = Option<requests::Nothing>,
    responses(
        (status = 200, description = "The endpoint.", body = view::Endpoint,
         headers(("ETag" = String, description = "The endpoint's version; `If-Match` takes it."))),
    ),
    security(("token" = ["operator"])),
)]
pub(super) async fn resume(
    State(api): State<Api>,
    Operator(access, by): Operator,
    Id(id): Id<EndpointId>,
    OptionalJson(Nothing): OptionalJson<Nothing>,
) -> Result<Response, Problem> {
    check_visible(&api, &access, id).await?;
    Ok(shown(&api, &api.engine.set_paused(id, false, &by).await?).await)
}

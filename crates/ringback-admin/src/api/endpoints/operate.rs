//! What operators do with an endpoint: test, pause, resume.

use axum::{Json, body::Bytes, extract::State, response::Response};
use http::StatusCode;
use ringback::{
    id::{DeliveryId, EndpointId, EventId},
    invalid::Invalid,
};
use serde::Serialize;

use super::{change::check_visible, shown};
use crate::{
    api::Api,
    auth::Operator,
    extract::{Document, Id, Nothing, OptionalJson, Raw},
    problem::Problem,
};

/// Where to look what came of a test.
#[derive(Serialize)]
pub(super) struct TestSent {
    event_id: EventId,
    delivery_id: DeliveryId,
}

/// `POST /v1/endpoints/{id}/test`
pub(super) async fn test(
    State(api): State<Api>,
    Operator(access, by): Operator,
    Id(id): Id<EndpointId>,
    Raw(document): Raw,
) -> Result<(StatusCode, Json<TestSent>), Problem> {
    check_visible(&api, &access, id).await?;
    let (event_type, payload) = document.map(type_and_payload).transpose()?.unwrap_or_default();
    let (event_id, delivery_id) = api.engine.send_test(id, event_type, payload, &by).await?;
    Ok((StatusCode::ACCEPTED, Json(TestSent { event_id, delivery_id })))
}

/// `{type?, payload?}`
fn type_and_payload(mut document: Document) -> Result<(Option<String>, Option<Bytes>), Invalid> {
    let payload = document.take("payload");
    let mut fields = document.fields()?;
    let event_type = fields.text("type");
    fields.finish().or((event_type, payload))
}

/// `POST /v1/endpoints/{id}/pause`
pub(super) async fn pause(
    State(api): State<Api>,
    Operator(access, by): Operator,
    Id(id): Id<EndpointId>,
    OptionalJson(Nothing): OptionalJson<Nothing>,
) -> Result<Response, Problem> {
    check_visible(&api, &access, id).await?;
    Ok(shown(&api.engine.set_paused(id, true, &by).await?))
}

/// `POST /v1/endpoints/{id}/resume`
pub(super) async fn resume(
    State(api): State<Api>,
    Operator(access, by): Operator,
    Id(id): Id<EndpointId>,
    OptionalJson(Nothing): OptionalJson<Nothing>,
) -> Result<Response, Problem> {
    check_visible(&api, &access, id).await?;
    Ok(shown(&api.engine.set_paused(id, false, &by).await?))
}

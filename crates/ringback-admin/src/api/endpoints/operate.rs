//! What operators do with an endpoint: test, pause, resume.

use axum::{Json, body::Bytes, extract::State, response::Response};
use http::StatusCode;
use ringback::id::{DeliveryId, EndpointId, EventId};
use serde::{Deserialize, Serialize};

use super::{change::check_visible, shown};
use crate::{
    api::Api,
    auth::Operator,
    extract::{Id, Nothing, OptionalJson, Raw},
    problem::Problem,
};

/// A test event's fields apart from its payload.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestFields {
    r#type: Option<String>,
}

/// Where to look what came of a test.
#[derive(Serialize)]
pub(super) struct TestSent {
    event_id: EventId,
    delivery_id: DeliveryId,
}

/// `POST /v1/endpoints/{id}/test`
pub(super) async fn test(
    State(api): State<Api>,
    Operator(access): Operator,
    Id(id): Id<EndpointId>,
    Raw(document): Raw,
) -> Result<(StatusCode, Json<TestSent>), Problem> {
    check_visible(&api, &access, id).await?;
    let (fields, payload): (TestFields, Option<Bytes>) = match document {
        Some(mut document) => {
            let payload = document.take("payload");
            (document.parse()?, payload)
        }
        None => Default::default(),
    };
    let (event_id, delivery_id) = api.engine.send_test(id, fields.r#type, payload).await?;
    Ok((StatusCode::ACCEPTED, Json(TestSent { event_id, delivery_id })))
}

/// `POST /v1/endpoints/{id}/pause`
pub(super) async fn pause(
    State(api): State<Api>,
    Operator(access): Operator,
    Id(id): Id<EndpointId>,
    OptionalJson(Nothing {}): OptionalJson<Nothing>,
) -> Result<Response, Problem> {
    check_visible(&api, &access, id).await?;
    Ok(shown(&api.engine.set_paused(id, true).await?))
}

/// `POST /v1/endpoints/{id}/resume`
pub(super) async fn resume(
    State(api): State<Api>,
    Operator(access): Operator,
    Id(id): Id<EndpointId>,
    OptionalJson(Nothing {}): OptionalJson<Nothing>,
) -> Result<Response, Problem> {
    check_visible(&api, &access, id).await?;
    Ok(shown(&api.engine.set_paused(id, false).await?))
}

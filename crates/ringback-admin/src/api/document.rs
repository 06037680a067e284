//! `/openapi.json`: the description of this API, for programs. It needs no token, since it tells nothing that the
//! source code does not.

use axum::{extract::State, response::IntoResponse};
use http::header;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Api;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(read))
}

/// This document
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "openapi", tag = "health",
    responses(
        (status = 200, description = "OpenAPI 3.1.", body = serde_json::Value),
    ),
    security(()),
)]
async fn read(State(api): State<Api>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], api.document.clone())
}

//! `/v1/endpoints`: where events go.

mod by_key;
mod change;
pub(crate) mod listing;
mod operate;
mod rotate;

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use ringback::operate::endpoints::Made;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use self::change::check_visible;
use super::Api;
use crate::{extract::etag, view};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(change::create, listing::list))
        .routes(routes!(by_key::one, change::put, by_key::patch, by_key::delete))
        .routes(routes!(listing::one, change::patch, change::delete))
        .routes(routes!(operate::test))
        .routes(routes!(operate::verify))
        .routes(routes!(rotate::rotate_secret))
        .routes(routes!(operate::pause))
        .routes(routes!(operate::resume))
}

/// The answer that shows an endpoint that was changed, with the `ETag` for `If-Match`.
async fn shown(api: &Api, endpoint: &ringback::endpoint::Endpoint) -> Response {
    let shown = view::Endpoint::with(endpoint, api.engine.health_of(endpoint).await.ok());
    ([(header::ETAG, etag(endpoint.version))], axum::Json(shown)).into_response()
}

/// The answer that shows an endpoint that was created or changed.
async fn made(api: &Api, made: Made) -> Response {
    let status = if made.created { StatusCode::CREATED } else { StatusCode::OK };
    let tag = etag(made.endpoint.version);
    let health = api.engine.health_of(&made.endpoint).await.ok();
    (status, [(header::ETAG, tag)], axum::Json(view::EndpointMade::of(made, health))).into_response()
}

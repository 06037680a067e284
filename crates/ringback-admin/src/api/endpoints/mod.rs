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
        .routes(routes!(rotate::rotate_secret))
        .routes(routes!(operate::pause))
        .routes(routes!(operate::resume))
}

/// The answer that shows an endpoint, with the `ETag` for `If-Match`.
fn shown(endpoint: &ringback::endpoint::Endpoint) -> Response {
    ([(header::ETAG, etag(endpoint.version))], axum::Json(view::Endpoint::from(endpoint))).into_response()
}

/// The answer that shows an endpoint that was created or changed.
fn made(made: Made) -> Response {
    let status = if made.created { StatusCode::CREATED } else { StatusCode::OK };
    let tag = etag(made.endpoint.version);
    (status, [(header::ETAG, tag)], axum::Json(view::EndpointMade::from(made))).into_response()
}

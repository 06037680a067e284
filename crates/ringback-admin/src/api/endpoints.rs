//! `/v1/endpoints`: where events go.

mod change;
mod listing;
mod operate;
mod rotate;

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use http::{StatusCode, header};
use ringback::operate::endpoints::Made;

use super::Api;
use crate::{extract::etag, view};

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/endpoints", post(change::create).get(listing::list))
        .route("/v1/endpoints/by-key/{tenant}/{key}", put(change::put))
        .route("/v1/endpoints/{id}", get(listing::one).patch(change::patch).delete(change::delete))
        .route("/v1/endpoints/{id}/test", post(operate::test))
        .route("/v1/endpoints/{id}/rotate-secret", post(rotate::rotate_secret))
        .route("/v1/endpoints/{id}/pause", post(operate::pause))
        .route("/v1/endpoints/{id}/resume", post(operate::resume))
}

/// An endpoint as it is, with the tag that `If-Match` takes.
fn shown(endpoint: &ringback::endpoint::Endpoint) -> Response {
    ([(header::ETAG, etag(endpoint.version))], axum::Json(view::Endpoint::from(endpoint))).into_response()
}

/// An endpoint that was made or changed.
fn made(made: Made) -> Response {
    let status = if made.created { StatusCode::CREATED } else { StatusCode::OK };
    let tag = etag(made.endpoint.version);
    (status, [(header::ETAG, tag)], axum::Json(view::EndpointMade::from(made))).into_response()
}

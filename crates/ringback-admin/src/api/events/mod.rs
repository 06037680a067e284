//! `/v1/events`: what happened.

mod hand_in;
pub(crate) mod listing;
pub(crate) mod payload;

use utoipa_axum::{router::OpenApiRouter, routes};

use super::Api;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(hand_in::one, listing::list))
        .routes(routes!(hand_in::batch))
        .routes(routes!(listing::one))
        .routes(routes!(payload::read, payload::expunge))
}

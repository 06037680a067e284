//! `/v1/events`: what happened.

mod hand_in;
mod listing;
mod payload;

use axum::{
    Router,
    routing::{get, post},
};

use super::Api;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/events", post(hand_in::one).get(listing::list))
        .route("/v1/events/batch", post(hand_in::batch))
        .route("/v1/events/{id}", get(listing::one))
        .route("/v1/events/{id}/payload", get(payload::read).delete(payload::expunge))
}

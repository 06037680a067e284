//! `/healthz` and `/readyz`: for whoever restarts or routes to this process. They need no token and tell nothing.

use axum::{Json, Router, extract::State, routing::get};
use serde::Serialize;

use super::Api;
use crate::problem::Problem;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/healthz", get(healthy)).route("/readyz", get(ready))
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// The process answers.
async fn healthy() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// The store answers, too, and has the schema that this program needs; else 503.
async fn ready(State(api): State<Api>) -> Result<Json<Health>, Problem> {
    api.store().check_ready().await?;
    Ok(Json(Health { status: "ready" }))
}

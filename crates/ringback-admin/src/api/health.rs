//! `/healthz` and `/readyz`: for programs that restart this process or route requests to it. They need no token and reveal
//! no data.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Api;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(healthy)).routes(routes!(ready))
}

#[derive(Serialize, ToSchema)]
struct Health {
    status: &'static str,
}

/// Whether the process answers
#[utoipa::path(
    get, path = "/healthz", operation_id = "healthz", tag = "health",
    responses(
        (status = 200, description = "It does.", body = Health),
    ),
    security(()),
)]
async fn healthy() -> Json<Health> {
    Json(Health { status: "ok" })
}

#[derive(Serialize, ToSchema)]
struct Readiness {
    status: &'static str,
    /// Endpoints that are disabled as `unreadable`: no configured master key opens their credentials.
    unreadable_endpoints: usize,
    /// What somebody should look at, though the rest is ready: clocks that differ, so that nothing is dropped; a pipeline that
    /// stood still, so that this node leaves sending to others for a while.
    warnings: Vec<String>,
}

/// Whether the store answers, too
///
/// And has the schema that this program needs, takes writes, and shows no damage; and this process sends what it has taken on. Endpoints that
/// cannot be read are held alone and leave the rest ready.
#[utoipa::path(
    get, path = "/readyz", operation_id = "readyz", tag = "health",
    responses(
        (status = 200, description = "It does.", body = Readiness),
    ),
    security(()),
)]
async fn ready(State(api): State<Api>) -> Result<Json<Readiness>, Problem> {
    api.engine.check_ready().await?;
    let unreadable_endpoints = api.engine.directory().await?.unreadable().len();
    let clocks = api.engine.clock_doubt().map(|doubt| doubt.to_string());
    let abstinence = api.engine.abstinence().map(|abstinence| abstinence.to_string());
    let warnings = clocks.into_iter().chain(abstinence).collect();
    Ok(Json(Readiness { status: "ready", unreadable_endpoints, warnings }))
}

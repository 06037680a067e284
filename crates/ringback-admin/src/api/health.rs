//! `/healthz` and `/readyz`: for whoever restarts or routes to this process. They need no token and tell nothing.

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

/// Whether the store answers, too
///
/// And has the schema that this program needs.
#[utoipa::path(
    get, path = "/readyz", operation_id = "readyz", tag = "health",
    responses(
        (status = 200, description = "It does.", body = Health),
    ),
    security(()),
)]
async fn ready(State(api): State<Api>) -> Result<Json<Health>, Problem> {
    api.store().check_ready().await?;
    Ok(Json(Health { status: "ready" }))
}

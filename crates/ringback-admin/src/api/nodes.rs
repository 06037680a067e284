//! `/v1/nodes`: which processes send, until when, and what each owns.

use axum::{Json, extract::State};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Api;
use crate::{auth::Administrator, problem::Problem, view::Nodes};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list))
}

/// List nodes
///
/// The processes that send, each with its lease and the number of shards that it owns. On SQLite there is at most one. A token
/// that is bound to a tenant is not for this: nodes serve all.
#[utoipa::path(
    get, path = "/v1/nodes", operation_id = "list_nodes", tag = "health",
    responses(
        (status = 200, description = "All of them.", body = Nodes),
    ),
    security(("token" = ["admin"])),
)]
async fn list(State(api): State<Api>, Administrator(access, _): Administrator) -> Result<Json<Nodes>, Problem> {
    if access.tenant.is_some() {
        return Err(Problem::forbidden());
    }
    Ok(Json(Nodes::of(api.engine.nodes().await?, api.engine.node())))
}

//! `/v1/replays`: sending many deliveries again, at a pace.

mod request;

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use http::StatusCode;
use ringback::id::ReplayId;

use super::Api;
use crate::{
    auth::{Access, Operator, Reader},
    extract::{self, Id, Nothing, OptionalJson},
    problem::Problem,
    view::Replay,
};

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/replays", post(create))
        .route("/v1/replays/{id}", get(one))
        .route("/v1/replays/{id}/cancel", post(cancel))
}

/// A preview counts and stores nothing: 200 instead of 202.
async fn create(
    State(api): State<Api>,
    Operator(access): Operator,
    extract::Json(request): extract::Json<request::Request>,
) -> Result<(StatusCode, Json<Replay>), Problem> {
    let replay = request.for_caller(&access)?;
    let row = api.store().create_replay(&replay).await?;
    if replay.dry_run {
        return Ok((StatusCode::OK, Json(row.into())));
    }
    api.engine.wake();
    Ok((StatusCode::ACCEPTED, Json(row.into())))
}

async fn one(State(api): State<Api>, Reader(access): Reader, Id(id): Id<ReplayId>) -> Result<Json<Replay>, Problem> {
    Ok(Json(find(&api, &access, id).await?))
}

async fn cancel(
    State(api): State<Api>,
    Operator(access): Operator,
    Id(id): Id<ReplayId>,
    OptionalJson(Nothing): OptionalJson<Nothing>,
) -> Result<Json<Replay>, Problem> {
    find(&api, &access, id).await?;
    let row = api.store().cancel_replay(id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(row.into()))
}

/// A replay without a tenant in its filter is of all tenants: none of a bound caller's.
async fn find(api: &Api, access: &Access, id: ReplayId) -> Result<Replay, Problem> {
    let row = api.store().replay(id).await?;
    access.found(row, |row| row.tenant.as_deref().unwrap_or_default()).map(Replay::from)
}

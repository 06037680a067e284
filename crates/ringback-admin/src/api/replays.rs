//! `/v1/replays`: sending many deliveries again, at a pace.

mod request;

use axum::{Json, extract::State};
use http::StatusCode;
use ringback::{
    audit::Action,
    id::ReplayId,
    store::{ReplayRow, ReplayState, ReplayToCreate},
};
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Api;
use crate::{
    auth::{Access, Operator, Reader},
    extract::{self, Id, Nothing, OptionalJson},
    openapi::{requests, words},
    problem::Problem,
    view::Replay,
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(one)).routes(routes!(cancel))
}

/// Send many deliveries again
///
/// The set is fixed when this is answered, so it never chases its own failures. With `dry_run` it is only counted.
#[utoipa::path(
    post, path = "/v1/replays", operation_id = "make_replay", tag = "replays",
    request_body = requests::NewReplay,
    responses(
        (status = 202, description = "It runs.", body = Replay),
        (status = 200, description = "A preview: nothing is stored.", body = Replay),
    ),
    security(("token" = ["operator"])),
)]
async fn create(
    State(api): State<Api>,
    Operator(access, by): Operator,
    extract::Json(request): extract::Json<request::Request>,
) -> Result<(StatusCode, Json<Replay>), Problem> {
    let replay = request.for_caller(&access)?;
    let record = by.asks(Action::CreateReplay, replay.id, replay.filter.tenant.as_deref()).after(told(&replay)?);
    let row = api.store().create_replay(&replay, &record).await?;
    if replay.dry_run {
        return Ok((StatusCode::OK, Json(row.into())));
    }
    api.engine.wake();
    Ok((StatusCode::ACCEPTED, Json(row.into())))
}

/// What the audit log tells of a replay.
fn told(replay: &ReplayToCreate) -> Result<Value, Problem> {
    let filter: Value = serde_json::from_str(&replay.filter_json).map_err(|_| Problem::internal())?;
    Ok(json!({"filter": filter, "rate_per_second": replay.rate_per_second, "reason": replay.reason}))
}

/// One replay
///
/// With its progress.
#[utoipa::path(
    get, path = "/v1/replays/{id}", operation_id = "replay", tag = "replays",
    params(("id" = words::ReplayId, Path)),
    responses(
        (status = 200, description = "The replay.", body = Replay),
    ),
    security(("token" = ["read"])),
)]
async fn one(State(api): State<Api>, Reader(access): Reader, Id(id): Id<ReplayId>) -> Result<Json<Replay>, Problem> {
    Ok(Json(find(&api, &access, id).await?.into()))
}

/// Cancel a replay
///
/// What was released stays released. May be repeated.
#[utoipa::path(
    post, path = "/v1/replays/{id}/cancel", operation_id = "cancel_replay", tag = "replays",
    params(("id" = words::ReplayId, Path)),
    request_body = Option<requests::Nothing>,
    responses(
        (status = 200, description = "The replay.", body = Replay),
    ),
    security(("token" = ["operator"])),
)]
async fn cancel(
    State(api): State<Api>,
    Operator(access, by): Operator,
    Id(id): Id<ReplayId>,
    OptionalJson(Nothing): OptionalJson<Nothing>,
) -> Result<Json<Replay>, Problem> {
    let row = find(&api, &access, id).await?;
    let record = by
        .asks(Action::CancelReplay, id, row.tenant.as_deref())
        .before(json!({"state": ReplayState::Running}))
        .after(json!({"state": ReplayState::Cancelled}));
    let row = api.store().cancel_replay(id, &record).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(row.into()))
}

/// A replay without a tenant in its filter is of all tenants: none of a bound caller's.
async fn find(api: &Api, access: &Access, id: ReplayId) -> Result<ReplayRow, Problem> {
    let row = api.store().replay(id).await?;
    access.found(row, |row| row.tenant.as_deref().unwrap_or_default())
}

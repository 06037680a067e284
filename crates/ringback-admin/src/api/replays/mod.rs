//! `/v1/replays`: sending many deliveries again, at a pace.

pub(crate) mod listing;
pub(crate) mod request;

use axum::{Json, extract::State};
use http::StatusCode;
use ringback::{id::ReplayId, store::ReplayRow};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Api;
use crate::{
    auth::{Access, Operator, Reader},
    extract::{self, Id, Nothing, Once, OptionalJson},
    openapi::{parameters, requests, values},
    problem::Problem,
    view::Replay,
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(create, listing::list)).routes(routes!(one)).routes(routes!(cancel))
}

/// Send many deliveries again
///
/// The set is fixed when this is answered, so it never chases its own failures. What no longer fits the filter when its
/// turn comes is skipped. With `missing` each event gets a new delivery. With `dry_run` it is only counted.
#[utoipa::path(
    post, path = "/v1/replays", operation_id = "make_replay", tag = "replays",
    params(parameters::OnceKey),
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
    Once { body: extract::Json(request), key }: Once<extract::Json<request::Request>>,
) -> Result<(StatusCode, Json<Replay>), Problem> {
    let replay = request.for_caller(&api, &access).await?;
    let once = key.map(|key| key.of(&access, replay.filter.tenant.as_deref(), "replays".to_owned()));
    let status = if replay.dry_run { StatusCode::OK } else { StatusCode::ACCEPTED };
    let row = api.engine.create_replay(replay, once.as_ref(), &by).await?;
    Ok((status, Json(row.into())))
}

/// One replay
///
/// With its progress.
#[utoipa::path(
    get, path = "/v1/replays/{id}", operation_id = "replay", tag = "replays",
    params(("id" = values::ReplayId, Path)),
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
    params(("id" = values::ReplayId, Path)),
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
    find(&api, &access, id).await?;
    let row = api.engine.cancel_replay(id, &by).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(row.into()))
}

/// A replay that the caller may see. One without a tenant in its filter is of all tenants, so a bound caller may not.
pub(crate) async fn find(api: &Api, access: &Access, id: ReplayId) -> Result<ReplayRow, Problem> {
    let row = api.engine.replay(id).await?;
    access.found(row, |row| row.filter.tenant.as_deref().unwrap_or_default())
}

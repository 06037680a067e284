//! `/v1/replays`: sending many deliveries again, at a pace.

mod listing;
mod request;

use axum::{Json, extract::State};
use http::StatusCode;
use ringback::{
    audit::Action,
    id::ReplayId,
    store::{Created, ReplayRow, ReplayState, ReplayToCreate},
};
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Api;
use crate::{
    auth::{Access, Operator, Reader},
    extract::{self, Id, Nothing, Once, OptionalJson},
    openapi::{parameters, requests, words},
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
    let mut replay = request.for_caller(&api, &access).await?;
    let tenant = replay.scope.filter.tenant.clone();
    let once = key.map(|key| key.of(&access, tenant.as_deref(), "replays".to_owned()));
    replay.once = once.as_ref().map(|once| once.making(replay.id.uuid(), api.keys()));
    let record = by.asks(Action::CreateReplay, replay.id, tenant.as_deref()).after(told(&replay));
    let row = match (api.store().create_replay(&replay, &record).await?, once) {
        (Created::Replay(row), _) => *row,
        (Created::Before(before), Some(once)) => {
            let id = once.same_as(&before, api.keys()).map_err(|_| Problem::idempotency_conflict())?;
            find(&api, &access, ReplayId::from_uuid(id)).await?
        }
        // Only under a key is anything done before.
        (Created::Before(_), None) => return Err(Problem::internal()),
    };
    if replay.dry_run {
        return Ok((StatusCode::OK, Json(row.into())));
    }
    api.engine.wake();
    Ok((StatusCode::ACCEPTED, Json(row.into())))
}

/// What the audit log tells of a replay.
fn told(replay: &ReplayToCreate) -> Value {
    json!({"filter": replay.scope.filter, "rate_per_second": replay.rate_per_second, "note": replay.note})
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
        .asks(Action::CancelReplay, id, row.filter.tenant.as_deref())
        .before(json!({"state": ReplayState::Running}))
        .after(json!({"state": ReplayState::Cancelled}));
    let row = api.store().cancel_replay(id, &record).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(row.into()))
}

/// A replay without a tenant in its filter is of all tenants: none of a bound caller's.
async fn find(api: &Api, access: &Access, id: ReplayId) -> Result<ReplayRow, Problem> {
    let row = api.store().replay(id).await?;
    access.found(row, |row| row.filter.tenant.as_deref().unwrap_or_default())
}

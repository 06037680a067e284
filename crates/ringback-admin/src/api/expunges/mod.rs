//! `/v1/expunge` and `/v1/expunges`: erasing the contents of many events, with a receipt.

mod request;

use axum::{Json, extract::State};
use http::StatusCode;
use ringback::{id::ExpungeId, store::Keys};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Api;
use crate::{
    auth::Administrator,
    extract::{self, FromParameters, Id, Parameters, Query},
    openapi::{parameters, requests, values},
    problem::Problem,
    view::Expunge,
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(one))
}

/// `?key=true`: the keys that callers gave events are erased, too.
pub(in crate::api) struct WithKeys(pub(in crate::api) Keys);

impl FromParameters for WithKeys {
    fn read(parameters: &mut Parameters) -> Self {
        Self(if parameters.flag("key") == Some(true) { Keys::Erase } else { Keys::Keep })
    }
}

/// Expunge many events
///
/// Payloads, what attempts kept of answers and, with `key=true`, keys are removed for good; pending deliveries and dead
/// letters of these events become `cancelled`. The set is fixed when this is answered. With `dry_run` it is only counted.
#[utoipa::path(
    post, path = "/v1/expunge", operation_id = "make_expunge", tag = "events",
    params(parameters::WithKeys),
    request_body = requests::NewExpunge,
    responses(
        (status = 202, description = "It runs.", body = Expunge),
        (status = 200, description = "A preview: nothing is stored.", body = Expunge),
    ),
    security(("token" = ["admin"])),
)]
async fn create(
    State(api): State<Api>,
    Administrator(access, by): Administrator,
    Query(WithKeys(keys)): Query<WithKeys>,
    extract::Json(request): extract::Json<request::Request>,
) -> Result<(StatusCode, Json<Expunge>), Problem> {
    let expunge = request.for_caller(&access, keys)?;
    let status = if expunge.dry_run { StatusCode::OK } else { StatusCode::ACCEPTED };
    let row = api.engine.create_expunge(expunge, &by).await?;
    Ok((status, Json(row.into())))
}

/// One expunge
///
/// With its progress and, once everything is erased, its receipt.
#[utoipa::path(
    get, path = "/v1/expunges/{id}", operation_id = "expunge", tag = "events",
    params(("id" = values::ExpungeId, Path)),
    responses(
        (status = 200, description = "The expunge.", body = Expunge),
    ),
    security(("token" = ["admin"])),
)]
async fn one(
    State(api): State<Api>,
    Administrator(access, _): Administrator,
    Id(id): Id<ExpungeId>,
) -> Result<Json<Expunge>, Problem> {
    let row = api.engine.expunge(id).await?;
    Ok(Json(access.found(row, |row| &row.filter.tenant)?.into()))
}

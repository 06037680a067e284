//! Making, replacing, patching and deleting endpoints.

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use ringback::{endpoint::Draft, id::EndpointId};

use super::made;
use crate::{
    api::Api,
    auth::{Access, Administrator},
    extract::{Id, IfMatch, Json, Patch},
    problem::Problem,
};

/// `POST /v1/endpoints`
pub(super) async fn create(
    State(api): State<Api>,
    Administrator(access, by): Administrator,
    Json(mut draft): Json<Draft>,
) -> Result<Response, Problem> {
    draft.tenant = Some(access.named(draft.tenant.take())?);
    Ok(made(api.engine.create_endpoint(draft, &by).await?))
}

/// `PUT /v1/endpoints/by-key/{tenant}/{key}`
pub(super) async fn put(
    State(api): State<Api>,
    Administrator(access, by): Administrator,
    IfMatch(seen): IfMatch,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
    Json(draft): Json<Draft>,
) -> Result<Response, Problem> {
    let Path((tenant, key)) = path.map_err(|_| Problem::not_found())?;
    let tenant = access.named(Some(tenant))?;
    Ok(made(api.engine.put_endpoint(&tenant, &key, draft, seen, &by).await?))
}

/// `PATCH /v1/endpoints/{id}`
pub(super) async fn patch(
    State(api): State<Api>,
    Administrator(access, by): Administrator,
    Id(id): Id<EndpointId>,
    IfMatch(seen): IfMatch,
    Patch(patch): Patch,
) -> Result<Response, Problem> {
    check_visible(&api, &access, id).await?;
    Ok(made(api.engine.patch_endpoint(id, patch, seen, &by).await?))
}

/// `DELETE /v1/endpoints/{id}`
pub(super) async fn delete(
    State(api): State<Api>,
    Administrator(access, by): Administrator,
    Id(id): Id<EndpointId>,
    IfMatch(seen): IfMatch,
) -> Result<StatusCode, Problem> {
    check_visible(&api, &access, id).await?;
    api.engine.delete_endpoint(id, seen, &by).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An endpoint's tenant never changes, so looking once is enough.
pub(super) async fn check_visible(api: &Api, access: &Access, id: EndpointId) -> Result<(), Problem> {
    let directory = api.engine.directory().await?;
    access.found(directory.endpoint(id), |endpoint| &endpoint.tenant).map(drop)
}

//! Reading, patching and deleting an endpoint by the platform's own id for it.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use http::StatusCode;
use ringback::{
    event::{is_key, is_tenant},
    id::EndpointId,
    invalid::Invalid,
};

use super::{change, listing};
use crate::{
    api::Api,
    auth::{Access, Administrator, Reader},
    extract::{Id, IfMatch, Patch},
    openapi::{parameters, requests, values},
    problem::Problem,
    view,
};

/// `{tenant}/{key}`
type Named = Result<Path<(String, String)>, PathRejection>;

/// The endpoint that has the key, if the caller may see it.
async fn find(api: &Api, access: &Access, named: Named) -> Result<Id<EndpointId>, Problem> {
    let Path((tenant, key)) = named.map_err(|_| Problem::not_found())?;
    for (pointer, is_right) in [("/tenant", is_tenant(&tenant)), ("/key", is_key(&key))] {
        if !is_right {
            return Err(Invalid::one(pointer, "malformed", "has characters or a length that it cannot have").into());
        }
    }
    let directory = api.engine.directory().await?;
    access.found(directory.by_key(&tenant, &key), |endpoint| &endpoint.tenant).map(|endpoint| Id(endpoint.id))
}

/// One endpoint, by its key
///
/// As by its id.
#[utoipa::path(
    get, path = "/v1/endpoints/by-key/{tenant}/{key}", operation_id = "endpoint_by_key", tag = "endpoints",
    params(("tenant" = values::Tenant, Path), ("key" = values::Key, Path)),
    responses(
        (status = 200, description = "The endpoint.", body = view::EndpointWithFigures,
         headers(("ETag" = String, description = "The endpoint's version; `If-Match` takes it."))),
    ),
    security(("token" = ["read"])),
)]
pub(super) async fn one(State(api): State<Api>, Reader(access): Reader, named: Named) -> Result<Response, Problem> {
    let id = find(&api, &access, named).await?;
    listing::one(State(api), Reader(access), id).await
}

/// Change an endpoint, by its key
///
/// As by its id. If it gets another key, it is found by that from then on.
#[utoipa::path(
    patch, path = "/v1/endpoints/by-key/{tenant}/{key}", operation_id = "patch_endpoint_by_key", tag = "endpoints",
    params(("tenant" = values::Tenant, Path), ("key" = values::Key, Path), parameters::IfMatch),
    request_body(content(
        (requests::EndpointPatch = "application/merge-patch+json"),
        (requests::EndpointPatch = "application/json"),
    )),
    responses(
        (status = 200, description = "It is changed.", body = view::EndpointMade,
         headers(("ETag" = String, description = "The endpoint's version; `If-Match` takes it."))),
        (status = 409, description = change::NOT_PATCHED),
        (status = 412, description = change::SEEN_OTHERWISE),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn patch(
    State(api): State<Api>,
    Administrator(access, by): Administrator,
    seen: IfMatch,
    named: Named,
    patch: Patch,
) -> Result<Response, Problem> {
    let id = find(&api, &access, named).await?;
    change::patch(State(api), Administrator(access, by), id, seen, patch).await
}

/// Delete an endpoint, by its key
///
/// As by its id.
#[utoipa::path(
    delete, path = "/v1/endpoints/by-key/{tenant}/{key}", operation_id = "delete_endpoint_by_key", tag = "endpoints",
    params(("tenant" = values::Tenant, Path), ("key" = values::Key, Path), parameters::IfMatch),
    responses(
        (status = 204, description = "It is gone."),
        (status = 412, description = change::SEEN_OTHERWISE),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn delete(
    State(api): State<Api>,
    Administrator(access, by): Administrator,
    seen: IfMatch,
    named: Named,
) -> Result<StatusCode, Problem> {
    let id = find(&api, &access, named).await?;
    change::delete(State(api), Administrator(access, by), id, seen).await
}

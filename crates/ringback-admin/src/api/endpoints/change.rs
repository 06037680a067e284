//! Creating, replacing, patching and deleting endpoints.

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
    extract::{Id, IfMatch, Json, Once, Patch},
    openapi::{parameters, requests, values},
    problem::Problem,
    view,
};

/// Why a change, rotation or deletion is answered with 412.
pub(super) const SEEN_OTHERWISE: &str = "The endpoint has changed since the version that `If-Match` names.";

/// Why a patch is answered with 409.
pub(super) const NOT_PATCHED: &str = "The `key` belongs to another endpoint of the tenant, the change would end early what a \
                                      rotation promised, or the endpoint cannot be read (`unreadable`) and no `secret` is given.";

/// Make an endpoint
///
/// The secret stands in this answer and in none after it: not in the answer to the same request under the same
/// `Idempotency-Key` either, which shows the endpoint as it then is.
#[utoipa::path(
    post, path = "/v1/endpoints", operation_id = "make_endpoint", tag = "endpoints",
    params(parameters::OnceKey),
    request_body = requests::NewEndpoint,
    responses(
        (status = 201, description = "It is made.", body = view::EndpointMade,
         headers(("ETag" = String, description = "The endpoint's version; `If-Match` takes it."))),
        (status = 409, description = "The `key` belongs to another endpoint of the tenant."),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn create(
    State(api): State<Api>,
    Administrator(access, by): Administrator,
    Once { body: Json(mut draft), key }: Once<Json<Draft>>,
) -> Result<Response, Problem> {
    let tenant = access.named(draft.tenant.take())?;
    let once = key.map(|key| key.of(&access, Some(&tenant), "endpoints".to_owned()));
    draft.tenant = Some(tenant);
    Ok(made(&api, api.engine.create_endpoint_once(draft, once.as_ref(), &by).await?).await)
}

/// Make or replace the endpoint with this key
///
/// Idempotent. What is left out gets its default; without `secret` the present one stays. A secret or scheme that would
/// end a running rotation early is refused.
#[utoipa::path(
    put, path = "/v1/endpoints/by-key/{tenant}/{key}", operation_id = "put_endpoint", tag = "endpoints",
    params(("tenant" = values::Tenant, Path), ("key" = values::Key, Path), parameters::IfMatch),
    request_body = requests::NewEndpoint,
    responses(
        (status = 200, description = "It is replaced.", body = view::EndpointMade,
         headers(("ETag" = String, description = "The endpoint's version; `If-Match` takes it."))),
        (status = 201, description = "It is made.", body = view::EndpointMade,
         headers(("ETag" = String, description = "The endpoint's version; `If-Match` takes it."))),
        (status = 409, description = "It would end early what a rotation promised, or the endpoint cannot be read (`unreadable`) and no `secret` is given."),
        (status = 412, description = SEEN_OTHERWISE),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn put(
    State(api): State<Api>,
    Administrator(access, by): Administrator,
    IfMatch(seen): IfMatch,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
    Json(draft): Json<Draft>,
) -> Result<Response, Problem> {
    let Path((tenant, key)) = path.map_err(|_| Problem::not_found())?;
    let tenant = access.named(Some(tenant))?;
    Ok(made(&api, api.engine.put_endpoint(&tenant, &key, draft, seen, &by).await?).await)
}

/// Change an endpoint
///
/// A JSON merge patch. Enabling one that was not enabled sends what it holds, with a new budget of attempts.
#[utoipa::path(
    patch, path = "/v1/endpoints/{id}", operation_id = "patch_endpoint", tag = "endpoints",
    params(("id" = values::EndpointId, Path), parameters::IfMatch),
    request_body(content(
        (requests::EndpointPatch = "application/merge-patch+json"),
        (requests::EndpointPatch = "application/json"),
    )),
    responses(
        (status = 200, description = "It is changed.", body = view::EndpointMade,
         headers(("ETag" = String, description = "The endpoint's version; `If-Match` takes it."))),
        (status = 409, description = NOT_PATCHED),
        (status = 412, description = SEEN_OTHERWISE),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn patch(
    State(api): State<Api>,
    Administrator(access, by): Administrator,
    Id(id): Id<EndpointId>,
    IfMatch(seen): IfMatch,
    Patch(patch): Patch,
) -> Result<Response, Problem> {
    check_visible(&api, &access, id).await?;
    Ok(made(&api, api.engine.patch_endpoint(id, patch, seen, &by).await?).await)
}

/// Delete an endpoint
///
/// Its pending deliveries become `cancelled`, its dead letters stay readable.
#[utoipa::path(
    delete, path = "/v1/endpoints/{id}", operation_id = "delete_endpoint", tag = "endpoints",
    params(("id" = values::EndpointId, Path), parameters::IfMatch),
    responses(
        (status = 204, description = "It is gone."),
        (status = 412, description = SEEN_OTHERWISE),
    ),
    security(("token" = ["admin"])),
)]
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

/// The endpoint's tenant, if the caller may see the endpoint. The tenant never changes, so one look-up is enough.
pub(crate) async fn check_visible(api: &Api, access: &Access, id: EndpointId) -> Result<String, Problem> {
    let directory = api.engine.directory().await?;
    access.found(directory.endpoint(id), |endpoint| &endpoint.tenant).map(|endpoint| endpoint.tenant.clone())
}

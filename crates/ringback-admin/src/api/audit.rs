//! `/v1/audit`: who changed what.

use axum::{Json, extract::State};
use ringback::store::{AuditFilter, Span};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Api;
use crate::{
    auth::Administrator,
    cursor::Paging,
    extract::{FromParameters, Parameters, Query},
    openapi::parameters,
    problem::Problem,
    view::{Change, List},
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The list's name in its cursors.
const LIST: &str = "audit";

/// `?since &until &limit &cursor`
struct Asked {
    at: Span,
    paging: Paging,
}

impl FromParameters for Asked {
    fn read(parameters: &mut Parameters) -> Self {
        Self { at: parameters.span(), paging: Paging::read(parameters) }
    }
}

/// List changes
///
/// Who changed what, newest first. A token that is bound to a tenant sees what was done to that tenant's things.
#[utoipa::path(
    get, path = "/v1/audit", operation_id = "list_changes", tag = "audit",
    params(parameters::Audit, parameters::Paging),
    responses(
        (status = 200, description = "A page.", body = List<Change>),
    ),
    security(("token" = ["admin"])),
)]
async fn list(
    State(api): State<Api>,
    Administrator(access, _): Administrator,
    Query(Asked { at, paging }): Query<Asked>,
) -> Result<Json<List<Change>>, Problem> {
    let before = paging.position(LIST, &access, api.keys())?;
    let filter = AuditFilter { tenant: access.tenant.clone(), at };
    let page = api.engine.changes(&filter, before, paging.limit).await?;
    let items = page.items.into_iter().map(Change::try_from).collect::<Result<_, _>>()?;
    Ok(Json(List { items, next_cursor: page.next.map(|next| paging.cursor(&next, LIST, &access, api.keys())) }))
}

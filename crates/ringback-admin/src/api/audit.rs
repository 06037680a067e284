//! `/v1/audit`: who changed what.

use axum::{Json, extract::State};
use ringback::{
    event::is_key,
    store::{AuditFilter, AuditRow},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Api;
use crate::{
    auth::{Access, Administrator},
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

/// `?who &action &object &since &until &limit &cursor`
pub(crate) struct Asked {
    filter: AuditFilter,
    paging: Paging,
}

impl FromParameters for Asked {
    fn read(parameters: &mut Parameters) -> Self {
        let filter = AuditFilter {
            tenant: None,
            at: parameters.span(),
            who: parameters.text("who", is_key),
            action: parameters.text("action", is_key),
            object: parameters.text("object", is_key),
        };
        Self { filter, paging: Paging::read(parameters) }
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
    Query(asked): Query<Asked>,
) -> Result<Json<List<Change>>, Problem> {
    let (rows, next_cursor) = asked.page(&api, &access).await?;
    Ok(Json(List { items: rows.into_iter().map(Change::try_from).collect::<Result<_, _>>()?, next_cursor }))
}

impl Asked {
    /// The page that is asked for, and the cursor of the next.
    pub(crate) async fn page(self, api: &Api, access: &Access) -> Result<(Vec<AuditRow>, Option<String>), Problem> {
        let Self { filter, paging } = self;
        let before = paging.position(LIST, access, api.keys())?;
        let filter = AuditFilter { tenant: access.tenant.clone(), ..filter };
        let page = api.engine.changes(&filter, before, paging.limit).await?;
        Ok((page.items, page.next.map(|next| paging.cursor(&next, LIST, access, api.keys()))))
    }
}

//! Looking replays up.

use axum::{Json, extract::State};
use ringback::{
    event::is_tenant,
    store::{ReplayListFilter, ReplayRow, ReplayState, Span},
};

use crate::{
    api::Api,
    auth::{Access, Reader},
    cursor::Paging,
    extract::{FromParameters, Parameters, Query},
    openapi::parameters,
    problem::Problem,
    view::{List, Replay},
};

/// The list's name in its cursors.
const LIST: &str = "replays";

/// The values of `state`; previews are not stored.
pub(crate) const STATES: [ReplayState; 3] = [ReplayState::Running, ReplayState::Completed, ReplayState::Cancelled];

/// `?state &tenant &since &until &limit &cursor`
pub(crate) struct Asked {
    state: Option<ReplayState>,
    tenant: Option<String>,
    created: Span,
    paging: Paging,
}

impl FromParameters for Asked {
    fn read(parameters: &mut Parameters) -> Self {
        Self {
            state: parameters.one_of("state", &STATES),
            tenant: parameters.text("tenant", is_tenant),
            created: parameters.span(),
            paging: Paging::read(parameters),
        }
    }
}

/// List replays
///
/// Newest first. `tenant` finds those whose filter names it: a replay without one is of all tenants.
#[utoipa::path(
    get, path = "/v1/replays", operation_id = "list_replays", tag = "replays",
    params(parameters::Replays, parameters::Paging),
    responses(
        (status = 200, description = "A page.", body = List<Replay>),
    ),
    security(("token" = ["read"])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    Reader(access): Reader,
    Query(asked): Query<Asked>,
) -> Result<Json<List<Replay>>, Problem> {
    let (rows, next_cursor) = asked.page(&api, &access).await?;
    Ok(Json(List { items: rows.into_iter().map(Replay::from).collect(), next_cursor }))
}

impl Asked {
    /// The page that is asked for, and the cursor of the next.
    pub(crate) async fn page(self, api: &Api, access: &Access) -> Result<(Vec<ReplayRow>, Option<String>), Problem> {
        let Self { state, tenant, created, paging } = self;
        let tenant = access.listed(tenant)?;
        let before = paging.position(LIST, access, api.keys())?;
        let filter = ReplayListFilter { tenant: tenant.as_deref(), state, created };
        let page = api.engine.replays(&filter, before, paging.limit).await?;
        Ok((page.items, page.next.map(|next| paging.cursor(&next, LIST, access, api.keys()))))
    }
}

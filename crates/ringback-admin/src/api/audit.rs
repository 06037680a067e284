//! `/v1/audit`: who changed what.

use axum::{Json, Router, extract::State, routing::get};
use ringback::store::{AuditFilter, Span};

use super::Api;
use crate::{
    auth::Administrator,
    cursor::Paging,
    extract::{FromParameters, Parameters, Query},
    problem::Problem,
    view::{Change, List},
};

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/v1/audit", get(list))
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
        let at = Span { since: parameters.parsed("since"), until: parameters.parsed("until") };
        Self { at, paging: Paging::read(parameters) }
    }
}

/// A bound caller sees what was done to its tenant's things, by whomever.
async fn list(
    State(api): State<Api>,
    Administrator(access, _): Administrator,
    Query(Asked { at, paging }): Query<Asked>,
) -> Result<Json<List<Change>>, Problem> {
    let before = paging.position(LIST, &access, api.keys())?;
    let filter = AuditFilter { tenant: access.tenant.clone(), at };
    let page = api.store().list_audit(&filter, before, paging.limit).await?;
    let items = page.items.into_iter().map(Change::try_from).collect::<Result<_, _>>()?;
    Ok(Json(List { items, next_cursor: page.next.map(|next| paging.cursor(&next, LIST, &access, api.keys())) }))
}

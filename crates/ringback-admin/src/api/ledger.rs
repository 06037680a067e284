//! `/v1/ledger`: counts of all events and deliveries by what became of them; the sums must balance.

use axum::{Json, extract::State};
use ringback::{
    event::is_tenant,
    store::{Ledger, Span},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Api;
use crate::{
    auth::Reader,
    extract::{FromParameters, Parameters, Query},
    openapi::{answers, parameters},
    problem::Problem,
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(read))
}

/// `?tenant &since &until`
struct Asked {
    tenant: Option<String>,
    accepted: Span,
}

impl FromParameters for Asked {
    fn read(parameters: &mut Parameters) -> Self {
        Self { tenant: parameters.text("tenant", is_tenant), accepted: parameters.span() }
    }
}

/// The ledger
///
/// `accepted = unrouted + duplicate + unmatched + routed`, and `owed = pending + delivered + dead + cancelled`. What
/// retention has dropped counts by whole UTC days.
#[utoipa::path(
    get, path = "/v1/ledger", operation_id = "ledger", tag = "ledger",
    params(parameters::Ledger),
    responses(
        (status = 200, description = "Every count of one moment.", body = answers::Ledger),
    ),
    security(("token" = ["read"])),
)]
async fn read(
    State(api): State<Api>,
    Reader(access): Reader,
    Query(Asked { tenant, accepted }): Query<Asked>,
) -> Result<Json<Ledger>, Problem> {
    let tenant = access.listed(tenant)?;
    Ok(Json(api.engine.ledger(tenant.as_deref(), accepted).await?))
}

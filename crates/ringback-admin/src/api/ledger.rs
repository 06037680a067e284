//! `/v1/ledger`: what was accepted and what became of it; it must balance.

use axum::{Json, Router, extract::State, routing::get};
use ringback::{
    event::is_tenant,
    store::{Ledger, Span},
};

use super::Api;
use crate::{
    auth::Reader,
    extract::{FromParameters, Parameters, Query},
    problem::Problem,
};

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/v1/ledger", get(read))
}

/// `?tenant &since &until`
struct Asked {
    tenant: Option<String>,
    accepted: Span,
}

impl FromParameters for Asked {
    fn read(parameters: &mut Parameters) -> Self {
        Self {
            tenant: parameters.text("tenant", is_tenant),
            accepted: Span { since: parameters.parsed("since"), until: parameters.parsed("until") },
        }
    }
}

async fn read(
    State(api): State<Api>,
    Reader(access): Reader,
    Query(Asked { tenant, accepted }): Query<Asked>,
) -> Result<Json<Ledger>, Problem> {
    let tenant = access.listed(tenant)?;
    Ok(Json(api.store().ledger(tenant.as_deref(), accepted).await?))
}

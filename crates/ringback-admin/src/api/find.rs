//! `/v1/find`: what a key or an id stands for.

use axum::{Json, extract::State};
use ringback::event::is_tenant;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Api;
use crate::{
    auth::Reader,
    extract::{FromParameters, Parameters, Query},
    openapi::parameters,
    problem::Problem,
    view::Found,
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(find))
}

/// Longest text that is looked for, in characters: no key is longer.
const CHARS_MAX: usize = 1_024;

/// `?q &tenant`
struct Asked {
    text: Option<String>,
    tenant: Option<String>,
}

impl FromParameters for Asked {
    fn read(parameters: &mut Parameters) -> Self {
        let is_sought = |text: &str| !text.is_empty() && text.chars().count() <= CHARS_MAX;
        Self { text: parameters.must_have("q", is_sought), tenant: parameters.text("tenant", is_tenant) }
    }
}

/// Find what a key or an id stands for
///
/// An id of an event, a delivery, an endpoint or a replay; the key of events; or, if no event has that key, the beginning
/// of keys. If nothing is found, `nearest` has the keys that stand beside it.
#[utoipa::path(
    get, path = "/v1/find", operation_id = "find", tag = "find",
    params(parameters::Find),
    responses(
        (status = 200, description = "What was found; nothing, if `items` is empty.", body = Found),
    ),
    security(("token" = ["read"])),
)]
async fn find(
    State(api): State<Api>,
    Reader(access): Reader,
    Query(Asked { text, tenant }): Query<Asked>,
) -> Result<Json<Found>, Problem> {
    let tenant = access.listed(tenant)?;
    let text = text.unwrap_or_default();
    let found = api.engine.find(&text, tenant.as_deref()).await?;
    Ok(Json(Found::of(&api, found).await?))
}

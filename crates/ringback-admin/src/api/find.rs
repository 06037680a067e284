//! `/v1/find`: what a key or an id stands for.

use axum::{Json, extract::State};
use ringback::{event::is_tenant, operate::find::Sought};
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

/// `?q &tenant`
struct Asked {
    text: Option<String>,
    tenant: Option<String>,
}

impl FromParameters for Asked {
    fn read(parameters: &mut Parameters) -> Self {
        Self {
            text: parameters.must_have("q", |text| Sought::of(text).is_some()),
            tenant: parameters.text("tenant", is_tenant),
        }
    }
}

/// Find what a key or an id stands for
///
/// An id of an event (which is the `webhook-id` of its requests), a delivery, an endpoint or a replay; the key or the
/// idempotency key of events, the latter as long as it holds them; or, if no event has such a key, the beginning of keys. If
/// nothing is found, `nearest` has the keys that stand beside it. Without `tenant`, an idempotency key is looked for under the
/// first 10,000 pairs of tenant and type.
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

//! Looking endpoints up.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::header;
use ringback::{endpoint::Endpoint, event::is_tenant, id::EndpointId};

use crate::{
    api::Api,
    auth::{Access, Reader},
    cursor::Paging,
    extract::{FromParameters, Id, Parameters, Query, etag},
    openapi::{parameters, values},
    problem::Problem,
    view::{self, List},
};

/// The list's name in its cursors.
const LIST: &str = "endpoints";

/// `?tenant &limit &cursor`
pub(crate) struct Asked {
    tenant: Option<String>,
    paging: Paging,
}

impl FromParameters for Asked {
    fn read(parameters: &mut Parameters) -> Self {
        Self { tenant: parameters.text("tenant", is_tenant), paging: Paging::read(parameters) }
    }
}

/// List endpoints
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/endpoints", operation_id = "list_endpoints", tag = "endpoints",
    params(parameters::OfTenant, parameters::Paging),
    responses(
        (status = 200, description = "A page.", body = List<view::Endpoint>),
    ),
    security(("token" = ["read"])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    Reader(access): Reader,
    Query(asked): Query<Asked>,
) -> Result<Json<List<view::Endpoint>>, Problem> {
    let (endpoints, next_cursor) = asked.page(&api, &access).await?;
    let health = api.engine.health(&endpoints.iter().collect::<Vec<_>>()).await?;
    let items = endpoints.iter().zip(health).map(|(endpoint, health)| view::Endpoint::with(endpoint, Some(health)));
    Ok(Json(List { items: items.collect(), next_cursor }))
}

impl Asked {
    /// The page that is asked for, and the cursor of the next.
    pub(crate) async fn page(self, api: &Api, access: &Access) -> Result<(Vec<Endpoint>, Option<String>), Problem> {
        let Self { tenant, paging } = self;
        let tenant = access.listed(tenant)?;
        let before = paging.position(LIST, access, api.keys())?;
        let page = api.engine.endpoints(tenant.as_deref(), before, paging.limit).await?;
        Ok((page.items, page.next.map(|next| paging.cursor(&next, LIST, access, api.keys()))))
    }
}

/// One endpoint
///
/// With how its receiver has done lately.
#[utoipa::path(
    get, path = "/v1/endpoints/{id}", operation_id = "endpoint", tag = "endpoints",
    params(("id" = values::EndpointId, Path)),
    responses(
        (status = 200, description = "The endpoint.", body = view::EndpointWithFigures,
         headers(("ETag" = String, description = "The endpoint's version; `If-Match` takes it."))),
    ),
    security(("token" = ["read"])),
)]
pub(super) async fn one(
    State(api): State<Api>,
    Reader(access): Reader,
    Id(id): Id<EndpointId>,
) -> Result<Response, Problem> {
    let directory = api.engine.directory().await?;
    let endpoint = access.found(directory.endpoint(id), |endpoint| &endpoint.tenant)?;
    let (health, figures) = (api.engine.health_of(endpoint).await?, api.engine.last_day(endpoint).await?);
    let tag = [(header::ETAG, etag(endpoint.version))];
    Ok((tag, Json(view::EndpointWithFigures::of(endpoint, health, figures))).into_response())
}

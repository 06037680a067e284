//! `/v1/deliveries`: listing deliveries, one delivery with its attempts, and sending one again.

mod replay;

use axum::{Json, extract::State};
use ringback::{
    event::{is_key, is_tenant, is_type},
    id::DeliveryId,
    store::{DeliveryFilter, DeliveryRow},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use self::replay::{Again, put_back};
use super::Api;
use crate::{
    auth::{Access, Reader},
    cursor::Paging,
    extract::{FromParameters, Id, Parameters, Query},
    openapi::{parameters, values},
    problem::Problem,
    view::{Delivery, DeliveryWithAttempts, Destinations, List},
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one)).routes(routes!(replay::one))
}

/// The list's name in its cursors.
const LIST: &str = "deliveries";

/// `?tenant &endpoint_id &event_id &type &key &host &status &since &until &limit &cursor`
pub(crate) struct Asked {
    filter: DeliveryFilter,
    host: Option<String>,
    pub(crate) paging: Paging,
}

impl FromParameters for Asked {
    fn read(parameters: &mut Parameters) -> Self {
        let filter = DeliveryFilter {
            tenant: parameters.text("tenant", is_tenant),
            endpoint: parameters.parsed("endpoint_id"),
            event: parameters.parsed("event_id"),
            event_type: parameters.text("type", is_type),
            key: parameters.text("key", is_key),
            host: None,
            status: parameters.word("status"),
            reason: None,
            span: parameters.span(),
        };
        Self { filter, host: parameters.text("host", is_host), paging: Paging::read(parameters) }
    }
}

/// Whether a text may be a host: at most 255 bytes (no name is longer, RFC 1035 §2.3.4), and no character that none has.
pub(super) fn is_host(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && !text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '/')
}

/// List deliveries
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/deliveries", operation_id = "list_deliveries", tag = "deliveries",
    params(parameters::Deliveries, parameters::Paging),
    responses(
        (status = 200, description = "A page.", body = List<Delivery>),
    ),
    security(("token" = ["read"])),
)]
async fn list(
    State(api): State<Api>,
    Reader(access): Reader,
    Query(asked): Query<Asked>,
) -> Result<Json<List<Delivery>>, Problem> {
    let (rows, next_cursor) = asked.page(&api, &access).await?;
    let destinations = Destinations::of(&api.engine, &rows).await?;
    Ok(Json(List { items: rows.iter().map(|row| Delivery::of(row, &destinations)).collect(), next_cursor }))
}

impl Asked {
    /// The page that is asked for, and the cursor of the next.
    pub(crate) async fn page(self, api: &Api, access: &Access) -> Result<(Vec<DeliveryRow>, Option<String>), Problem> {
        let Self { mut filter, host, paging } = self;
        filter.tenant = access.listed(filter.tenant)?;
        if let Some(host) = host {
            filter.host = Some(at_host(api, host, filter.tenant.as_deref()).await?);
        }
        let before = paging.position(LIST, access, api.keys())?;
        let page = api.engine.deliveries(&filter, before, paging.limit).await?;
        Ok((page.items, page.next.map(|next| paging.cursor(&next, LIST, access, api.keys()))))
    }
}

/// A host as URLs write it.
pub(super) fn as_urls_write_it(host: String) -> String {
    url::Host::parse(&host).map_or(host, |host| host.to_string())
}

/// The host as URLs write it, and the endpoints that are there now.
async fn at_host(
    api: &Api,
    host: String,
    tenant: Option<&str>,
) -> Result<(String, Vec<ringback::id::EndpointId>), Problem> {
    let host = as_urls_write_it(host);
    let endpoints = api.engine.directory().await?.at_host(&host, tenant);
    Ok((host, endpoints))
}

/// One delivery
///
/// With every attempt: what was sent and what came back. Credentials read `***`.
#[utoipa::path(
    get, path = "/v1/deliveries/{id}", operation_id = "delivery", tag = "deliveries",
    params(("id" = values::DeliveryId, Path)),
    responses(
        (status = 200, description = "The delivery.", body = DeliveryWithAttempts),
    ),
    security(("token" = ["read"])),
)]
async fn one(
    State(api): State<Api>,
    Reader(access): Reader,
    Id(id): Id<DeliveryId>,
) -> Result<Json<DeliveryWithAttempts>, Problem> {
    let row = find(&api, &access, id).await?;
    shown(&api, &row).await
}

/// A delivery that the caller may know of.
pub(crate) async fn find(api: &Api, access: &Access, id: DeliveryId) -> Result<DeliveryRow, Problem> {
    access.found(api.engine.delivery(id).await?, |row| &row.event.tenant)
}

/// A delivery with its attempts.
pub(super) async fn shown(api: &Api, row: &DeliveryRow) -> Result<Json<DeliveryWithAttempts>, Problem> {
    let attempts = api.engine.attempts(row.id).await?;
    let destinations = Destinations::of(&api.engine, std::slice::from_ref(row)).await?;
    Ok(Json(DeliveryWithAttempts::of(row, &destinations, attempts)))
}

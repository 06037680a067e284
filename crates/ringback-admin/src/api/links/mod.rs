//! `/v1/share` and `/v1/portal-links`: links that open pages without a login. They can be revoked, and end by themselves.

mod request;

use axum::{Json, extract::State};
use http::StatusCode;
use ringback::{
    audit::Actor,
    id::LinkId,
    link::{Link, LinkText, Opens},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Api;
use crate::{
    address::Address,
    auth::{Access, Administrator, Operator},
    extract::{self, Id},
    openapi::{requests, values},
    problem::Problem,
    view::LinkMade,
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(share))
        .routes(routes!(revoke_share))
        .routes(routes!(make_portal_link))
        .routes(routes!(revoke_portal_link))
}

/// Share the evidence of one call
///
/// The answer has a link that shows, without a login, what was sent for one delivery or for all events of one key, when, and
/// what the receiver answered. It shows nothing else and nothing of other tenants; values of payloads and answers, and
/// credentials, are masked. The text of the link is told in this answer alone.
#[utoipa::path(
    post, path = "/v1/share", operation_id = "make_share", tag = "links",
    request_body = requests::NewShare,
    responses(
        (status = 200, description = "The link.", body = LinkMade),
    ),
    security(("token" = ["operator"])),
)]
async fn share(
    State(api): State<Api>,
    Operator(access, by): Operator,
    address: Address,
    extract::Json(asked): extract::Json<request::Share>,
) -> Result<Json<LinkMade>, Problem> {
    let (opens, tenant) = asked.subject(&api, &access).await?;
    let (link, text) = api.engine.create_link(opens, &tenant, asked.expires_in, &by).await?;
    Ok(Json(made(&address, &link, &text)))
}

/// Revoke a link to the evidence of one call
#[utoipa::path(
    delete, path = "/v1/share/{id}", operation_id = "revoke_share", tag = "links",
    params(("id" = values::LinkId, Path)),
    responses(
        (status = 204, description = "It opens nothing any more."),
    ),
    security(("token" = ["operator"])),
)]
async fn revoke_share(
    State(api): State<Api>,
    Operator(access, by): Operator,
    Id(id): Id<LinkId>,
) -> Result<StatusCode, Problem> {
    revoke(&api, &access, id, &by, |opens| !matches!(opens, Opens::Portal(_))).await
}

/// Make a link to a tenant's portal
///
/// The link becomes a session of whoever opens it first, for as long as the link lasts. In it the tenant sees its own
/// endpoints, events and deliveries and, with `manage`, changes endpoints and replays. The text of the link is told in this
/// answer alone.
#[utoipa::path(
    post, path = "/v1/portal-links", operation_id = "make_portal_link", tag = "links",
    request_body = requests::NewPortalLink,
    responses(
        (status = 201, description = "The link.", body = LinkMade),
    ),
    security(("token" = ["admin"])),
)]
async fn make_portal_link(
    State(api): State<Api>,
    Administrator(access, by): Administrator,
    address: Address,
    extract::Json(asked): extract::Json<request::PortalLink>,
) -> Result<(StatusCode, Json<LinkMade>), Problem> {
    let tenant = access.named(Some(asked.tenant))?;
    let (link, text) = api.engine.create_link(Opens::Portal(asked.scope), &tenant, asked.expires_in, &by).await?;
    Ok((StatusCode::CREATED, Json(made(&address, &link, &text))))
}

/// Revoke a link to a portal
///
/// The session that was made of it ends at once.
#[utoipa::path(
    delete, path = "/v1/portal-links/{id}", operation_id = "revoke_portal_link", tag = "links",
    params(("id" = values::LinkId, Path)),
    responses(
        (status = 204, description = "It opens nothing any more."),
    ),
    security(("token" = ["admin"])),
)]
async fn revoke_portal_link(
    State(api): State<Api>,
    Administrator(access, by): Administrator,
    Id(id): Id<LinkId>,
) -> Result<StatusCode, Problem> {
    revoke(&api, &access, id, &by, |opens| matches!(opens, Opens::Portal(_))).await
}

/// A link with its URL.
pub(crate) fn made(address: &Address, link: &Link, text: &LinkText) -> LinkMade {
    let page = match link.opens {
        Opens::Delivery(_) | Opens::KeyOf(_) => "/share",
        Opens::Portal(_) => "/portal/open",
    };
    LinkMade { id: link.id, url: address.of(&format!("{page}/{}", text.expose())), expires_at: link.expires_at }
}

/// Revokes a link of the right kind.
///
/// # Errors
/// 404 if the caller may not know of it, it is of the other kind, or it was revoked before.
pub(crate) async fn revoke(
    api: &Api,
    access: &Access,
    id: LinkId,
    by: &Actor,
    is_meant: impl Fn(Opens) -> bool,
) -> Result<StatusCode, Problem> {
    let link = api.engine.link(id).await?.filter(|link| is_meant(link.opens));
    let link = access.found(link, |link| &link.tenant)?;
    let is_revoked = api.engine.revoke_link(&link, by).await?;
    is_revoked.then_some(StatusCode::NO_CONTENT).ok_or_else(Problem::not_found)
}

//! A session of the portal: the link that became it, sealed into a cookie.
//!
//! The link is asked with every request: once it is revoked or expired, so is the session, on every node.
//!
//! Why a cookie and not a session in the path: a path stands in the browser's history, in logs of proxies and in what people
//! copy for each other, and each copy would be the session. The cookie is `SameSite=None; Secure; Partitioned` where sites
//! may frame the portal: so it is kept in a frame, apart for each site that frames it, and no other site can use it. Where
//! nobody may frame it, it is `SameSite=Lax`, which a link in a mail still opens.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderValue, request::Parts};
use ringback::{
    audit::{Actor, Who},
    id::LinkId,
    link::{Link, Opens, PortalScope},
    seal::MasterKeys,
    time::Timestamp,
};

use super::Look;
use crate::{
    api::Api,
    auth::{Access, Scope},
    dashboard::{
        cookie::{self, Kind},
        origin,
    },
    problem::Problem,
    request_id,
};

/// What sessions are sealed for.
const CONTEXT: &str = "portal-session";

/// What a session of the portal allows now, with the text of its cookie.
pub(in crate::dashboard) struct Admitted {
    pub(in crate::dashboard) cookie: String,
    pub(in crate::dashboard) access: Access,
    pub(in crate::dashboard) by: Actor,
    pub(in crate::dashboard) link: LinkId,
}

/// The session that a request shows, if its link is valid.
///
/// # Errors
/// The store's failure.
pub(in crate::dashboard) async fn admit(api: &Api, request: &Parts) -> Result<Option<Admitted>, Problem> {
    let shown = cookie::shown(request, Kind::Portal);
    let Some((cookie, id)) = shown.filter_map(|cookie| Some((cookie, open(cookie, api.keys())?))).next() else {
        return Ok(None);
    };
    let link = api.engine.valid_link(id).await?;
    Ok(link.and_then(|link| {
        let Opens::Portal(scope) = link.opens else { return None };
        Some(Admitted { cookie: cookie.to_owned(), access: access(scope, &link), by: actor(id), link: id })
    }))
}

/// Who does what is done in a session.
pub(super) fn actor(id: LinkId) -> Actor {
    Actor { who: Who::Link(id), request_id: request_id::current() }
}

/// Never more than the one tenant.
fn access(scope: PortalScope, link: &Link) -> Access {
    let scope = match scope {
        PortalScope::View => Scope::Read,
        PortalScope::Manage => Scope::Admin,
    };
    Access { scope, tenant: Some(link.tenant.clone()) }
}

/// The header that stores the session of a link in the browser, for as long as the link lasts.
pub(super) fn kept(api: &Api, request: &Parts, link: &Link, look: &Look) -> Option<HeaderValue> {
    let session = URL_SAFE_NO_PAD.encode(api.keys().seal(link.id.uuid().as_bytes(), CONTEXT));
    let is_public_https = api.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
    // Browsers take a secure cookie of this machine over plain HTTP, too, and in a frame they take no other.
    let is_secure = origin::is_secure(request) || is_public_https || look.is_framed;
    let seconds = link.expires_at.since(Timestamp::now()).as_secs();
    cookie::kept_for_portal(request, is_secure, look.is_framed, &session, seconds)
}

fn open(cookie: &str, keys: &MasterKeys) -> Option<LinkId> {
    let sealed = URL_SAFE_NO_PAD.decode(cookie).ok()?;
    let id = keys.open(&sealed, CONTEXT).ok()?;
    Some(LinkId::from_uuid(uuid::Uuid::from_slice(&id).ok()?))
}

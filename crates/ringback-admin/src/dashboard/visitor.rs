//! The visitor of a page: a person with a session whose token may read, or whom the host application has let in; and in the
//! portal, whoever came by a link.

use askama::Template;
use axum::{
    extract::FromRequestParts,
    response::{IntoResponse as _, Redirect, Response},
};
use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use ringback::{audit::Actor, id::LinkId, time::Timestamp};

use super::{
    cookie,
    frame::Frame,
    mount::Mount,
    origin,
    pages::login,
    portal,
    refusal::{Refusal, rendered},
    session::{self, Session},
};
use crate::{
    api::Api,
    auth::{Access, Admission, Permission, admit},
    problem::Problem,
};

/// A person who may read pages.
pub(super) struct Visitor {
    pub(super) access: Access,
    /// Who they are, for the audit log.
    pub(super) by: Actor,
    pub(super) mount: Mount,
    /// The path of the page.
    here: String,
    /// The page can be asked for again: it is no answer to a form.
    is_get: bool,
    /// How they got in.
    pub(super) way_in: WayIn,
}

/// How a visitor got in.
pub(super) enum WayIn {
    /// The host application lets people in.
    Host,
    /// By a token: the text of the cookie, and the session.
    Session(String, Session),
    /// Into the portal: the text of the cookie, and the link that became the session.
    Link(String, LinkId),
}

impl Visitor {
    /// The frame of a page for them.
    pub(super) fn frame(&self, api: &Api) -> Frame {
        let may_leave = !matches!(self.way_in, WayIn::Host);
        let mount = self.mount.clone();
        let frame = Frame::inside(mount, api.keys(), &self.access, self.cookie(), may_leave, &self.here);
        if self.is_get { frame.following() } else { frame }
    }

    /// # Errors
    /// 403, unless the visitor may administer everything: with `otherwise`, or because they are bound to a tenant, and are
    /// not to learn of the others'.
    pub(super) fn must_administer_all(&self, otherwise: &str) -> Result<(), Problem> {
        self.must(Permission::Administer, otherwise)?;
        if self.access.tenant.is_some() { Err(Problem::forbidden()) } else { Ok(()) }
    }

    /// The session as its cookie holds it.
    pub(super) fn cookie(&self) -> Option<&str> {
        match &self.way_in {
            WayIn::Host => None,
            WayIn::Session(cookie, _) | WayIn::Link(cookie, _) => Some(cookie),
        }
    }

    /// # Errors
    /// 403 with `otherwise`, if the visitor may not do this.
    pub(super) fn must(&self, permission: Permission, otherwise: &str) -> Result<(), Problem> {
        if self.access.may(permission) {
            return Ok(());
        }
        Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", otherwise))
    }

    /// A page, or the one that says why there is none.
    pub(super) fn shown(&self, page: Result<impl Template, Problem>) -> Response {
        page.map_or_else(|problem| self.refused(problem), |page| rendered(&page))
    }

    /// The page that says why a request was refused.
    pub(super) fn refused(&self, problem: impl Into<Problem>) -> Response {
        Refusal::from(problem.into()).at(self.mount.clone())
    }
}

impl FromRequestParts<Api> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Response> {
        let mount = Mount::of(parts);
        let (here, is_get) = (parts.uri.path().to_owned(), parts.method == Method::GET);
        if mount.portal.is_some() {
            return of_portal(api, parts, mount).await;
        }
        if matches!(api.admission, Admission::TrustingHost) {
            let admitted = admit(api, parts, Permission::Read).await;
            let (access, by) = admitted.map_err(|problem| Refusal::from(problem).at(mount.clone()))?;
            return Ok(Self { access, by, mount, here, is_get, way_in: WayIn::Host });
        }
        let Some((cookie, session)) = session::shown(parts, api.keys(), Timestamp::now()) else {
            return Err(outside(parts, &mount));
        };
        match session.admit(api).await {
            Ok((access, by)) => {
                Ok(Self { access, by, mount, here, is_get, way_in: WayIn::Session(cookie.to_owned(), session) })
            }
            Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => Err(ended(parts, &mount)),
            Err(problem) => Err(Refusal::from(problem).at(mount)),
        }
    }
}

/// A visitor of the portal. Nothing but a link opens it: no token, and no host application.
async fn of_portal(api: &Api, parts: &Parts, mount: Mount) -> Result<Visitor, Response> {
    match portal::session::admit(api, parts).await {
        Ok(Some(portal::session::Admitted { cookie, access, by, link })) => {
            let (here, is_get) = (parts.uri.path().to_owned(), parts.method == Method::GET);
            Ok(Visitor { access, by, mount, here, is_get, way_in: WayIn::Link(cookie, link) })
        }
        Ok(None) => {
            let what_to_do = "A link opens it, once in each browser, and has expired or was not used here. Ask whoever sent \
                              it to you for a new one.";
            Err(Refusal::new(StatusCode::UNAUTHORIZED, "Nobody is let in here", what_to_do).without_home().at(mount))
        }
        Err(problem) => Err(Refusal::from(problem).without_home().at(mount)),
    }
}

/// Redirects to the login. But if the visitor comes by a link from another site, browsers do not send the cookie: then
/// a page that reloads itself is sent first. The reload comes from this site, so it has the cookie. So a link in a chat
/// opens the page and not the login.
fn outside(request: &Parts, mount: &Mount) -> Response {
    let from_elsewhere = origin::text(&request.headers, "sec-fetch-site").is_some_and(|site| site.ends_with("-site"));
    let here = request.uri.path_and_query().map_or("/", |it| it.as_str());
    if request.method == Method::GET && from_elsewhere {
        let refresh = HeaderValue::from_str(&format!("0; url={}", mount.to(here)));
        return ([(header::REFRESH, refresh.unwrap_or(HeaderValue::from_static("0")))], "").into_response();
    }
    Redirect::to(&mount.to(&login::link(here, false))).into_response()
}

/// Redirects to the login, which says that the session has ended.
fn ended(request: &Parts, mount: &Mount) -> Response {
    let mut response =
        Redirect::to(&mount.to(&login::link(request.uri.path_and_query().map_or("/", |it| it.as_str()), true)))
            .into_response();
    for cookie in cookie::forgotten(request) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

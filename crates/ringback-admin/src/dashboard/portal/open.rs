//! `GET /portal/open/{link}`: a link becomes a session.
//!
//! It is the one GET that changes something: it uses the link up, so that a link that is found later in a mailbox, a history
//! or a log opens nothing. Browsers that only look ahead are sent away before.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{OriginalUri, Path, State},
    http::request::Parts,
    response::{IntoResponse as _, Redirect, Response},
};
use http::{HeaderValue, StatusCode, header};
use ringback::link::Opens;

use super::{Look, session};
use crate::{
    api::Api,
    dashboard::{
        by_link::{self, Opened},
        mount::Mount,
        origin,
        refusal::Refusal,
    },
    problem::Problem,
};

/// `GET /portal/open/{link}`
pub(in crate::dashboard) async fn show(
    State(api): State<Api>,
    Extension(look): Extension<Arc<Look>>,
    mount: Mount,
    Path(text): Path<String>,
    parts: Parts,
) -> Response {
    if origin::text(&parts.headers, "sec-purpose").is_some_and(|purpose| purpose.starts_with("prefetch")) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let mut response = match exchange(&api, &look, &mount, &text, &parts).await {
        Ok(response) => response,
        Err(problem) => Refusal::from(problem).without_home().at(mount),
    };
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

async fn exchange(api: &Api, look: &Look, mount: &Mount, text: &str, parts: &Parts) -> Result<Response, Problem> {
    let link = match by_link::open(api, parts, text).await {
        Opened::Link(link) if matches!(link.opens, Opens::Portal(_)) => link,
        Opened::Link(_) => return Ok(by_link::nothing(mount.clone())),
        Opened::Refused(response) => return Ok(response),
    };
    let home = Redirect::to(&mount.home());
    // Who opens the same link again in the same browser is in already.
    if session::admit(api, parts).await?.is_some_and(|admitted| admitted.link == link.id) {
        return Ok(home.into_response());
    }
    if !api.engine.open_link(&link, &session::actor(link.id)).await? {
        return Ok(by_link::nothing(mount.clone()));
    }
    let mut response = home.into_response();
    let cookie = session::kept(api, parts, &link, look);
    response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(response)
}

/// `GET /portal/`
pub(in crate::dashboard) async fn home(parts: Parts) -> Redirect {
    let whole = parts.extensions.get::<OriginalUri>().map_or(parts.uri.path(), |OriginalUri(uri)| uri.path());
    Redirect::to(whole.trim_end_matches('/'))
}

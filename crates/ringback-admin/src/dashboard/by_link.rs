//! Opening a link: it is looked up by its id, and its text is compared in a time that does not depend on how much of it is
//! right. Links that are wrong, expired or revoked cannot be told apart, and are counted by the address that shows them.

use std::time::Instant;

use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header, request::Parts};
use ringback::link::{Link, LinkText};
use subtle::ConstantTimeEq as _;

use super::{mount::Mount, refusal::Refusal};
use crate::{api::Api, problem::Problem};

/// What became of a link that was shown.
pub(super) enum Opened {
    Link(Link),
    /// The page that says that it opens nothing, or that there were too many such.
    Refused(Response),
}

/// The link with this text, if it is valid.
pub(super) async fn open(api: &Api, request: &Parts, text: &str) -> Opened {
    let mount = Mount::of(request);
    match find(api, text).await {
        Ok(Some(link)) => Opened::Link(link),
        Ok(None) => Opened::Refused(match api.failed_links.count(api.proxies.sender(request), Instant::now()) {
            Ok(()) => nothing(mount),
            Err(wait) => {
                let seconds = wait.as_secs() + 1;
                let what_to_do = format!("Too many links from your address opened nothing. Try again in {seconds} s.");
                let page = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "Too many attempts", what_to_do);
                let page = page.without_home().at(mount);
                ([(header::RETRY_AFTER, seconds.to_string())], page).into_response()
            }
        }),
        Err(problem) => Opened::Refused(Refusal::from(problem).without_home().at(mount)),
    }
}

async fn find(api: &Api, text: &str) -> Result<Option<Link>, Problem> {
    let Ok(shown) = text.parse::<LinkText>() else { return Ok(None) };
    let link = api.engine.valid_link(shown.id()).await?;
    Ok(link.filter(|link| link.digest.ct_eq(&shown.digest()).into()))
}

/// The page for every link that opens nothing.
pub(super) fn nothing(mount: Mount) -> Response {
    let what_to_do = "The link has expired, was used before, was revoked, or was never one. Ask whoever sent it to you for a new one.";
    Refusal::new(StatusCode::NOT_FOUND, "This link opens nothing", what_to_do).without_home().at(mount)
}

//! The address under which browsers reach this router, for links that leave it.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::{api::Api, dashboard::Mount};

/// A URL without a slash at its end: scheme, host and the path under which the router is mounted.
///
/// It is the configured one, or the one that the request itself came to. A caller who may make links may name any host in
/// that case, and gets a link to it; nobody else sees that link.
pub(crate) struct Address(String);

impl Address {
    /// The URL of a page, which begins with a slash.
    pub(crate) fn of(&self, page: &str) -> String {
        format!("{}{page}", self.0)
    }
}

impl FromRequestParts<Api> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Infallible> {
        let mount = Mount::of(parts);
        if let Some(public_url) = &api.public_url {
            return Ok(Self(format!("{public_url}{mount}")));
        }
        let named = || parts.headers.get(http::header::HOST)?.to_str().ok();
        let host = named().or_else(|| parts.uri.authority().map(|it| it.as_str())).unwrap_or("localhost");
        let https = api.proxies.way(parts).https.unwrap_or(parts.uri.scheme_str() == Some("https"));
        let scheme = if https { "https" } else { "http" };
        Ok(Self(format!("{scheme}://{host}{mount}")))
    }
}

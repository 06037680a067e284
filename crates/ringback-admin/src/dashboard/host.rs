//! The host names under which pages are answered. A page on the internet can make its own name resolve to 127.0.0.1,
//! and then send requests to a server on this machine as if it were its own (DNS rebinding); requests under such a name
//! are refused.
//!
//! The first protection against such a page is the session's cookie, which browsers send to no foreign name; this is the
//! second.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{StatusCode, request::Parts};

use super::{mount::Mount, origin, refusal::Refusal};
use crate::sender::{TrustedProxies, Way};

/// Which names are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hosts {
    /// All names: the host application, or the operator of the DNS name, decides.
    Any,
    /// Names of this machine, and any name that comes through a trusted proxy.
    Loopback,
}

/// Refuses a request under a name that is not allowed, and notes for the pages which [`Way`] a request came.
pub(super) async fn check(
    State((hosts, proxies)): State<(Hosts, TrustedProxies)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let way = proxies.way(&parts);
    parts.extensions.insert(way);
    if hosts == Hosts::Loopback && !is_expected(&parts, way) {
        return Refusal::new(
            StatusCode::MISDIRECTED_REQUEST,
            "This server does not go by that name",
            "It listens on this machine alone: open it as localhost or 127.0.0.1. The address of a proxy in front of it \
             must be among trusted_proxies.",
        )
        .at(Mount::of(&parts));
    }
    next.run(Request::from_parts(parts, body)).await
}

/// Whether the request's name is expected. A proxy is recognised by its address, not by a header: a page that made its
/// own name point here can send any header.
fn is_expected(request: &Parts, way: Way) -> bool {
    way.through_proxy || is_loopback(origin::host(request))
}

fn is_loopback(host: &str) -> bool {
    let Ok(url) = url::Url::parse(&format!("http://{host}/")) else { return false };
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_name_for_this_machine_is_not_ours() {
        for ours in ["localhost", "localhost:8080", "127.0.0.1:8080", "127.3.2.1", "[::1]:8080", "ringback.localhost"] {
            assert!(is_loopback(ours), "{ours}");
        }
        for foreign in ["", "evil.example:8080", "localhost.evil.example", "192.0.2.1", "0.0.0.0", "a/b@localhost"] {
            assert!(!is_loopback(foreign), "{foreign}");
        }
    }
}

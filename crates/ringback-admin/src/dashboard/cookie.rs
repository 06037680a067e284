//! The cookies of sessions: not readable by scripts, and not sent with requests from other sites. That of the portal is sent
//! from within the sites that may frame it.

use http::{HeaderValue, header, request::Parts};

use super::{origin, session};

/// Browsers accept a cookie with this prefix only over https, for this host alone, and for all its paths.
const SECURE_PREFIX: &str = "__Host-";

/// Whose session a cookie holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// That of a token, for the dashboard.
    Dashboard,
    /// That of a link, for the portal.
    Portal,
}

/// The session cookies of a request, the one with the secure prefix first.
pub(super) fn shown(request: &Parts, kind: Kind) -> impl Iterator<Item = &str> {
    let pairs = move |name: String| {
        let headers = request.headers.get_all(header::COOKIE).into_iter().filter_map(|header| header.to_str().ok());
        let pairs = headers.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(move |(key, _)| *key == name).map(|(_, value)| value)
    };
    pairs(name(request, kind, true)).chain(pairs(name(request, kind, false)))
}

/// The header that stores a session of the dashboard in the browser.
pub(super) fn kept(request: &Parts, session: &str) -> Option<HeaderValue> {
    written(request, Kind::Dashboard, origin::is_secure(request), "Strict", session, session::LIFETIME.as_secs())
}

/// The header that stores a session of the portal in the browser, which shows it in a frame if sites may frame it.
pub(super) fn kept_for_portal(
    request: &Parts,
    is_secure: bool,
    is_framed: bool,
    session: &str,
    seconds: u64,
) -> Option<HeaderValue> {
    written(request, Kind::Portal, is_secure, of_portal(is_framed), session, seconds)
}

/// The headers that make the browser forget the session of the portal, with and without the secure prefix.
pub(super) fn forgotten_of_portal(request: &Parts, is_framed: bool) -> impl Iterator<Item = HeaderValue> {
    let forgotten = move |secure| written(request, Kind::Portal, secure, of_portal(is_framed), "", 0);
    [true, false].into_iter().filter_map(forgotten)
}

/// Which sites the portal's cookie is sent from.
const fn of_portal(is_framed: bool) -> &'static str {
    if is_framed { "None; Partitioned" } else { "Lax" }
}

/// The headers that make the browser forget the session of the dashboard, with and without the secure prefix.
pub(super) fn forgotten(request: &Parts) -> impl Iterator<Item = HeaderValue> {
    [true, false].into_iter().filter_map(|secure| written(request, Kind::Dashboard, secure, "Strict", "", 0))
}

fn written(
    request: &Parts,
    kind: Kind,
    secure: bool,
    same_site: &str,
    value: &str,
    seconds: u64,
) -> Option<HeaderValue> {
    let name = name(request, kind, secure);
    let secure = if secure { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite={same_site}{secure}");
    HeaderValue::from_str(&cookie).ok()
}

/// The cookie's name. It contains the port, since browsers share cookies between ports: two servers on one machine have two
/// sessions.
fn name(request: &Parts, kind: Kind, secure: bool) -> String {
    let prefix = if secure { SECURE_PREFIX } else { "" };
    let kind = match kind {
        Kind::Dashboard => "session",
        Kind::Portal => "portal",
    };
    let port = origin::host(request).rsplit_once(':').map(|(_, port)| port);
    match port.filter(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(port) => format!("{prefix}ringback-{kind}-{port}"),
        None => format!("{prefix}ringback-{kind}"),
    }
}

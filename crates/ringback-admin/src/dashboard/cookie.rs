//! The cookie of a session: not readable by scripts, and not sent with requests from other sites.

use http::{HeaderValue, header, request::Parts};

use super::{origin, session};

/// Browsers accept a cookie with this prefix only over https, for this host alone, and for all its paths.
const SECURE_PREFIX: &str = "__Host-";

/// The session cookies of a request, the one with the secure prefix first.
pub(super) fn shown(request: &Parts) -> impl Iterator<Item = &str> {
    let pairs = move |name: String| {
        let headers = request.headers.get_all(header::COOKIE).into_iter().filter_map(|header| header.to_str().ok());
        let pairs = headers.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(move |(key, _)| *key == name).map(|(_, value)| value)
    };
    pairs(name(request, true)).chain(pairs(name(request, false)))
}

/// The header that stores a session in the browser.
pub(super) fn kept(request: &Parts, session: &str) -> Option<HeaderValue> {
    written(request, origin::is_secure(request), session, session::LIFETIME.as_secs())
}

/// The headers that make the browser forget the session, with and without the secure prefix.
pub(super) fn forgotten(request: &Parts) -> impl Iterator<Item = HeaderValue> {
    [true, false].into_iter().filter_map(|secure| written(request, secure, "", 0))
}

fn written(request: &Parts, secure: bool, value: &str, seconds: u64) -> Option<HeaderValue> {
    let name = name(request, secure);
    let secure = if secure { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&cookie).ok()
}

/// The cookie's name. It contains the port, since browsers share cookies between ports: two servers on one machine have two
/// sessions.
fn name(request: &Parts, secure: bool) -> String {
    let prefix = if secure { SECURE_PREFIX } else { "" };
    let port = origin::host(request).rsplit_once(':').map(|(_, port)| port);
    match port.filter(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(port) => format!("{prefix}ringback-session-{port}"),
        None => format!("{prefix}ringback-session"),
    }
}

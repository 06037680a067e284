//! A session: the token that somebody logged in with, sealed into a cookie.
//!
//! It is sealed under the master key, so every node takes it, also after a restart, and nobody else can read or make
//! one. The token is asked again with every request: once it is revoked or expired, so is the session.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Request, header, request::Parts};
use ringback::{audit::Actor, seal::MasterKeys, time::Timestamp};
use serde::{Deserialize, Serialize};

use super::cookie;
use crate::{
    api::Api,
    auth::{Access, Permission},
    problem::Problem,
};

/// A working day and a half of one: long enough for a night on call.
pub(super) const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// What sessions are sealed for.
const CONTEXT: &str = "dashboard-session";

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Session {
    token: String,
    /// Microseconds since the epoch.
    until: i64,
}

/// A session for whoever knows this token, as the cookie holds it.
pub(super) fn begin(token: &str, keys: &MasterKeys, now: Timestamp) -> String {
    let session = Session { token: token.to_owned(), until: (now + LIFETIME).micros() };
    let plain = serde_json::to_vec(&session).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(keys.seal(&plain, CONTEXT))
}

/// The session that a request shows, as its cookie holds it, and its token.
pub(super) fn shown<'a>(request: &'a Parts, keys: &MasterKeys, now: Timestamp) -> Option<(&'a str, String)> {
    cookie::shown(request).find_map(|cookie| Some((cookie, open(cookie, keys, now)?)))
}

fn open(cookie: &str, keys: &MasterKeys, now: Timestamp) -> Option<String> {
    let sealed = URL_SAFE_NO_PAD.decode(cookie).ok()?;
    let session: Session = serde_json::from_slice(&keys.open(&sealed, CONTEXT).ok()?).ok()?;
    (now.micros() < session.until).then_some(session.token)
}

/// What the token allows now, as if it had come with a request to the API.
///
/// # Errors
/// When the token is unknown, revoked, expired, or not for looking.
pub(super) async fn admit(api: &Api, token: &str) -> Result<(Access, Actor), Problem> {
    let request = Request::builder().header(header::AUTHORIZATION, format!("Bearer {token}")).body(());
    let (parts, ()) = request.unwrap_or_default().into_parts();
    api.admission.admit(&parts, Permission::Read, &api.tokens).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_after_its_lifetime_and_is_nobody_elses() {
        let keys = || MasterKeys::parse(&MasterKeys::generate_text(), &[]).unwrap();
        let (mine, other, now) = (keys(), keys(), Timestamp::now());
        let cookie = begin("a token", &mine, now);
        assert_eq!(open(&cookie, &mine, now + LIFETIME - Duration::from_secs(1)).as_deref(), Some("a token"));
        assert_eq!(open(&cookie, &mine, now + LIFETIME), None);
        assert_eq!(open(&cookie, &other, now), None);
        assert_eq!(open(&cookie[1..], &mine, now), None);
        assert_eq!(open("", &mine, now), None);
    }
}

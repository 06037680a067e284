//! A session: the token that somebody logged in with, sealed into a cookie.
//!
//! The cookie is sealed under the master key, so every node accepts it, also after a restart, and nobody else can read or
//! make one. The token is checked with every request: once it is revoked or expired, so is the session. A logout ends the
//! session for every copy of the cookie, on every node: the store remembers ended sessions, and is asked with every request.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{StatusCode, request::Parts};
use ringback::{audit::Actor, id::SessionId, seal::MasterKeys, time::Timestamp};
use serde::{Deserialize, Serialize};

use super::cookie;
use crate::{
    api::Api,
    auth::{Access, Permission, admit_token},
    problem::Problem,
};

/// One and a half working days: long enough for a night on call.
pub(super) const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// What sessions are sealed for.
const CONTEXT: &str = "dashboard-session";

/// The sealed contents of the cookie.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Session {
    id: SessionId,
    token: String,
    /// Microseconds since the epoch.
    until: i64,
}

/// A new session of a token, as the text of the cookie.
pub(super) fn begin(token: &str, keys: &MasterKeys, now: Timestamp) -> String {
    let session = Session { id: SessionId::new(now), token: token.to_owned(), until: (now + LIFETIME).micros() };
    let plain = serde_json::to_vec(&session).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(keys.seal(&plain, CONTEXT))
}

/// The session of a request, with the text of its cookie.
pub(super) fn shown<'a>(request: &'a Parts, keys: &MasterKeys, now: Timestamp) -> Option<(&'a str, Session)> {
    cookie::shown(request, cookie::Kind::Dashboard).find_map(|cookie| Some((cookie, open(cookie, keys, now)?)))
}

fn open(cookie: &str, keys: &MasterKeys, now: Timestamp) -> Option<Session> {
    let sealed = URL_SAFE_NO_PAD.decode(cookie).ok()?;
    let session: Session = serde_json::from_slice(&keys.open(&sealed, CONTEXT).ok()?).ok()?;
    (now.micros() < session.until).then_some(session)
}

impl Session {
    /// What the session allows now.
    ///
    /// # Errors
    /// 401 when it was ended or its token is not valid any more; otherwise as [`admit`].
    pub(super) async fn admit(&self, api: &Api) -> Result<(Access, Actor), Problem> {
        if api.engine.is_session_ended(self.id).await? {
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "The session has ended."));
        }
        admit(api, &self.token).await
    }

    /// Ends the session, for every copy of the cookie.
    ///
    /// # Errors
    /// The store's failure; the session then goes on.
    pub(super) async fn end(&self, api: &Api) -> Result<(), Problem> {
        Ok(api.engine.end_session(self.id, Timestamp::from_micros(self.until)).await?)
    }
}

/// What a token allows now, as if it had come with a request to the API.
///
/// # Errors
/// When the token is unknown, revoked, expired, or not for looking.
pub(super) async fn admit(api: &Api, token: &str) -> Result<(Access, Actor), Problem> {
    admit_token(api, token, Permission::Read).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_after_its_lifetime_and_is_nobody_elses() {
        let keys = || MasterKeys::parse(&MasterKeys::generate_text(), &[]).unwrap();
        let (mine, other, now) = (keys(), keys(), Timestamp::now());
        let cookie = begin("a token", &mine, now);
        let open = |cookie: &str, keys: &MasterKeys, now| open(cookie, keys, now).map(|session| session.token);
        assert_eq!(open(&cookie, &mine, now + LIFETIME - Duration::from_secs(1)).as_deref(), Some("a token"));
        assert_eq!(open(&cookie, &mine, now + LIFETIME), None);
        assert_eq!(open(&cookie, &other, now), None);
        assert_eq!(open(&cookie[1..], &mine, now), None);
        assert_eq!(open("", &mine, now), None);
    }
}

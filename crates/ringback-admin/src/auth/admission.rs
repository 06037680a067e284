//! Recognises callers by their bearer tokens, in a time that does not depend on how much of a token is right.

use std::{sync::Arc, time::Instant};

use http::{HeaderValue, StatusCode, header, request::Parts};
use ringback::audit::{Actor, Who};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::access::{Access, Permission};
use crate::{api::Api, problem::Problem, request_id};

/// How callers prove who they are. Given tokens are kept only as SHA-256; tokens in the store are accepted, too.
#[derive(Clone)]
pub(crate) enum Admission {
    Tokens(Arc<[([u8; 32], Access)]>),
    TrustingHost,
}

impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tokens(_) => "Tokens(***)",
            Self::TrustingHost => "TrustingHost",
        })
    }
}

impl Admission {
    pub(crate) fn tokens<T: AsRef<str>>(tokens: impl IntoIterator<Item = (T, Access)>) -> Self {
        Self::Tokens(tokens.into_iter().map(|(token, access)| (digest(token.as_ref()), access)).collect())
    }

    pub(crate) const fn trusting_host() -> Self {
        Self::TrustingHost
    }
}

/// What is believed of a token in the store.
#[derive(Debug, Clone, Copy)]
enum Word {
    /// Only what the store says now.
    OfStore,
    /// If the store does not answer in time, what it said lately.
    LastKnown,
}

/// Who calls, if they have this permission. The token is checked before failures are counted, so that a right token passes,
/// whatever else came from its address.
///
/// # Errors
/// 401 without a known token, 429 once too many were unknown, 403 with one that is for other things; the store's failure.
pub(crate) async fn admit(api: &Api, request: &Parts, permission: Permission) -> Result<(Access, Actor), Problem> {
    admit_by(Word::OfStore, api, request, permission).await
}

/// The same for monitoring, which must be answered while the store is away: a stored token that was valid lately is believed
/// then, and nobody waits for the store for long.
///
/// # Errors
/// As of [`admit`].
pub(crate) async fn admit_monitor(api: &Api, request: &Parts) -> Result<Access, Problem> {
    admit_by(Word::LastKnown, api, request, Permission::Read).await.map(|(access, _)| access)
}

async fn admit_by(word: Word, api: &Api, request: &Parts, permission: Permission) -> Result<(Access, Actor), Problem> {
    let (access, who) = match &api.admission {
        Admission::TrustingHost => {
            let access = request.extensions.get().cloned().unwrap_or_else(Access::everything);
            (access, request.extensions.get().cloned().unwrap_or(Who::Host(None)))
        }
        Admission::Tokens(known) => {
            let shown = bearer(request).ok_or_else(|| unauthorized(r#"Bearer realm="ringback""#))?;
            match find(word, api, known, shown).await? {
                Some(found) => found,
                None => return Err(failed(api, request)),
            }
        }
    };
    actor(access, who, permission)
}

/// What a token allows that came in a session and not in a header. Failures are not counted, since nobody can guess a
/// session.
///
/// # Errors
/// As of [`admit`].
pub(crate) async fn admit_token(api: &Api, token: &str, permission: Permission) -> Result<(Access, Actor), Problem> {
    let known: &[_] = match &api.admission {
        Admission::Tokens(known) => known,
        Admission::TrustingHost => &[],
    };
    match find(Word::OfStore, api, known, token).await? {
        Some((access, who)) => actor(access, who, permission),
        None => Err(unauthorized(UNKNOWN)),
    }
}

fn actor(access: Access, who: Who, permission: Permission) -> Result<(Access, Actor), Problem> {
    if !access.may(permission) {
        return Err(Problem::forbidden());
    }
    Ok((access, Actor { who, request_id: request_id::current() }))
}

/// The token of `Authorization: Bearer …`; the scheme's case does not matter (RFC 9110 §11.1).
fn bearer(request: &Parts) -> Option<&str> {
    let value = request.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The access of a token, be it a given one or one of the store.
async fn find(
    word: Word,
    api: &Api,
    known: &[([u8; 32], Access)],
    shown: &str,
) -> Result<Option<(Access, Who)>, Problem> {
    if let Some(access) = find_given(known, shown) {
        return Ok(Some((access, Who::AdminToken)));
    }
    let stored = match word {
        Word::OfStore => api.tokens.find(shown).await?,
        Word::LastKnown => api.tokens.find_or_recall(shown).await?,
    };
    Ok(stored.map(|token| (Access::of(&token), Who::Token(token.id))))
}

/// Compares with every given token, even after one has matched, so that the time tells nothing.
fn find_given(known: &[([u8; 32], Access)], shown: &str) -> Option<Access> {
    let shown = digest(shown);
    known
        .iter()
        .fold(None, |found, (digest, access)| if digest.ct_eq(&shown).into() { Some(access) } else { found })
        .cloned()
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Counts an unknown token as a failure of the address that it came from.
fn failed(api: &Api, request: &Parts) -> Problem {
    match api.failed_tokens.count(api.proxies.sender(request), Instant::now()) {
        Ok(()) => unauthorized(UNKNOWN),
        Err(wait) => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_failures",
            "Too many bearer tokens from this address were not valid; this one is not either.",
        )
        .with_header(header::RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1)),
    }
}

/// The challenge to a token that was shown and is not valid (RFC 6750 §3.1).
const UNKNOWN: &str = r#"Bearer realm="ringback", error="invalid_token""#;

fn unauthorized(challenge: &'static str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "A valid bearer token is required.")
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

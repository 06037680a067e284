//! Tells callers apart by their bearer token, in a time that does not depend on how much of it is right.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header, request::Parts};
use ringback::audit::{Actor, Who};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{
    access::{Access, Permission},
    tokens::StoredTokens,
};
use crate::{problem::Problem, request_id};

/// How callers prove themselves. Tokens are kept as SHA-256 only; those of the store count beside the given ones.
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

    /// Who calls, if they may do this.
    ///
    /// # Errors
    /// 401 without a known token, 403 with one that is for other things; the store's failure.
    pub(crate) async fn admit(
        &self,
        request: &Parts,
        permission: Permission,
        stored: &StoredTokens,
    ) -> Result<(Access, Actor), Problem> {
        let (access, who) = match self {
            Self::TrustingHost => {
                let access = request.extensions.get().cloned().unwrap_or_else(Access::everything);
                (access, request.extensions.get().copied().unwrap_or(Who::Host))
            }
            Self::Tokens(known) => {
                let shown = bearer(request).ok_or_else(|| unauthorized(r#"Bearer realm="ringback""#))?;
                match find(known, shown) {
                    Some(access) => (access, Who::AdminToken),
                    None => match stored.find(shown).await? {
                        Some(token) => (Access::of(&token), Who::Token(token.id)),
                        None => return Err(unauthorized(r#"Bearer realm="ringback", error="invalid_token""#)),
                    },
                }
            }
        };
        if !access.may(permission) {
            return Err(Problem::forbidden());
        }
        Ok((access, Actor { who, request_id: request_id::current() }))
    }
}

/// The token of `Authorization: Bearer …`; the scheme's case does not matter (RFC 9110 §11.1).
fn bearer(request: &Parts) -> Option<&str> {
    let value = request.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Looks at every known token, whichever fits.
fn find(known: &[([u8; 32], Access)], shown: &str) -> Option<Access> {
    let shown = digest(shown);
    known
        .iter()
        .fold(None, |found, (digest, access)| if digest.ct_eq(&shown).into() { Some(access) } else { found })
        .cloned()
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn unauthorized(challenge: &'static str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "A valid bearer token is required.")
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

//! Credentials, which only the signer may read: stored sealed, never printed.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{ClientTls, Oauth2, SigningKey};
use crate::{time::Timestamp, word::words};

/// A signing secret and the time in which it signs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// The caller's text as given; the scheme's key format says what it means.
    pub text: String,
    /// Signs only from then on; from the beginning if unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Signs only until then; for good if unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Secret {
    /// A secret that signs from now on and for good.
    #[must_use]
    pub const fn lasting(text: String) -> Self {
        Self { text, not_before: None, until: None }
    }

    /// Whether it signs at `now`.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.text);
    }
}

words! {
    /// How a request is authorized, beside its signature.
    AuthType {
        Bearer "bearer": "`Authorization: Bearer …`",
        Basic "basic": "`Authorization: Basic …`",
        ApiKey "api_key": "a header of the receiver's choice",
        Oauth2 "oauth2": "a bearer token that is fetched with a client's credentials",
    }
}

/// Authorization that stands beside the signature.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    /// `Authorization: Bearer …`
    Bearer {
        /// The token.
        token: String,
    },
    /// `Authorization: Basic …`
    Basic {
        /// Without a colon.
        username: String,
        /// May be empty.
        password: String,
    },
    /// A header of the receiver's choice.
    ApiKey {
        /// The header's name.
        header: String,
        /// Its value.
        value: String,
    },
    /// `Authorization: Bearer …` with a token that is fetched first.
    Oauth2(Oauth2),
}

impl Auth {
    /// The name of the header that carries it, as it is written on the wire.
    #[must_use]
    pub fn header(&self) -> &str {
        match self {
            Self::Bearer { .. } | Self::Basic { .. } | Self::Oauth2(_) => "Authorization",
            Self::ApiKey { header, .. } => header,
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer { .. } => "Bearer(***)",
            Self::Basic { .. } => "Basic(***)",
            Self::ApiKey { .. } => "ApiKey(***)",
            Self::Oauth2(_) => "Oauth2(***)",
        })
    }
}

/// Everything of an endpoint or inline destination that is sealed at rest.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Credentials {
    /// Signing secrets, the current one first.
    #[serde(default)]
    pub secrets: Vec<Secret>,
    /// `whsk_` keys of `standard-ed25519`, the current one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signing_keys: Vec<Secret>,
    /// Extra headers; values may hold `{type} {id} {occurred_at} {attempt} {tenant}`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Authorization beside the signature.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// Its own client certificate, and authorities of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<ClientTls>,
}

impl Credentials {
    /// Whether there is anything to sign with.
    #[must_use]
    pub const fn can_sign(&self) -> bool {
        !self.secrets.is_empty() || !self.signing_keys.is_empty()
    }

    /// The `whpk_` text of the current ed25519 key; `None` without one.
    #[must_use]
    pub fn public_key(&self) -> Option<String> {
        SigningKey::parse(&self.signing_keys.first()?.text).map(|key| key.public_text())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("secrets", &self.secrets)
            .field("signing_keys", &self.signing_keys)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("auth", &self.auth)
            .field("tls", &self.tls)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let credentials = Credentials {
            secrets: vec![Secret::lasting("hidden-1".to_owned())],
            signing_keys: vec![Secret::lasting("hidden-2".to_owned())],
            headers: BTreeMap::from([("x-shown".to_owned(), "hidden-3".to_owned())]),
            auth: Some(Auth::Basic { username: "hidden-4".to_owned(), password: "hidden-5".to_owned() }),
            tls: Some(ClientTls { client_certificate: None, client_key: Some("hidden-6".to_owned()), ca: None }),
        };
        let shown = format!("{credentials:#?}");
        assert!(shown.contains("x-shown") && !shown.contains("hidden"), "{shown}");
        for auth in [
            Auth::Bearer { token: "hidden".to_owned() },
            Auth::ApiKey { header: "x-key".to_owned(), value: "hidden".to_owned() },
        ] {
            assert!(!format!("{auth:?}").contains("hidden"));
        }
    }

    #[test]
    fn a_secret_signs_only_within_its_time() {
        let at = Timestamp::from_millis;
        let secret = Secret { text: "x".to_owned(), not_before: Some(at(10)), until: Some(at(20)) };
        assert_eq!([9, 10, 19, 20].map(|ms| secret.is_active(at(ms))), [false, true, true, false]);
    }
}

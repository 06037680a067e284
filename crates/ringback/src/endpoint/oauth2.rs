//! `auth` of the type `oauth2`: where a bearer token is to be had, and with which credentials.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroize as _;

use crate::{egress::Egress, endpoint::TargetUrl, invalid::Invalid, word::words};

/// Most scopes, and the longest of them, in bytes.
const SCOPES_MAX: usize = 32;
const SCOPE_BYTES_MAX: usize = 256;

/// Longest client id, client secret or audience, in bytes.
const TEXT_BYTES_MAX: usize = 4 * 1024;

words! {
    /// Where the client's credentials stand in the request for a token.
    #[derive(Default)]
    ClientAuthentication {
        #[default]
        Basic "basic": "in `Authorization: Basic …`, URL-encoded as RFC 6749 §2.3.1 says",
        Body "body": "in the form, as `client_id` and `client_secret`",
    }
}

/// OAuth 2 client credentials (RFC 6749 §4.4).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oauth2 {
    /// Where tokens are asked for.
    pub token_url: String,
    /// The client's name there.
    pub client_id: String,
    /// Its secret. Never shown.
    pub client_secret: String,
    /// What the token is to permit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Whom the token is for, where the server wants to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Where the credentials stand.
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
}

impl Oauth2 {
    /// The same for the same values, so that tokens are kept apart by it.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let fixed = [&self.token_url, &self.client_id, &self.client_secret, self.audience.as_ref().unwrap_or(&NONE)];
        for text in fixed.into_iter().chain(&self.scopes) {
            hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(text);
        }
        hash.update([u8::from(self.client_authentication == ClientAuthentication::Body)]);
        hash.finalize().into()
    }

    /// Checks all but the URL; pointers begin with `/auth`.
    pub(super) fn check(&self, invalid: &mut Invalid) {
        let audience = self.audience.as_ref().map(|audience| ("audience", audience));
        let texts = [("client_id", &self.client_id), ("client_secret", &self.client_secret)];
        for (name, text) in texts.into_iter().chain(audience) {
            let pointer = format!("/auth/{name}");
            if text.is_empty() {
                invalid.add(pointer, "required", "must not be empty");
            } else if text.len() > TEXT_BYTES_MAX {
                invalid.add(pointer, "too_long", format!("at most {TEXT_BYTES_MAX} bytes are allowed"));
            } else if text.chars().any(char::is_control) {
                invalid.add(pointer, "malformed", "must not hold control characters");
            }
        }
        if self.scopes.len() > SCOPES_MAX {
            invalid.add("/auth/scopes", "too_many", format!("at most {SCOPES_MAX} scopes are allowed"));
        }
        for (index, scope) in self.scopes.iter().take(SCOPES_MAX).enumerate() {
            let is_token = scope.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
            if scope.is_empty() || scope.len() > SCOPE_BYTES_MAX || !is_token {
                let detail = format!(
                    "must be one scope: 1 to {SCOPE_BYTES_MAX} printable ASCII characters without blanks, \" and \\"
                );
                invalid.add(format!("/auth/scopes/{index}"), "malformed", detail);
            }
        }
    }

    /// Checks the URL by the rule for receivers, and keeps it as it is sent.
    pub(super) fn check_url(&mut self, egress: &Egress, invalid: &mut Invalid) {
        match TargetUrl::parse(&self.token_url, egress) {
            Ok((target, _)) => self.token_url = target.url.into(),
            Err(refusal) => {
                let mut found = refusal.findings;
                found.iter_mut().for_each(|finding| "/auth/token_url".clone_into(&mut finding.pointer));
                invalid.absorb("", Invalid { findings: found });
            }
        }
    }
}

static NONE: String = String::new();

impl Drop for Oauth2 {
    fn drop(&mut self) {
        self.client_secret.zeroize();
    }
}

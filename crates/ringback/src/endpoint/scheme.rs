//! How a request is signed, as data: key format, message, digest, encoding, header layout.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::word::words;

/// A built-in scheme by name, or a custom one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    Standard,
    /// Standard Webhooks with an ed25519 `v1a` signature beside `v1`.
    StandardEd25519,
    /// The same as `standard` under `svix-` names.
    Svix,
    /// Hex over the body, keyed with the literal text of the secret.
    Levrage,
    /// Base64 over `/call/call_id` only.
    Synthflow,
    /// Hex over body and milliseconds.
    Retell,
    /// Hex over `{timestamp}.{body}`.
    Elevenlabs,
    /// `sha256=` and hex over the body.
    Github,
    /// Hex over the body.
    PlainHex,
    /// No signature.
    None,
    /// The caller's own.
    #[serde(untagged)]
    Custom(Custom),
}

impl Scheme {
    /// All built-in schemes.
    pub const BUILT_IN: [Self; 10] = [
        Self::Standard,
        Self::StandardEd25519,
        Self::Svix,
        Self::Levrage,
        Self::Synthflow,
        Self::Retell,
        Self::Elevenlabs,
        Self::Github,
        Self::PlainHex,
        Self::None,
    ];

    /// The name of a built-in scheme as JSON has it; `custom` for any other.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::StandardEd25519 => "standard-ed25519",
            Self::Svix => "svix",
            Self::Levrage => "levrage",
            Self::Synthflow => "synthflow",
            Self::Retell => "retell",
            Self::Elevenlabs => "elevenlabs",
            Self::Github => "github",
            Self::PlainHex => "plain-hex",
            Self::None => "none",
            Self::Custom(_) => "custom",
        }
    }

    /// The built-in scheme called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::BUILT_IN.into_iter().find(|scheme| scheme.name() == name)
    }

    /// Whether a request can carry the signatures of several secrets, so that they may overlap.
    #[must_use]
    pub(crate) const fn carries_list(&self) -> bool {
        matches!(self, Self::Standard | Self::StandardEd25519 | Self::Svix | Self::Elevenlabs)
    }
}

/// A scheme that a caller composed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Custom {
    /// What the secret's text means.
    pub key_format: KeyFormat,
    /// A template over `{id} {timestamp} {timestamp_ms} {body} {url} {method} {json:/pointer}`.
    pub message: String,
    /// The hash under the HMAC.
    pub digest: Digest,
    /// How the signature is written.
    pub encoding: Encoding,
    /// Header name to a text with `{signature} {timestamp} {timestamp_ms} {id}`.
    pub headers: BTreeMap<String, String>,
}

words! {
    /// What the text of a secret means. Never guessed.
    KeyFormat {
        Utf8 "utf8": "its bytes as they are",
        Base64 "base64": "standard base64 of the key",
        Hex "hex": "hex of the key",
        Whsec "whsec": "`whsec_` and standard base64 of the key",
    }

    /// The hash under the HMAC.
    Digest {
        Sha256 "sha256": "SHA-256",
        Sha512 "sha512": "SHA-512",
        Sha1 "sha1": "SHA-1, for receivers that know nothing else",
    }

    /// How a signature is written.
    Encoding {
        Hex "hex": "lower-case hex",
        Base64 "base64": "standard base64 with padding",
        Base64url "base64url": "URL-safe base64 without padding",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_json() {
        for scheme in Scheme::BUILT_IN {
            assert_eq!(serde_json::to_value(&scheme).unwrap(), scheme.name());
            assert_eq!(Scheme::named(scheme.name()), Some(scheme.clone()));
            assert_eq!(serde_json::from_value::<Scheme>(scheme.name().into()).unwrap(), scheme);
        }
    }
}

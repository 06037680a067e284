//! What a scheme requires of a secret, and what the secret's text means. The scheme decides both; nothing is guessed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{KeyFormat, Scheme, SigningKey, recipe::Recipe};
use crate::invalid::Warning;

/// Longest secret, in bytes of its text.
const SECRET_BYTES_MAX: usize = 512;

/// Bytes of a generated secret: the least that Standard Webhooks allows, and its base64 has no `=` that could be lost.
const GENERATED_BYTES: usize = 24;

/// Fewest bytes of a key that Standard Webhooks allows (*Signature scheme*, 24 to 64 bytes): a shorter one can be guessed.
const KEY_BYTES_MIN: usize = 24;

/// The prefix of a Standard Webhooks secret.
const WHSEC: &str = "whsec_";

/// What a scheme does without a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecretRule {
    /// A secret is generated.
    Generated,
    /// The caller must give one.
    Required,
    /// The scheme works without a secret: then nothing is signed.
    Optional,
    /// The scheme signs nothing, so it takes no secret.
    Unused,
}

/// Why a text cannot be the secret of a scheme. Never contains the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// Empty or too long.
    #[error("must have 1 to {SECRET_BYTES_MAX} bytes")]
    Length,
    /// The scheme signs nothing.
    #[error("is given, but scheme `none` signs nothing: name a scheme, or leave the secret out")]
    Unused,
    /// The scheme wants base64.
    #[error("must be standard base64 with padding")]
    NotBase64,
    /// The scheme wants hex.
    #[error("must be hex digits, two a byte")]
    NotHex,
    /// The scheme wants `whsec_` and base64.
    #[error("must be `whsec_` and standard base64 with padding; the scheme decodes it and does not take other text")]
    NotWhsec,
    /// The text begins like an ed25519 key, but is none.
    #[error("must be `whsk_` and standard base64 of an ed25519 seed of 32 bytes, or of the seed and its public key")]
    NotWhsk,
}

impl Scheme {
    /// What happens without a secret.
    #[must_use]
    pub(crate) const fn secret_rule(&self) -> SecretRule {
        match self {
            Self::Standard | Self::StandardEd25519 | Self::Svix => SecretRule::Generated,
            Self::Levrage => SecretRule::Optional,
            Self::None => SecretRule::Unused,
            _ => SecretRule::Required,
        }
    }

    /// What the text of this scheme's secret means; `None` if it has none.
    #[must_use]
    pub const fn key_format(&self) -> Option<KeyFormat> {
        match self {
            Self::Standard | Self::StandardEd25519 | Self::Svix => Some(KeyFormat::Whsec),
            Self::None => None,
            Self::Custom(custom) => Some(custom.key_format),
            _ => Some(KeyFormat::Utf8),
        }
    }

    /// Whether the signed message contains the payload's bytes.
    #[must_use]
    pub(crate) fn signs_body(&self) -> bool {
        Recipe::of(self).ok().flatten().is_some_and(|recipe| recipe.signs_body())
    }

    /// Whether `text` can be this scheme's secret.
    ///
    /// # Errors
    /// Why not; may be shown to the caller.
    pub(crate) fn check_secret(&self, text: &str) -> Result<(), SecretError> {
        if text.is_empty() || text.len() > SECRET_BYTES_MAX {
            return Err(SecretError::Length);
        }
        if *self == Self::StandardEd25519 && SigningKey::is_meant(text) {
            return SigningKey::parse(text).map(drop).ok_or(SecretError::NotWhsk);
        }
        self.key_format().ok_or(SecretError::Unused)?.key(text).map(drop)
    }

    /// Probable mistakes in a secret that the scheme accepts, with pointers to `/secret`.
    #[must_use]
    pub(crate) fn secret_warnings(&self, text: &str) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |code, detail: &str| {
            warnings.push(Warning { code, pointer: "/secret".to_owned(), detail: detail.to_owned() });
        };
        let is_signing_key = *self == Self::StandardEd25519 && SigningKey::is_meant(text);
        let decoded = self.key_format().filter(|format| *format != KeyFormat::Utf8 && !is_signing_key);
        let bytes = decoded.and_then(|format| format.key(text).ok()).map(|key| key.len());
        if bytes.is_some_and(|bytes| bytes < KEY_BYTES_MIN) {
            let detail =
                format!("stands for fewer than {KEY_BYTES_MIN} bytes, which can be guessed from one signature");
            warn("secret_short", &detail);
        }
        if text.trim() != text {
            warn("secret_white_space", "begins or ends with white space, which is part of the secret");
        }
        warnings
    }

    /// A new secret for a scheme that generates its own.
    #[must_use]
    pub(crate) fn generate_secret(&self) -> Option<String> {
        (self.secret_rule() == SecretRule::Generated).then(|| {
            let bytes = Zeroizing::new(rand::random::<[u8; GENERATED_BYTES]>());
            format!("{WHSEC}{}", STANDARD.encode(*bytes))
        })
    }
}

impl KeyFormat {
    /// The HMAC key that a secret's text stands for.
    pub(crate) fn key(self, text: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let key = match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Base64 => STANDARD.decode(text).map_err(|_| SecretError::NotBase64)?,
            Self::Hex => hex::decode(text).map_err(|_| SecretError::NotHex)?,
            Self::Whsec => decode_whsec(text).ok_or(SecretError::NotWhsec)?,
        };
        if key.is_empty() { Err(SecretError::Length) } else { Ok(Zeroizing::new(key)) }
    }
}

fn decode_whsec(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.strip_prefix(WHSEC)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whsec_text_is_what_the_scheme_says_it_is() {
        let text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        assert_eq!(KeyFormat::Whsec.key(text).unwrap().len(), 24);
        assert_eq!(KeyFormat::Utf8.key(text).unwrap().as_slice(), text.as_bytes());
        assert_eq!(Scheme::Levrage.check_secret(text), Ok(()));
        assert_eq!(Scheme::Svix.check_secret(text), Ok(()));
    }

    #[test]
    fn what_does_not_decode_is_refused_and_never_taken_literally() {
        for text in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_your_secret_key", "whsec_", "whsec_AAA", "whsec_AA-_"] {
            assert!(Scheme::Standard.check_secret(text).is_err(), "{text}");
            assert_eq!(Scheme::Levrage.check_secret(text), Ok(()), "{text}");
        }
        assert_eq!(KeyFormat::Hex.key("0g").err(), Some(SecretError::NotHex));
        assert_eq!(KeyFormat::Hex.key("0aF0").unwrap().as_slice(), [0x0a, 0xf0]);
        assert_eq!(KeyFormat::Base64.key("AAA").err(), Some(SecretError::NotBase64));
    }

    #[test]
    fn short_keys_and_white_space_are_told() {
        let codes = |scheme: &Scheme, text: &str| -> Vec<_> {
            assert_eq!(scheme.check_secret(text), Ok(()), "{text:?}");
            scheme.secret_warnings(text).into_iter().map(|warning| warning.code).collect()
        };
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        for scheme in [Scheme::Standard, Scheme::StandardEd25519, Scheme::Svix] {
            assert_eq!(codes(&scheme, &of(23)), ["secret_short"], "{scheme:?}");
            assert_eq!(codes(&scheme, &of(1)), ["secret_short"], "{scheme:?}");
            assert!(codes(&scheme, &of(24)).is_empty(), "{scheme:?}");
        }
        // Text that is the key itself has any length that its vendor gives it.
        for scheme in Scheme::BUILT_IN.iter().filter(|scheme| scheme.key_format() == Some(KeyFormat::Utf8)) {
            assert!(codes(scheme, "short").is_empty(), "{scheme:?}");
            for text in [" secret", "secret\n", "\tsecret ", "secret\u{a0}"] {
                assert_eq!(codes(scheme, text), ["secret_white_space"], "{scheme:?} {text:?}");
            }
        }
    }

    #[test]
    fn length_is_1_to_512_bytes() {
        assert_eq!(Scheme::Levrage.check_secret(""), Err(SecretError::Length));
        assert_eq!(Scheme::Levrage.check_secret(&"\u{e4}".repeat(256)), Ok(()));
        assert_eq!(Scheme::Levrage.check_secret(&"\u{e4}".repeat(257)), Err(SecretError::Length));
    }

    #[test]
    fn generated_secrets_are_accepted_by_their_scheme() {
        for scheme in Scheme::BUILT_IN {
            match scheme.generate_secret() {
                Some(text) => {
                    assert_eq!(scheme.check_secret(&text), Ok(()), "{scheme:?}");
                    assert_eq!(text.len(), WHSEC.len() + 32);
                    assert_ne!(Some(text), scheme.generate_secret());
                }
                None => assert_ne!(scheme.secret_rule(), SecretRule::Generated, "{scheme:?}"),
            }
        }
    }
}

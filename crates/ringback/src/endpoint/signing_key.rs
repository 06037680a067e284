//! The asymmetric half of `standard-ed25519`: a secret `whsk_` key that is never shown, a public `whpk_` key.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::Signer as _;
use zeroize::Zeroizing;

/// The prefix of a secret key.
const WHSK: &str = "whsk_";

/// The prefix of a public key.
const WHPK: &str = "whpk_";

/// An ed25519 key pair. The inner key is wiped when dropped.
#[derive(Clone)]
pub(crate) struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// A new random key, as text.
    pub(crate) fn generate_text() -> String {
        let seed = Zeroizing::new(rand::random::<[u8; 32]>());
        let pair = ed25519_dalek::SigningKey::from_bytes(&seed);
        format!("{WHSK}{}", STANDARD.encode(*Zeroizing::new(pair.to_keypair_bytes())))
    }

    /// Whether a text is meant to be such a key, right or wrong.
    pub(crate) fn is_meant(text: &str) -> bool {
        text.starts_with(WHSK)
    }

    /// Reads `whsk_` and base64 of a seed, or of seed and public key. A public key that is not the seed's is refused.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(text.strip_prefix(WHSK)?).ok()?);
        if let Ok(seed) = bytes.as_slice().try_into() {
            return Some(Self(ed25519_dalek::SigningKey::from_bytes(seed)));
        }
        let pair = bytes.as_slice().try_into().ok()?;
        ed25519_dalek::SigningKey::from_keypair_bytes(pair).ok().map(Self)
    }

    /// The text that receivers verify with.
    pub(crate) fn public_text(&self) -> String {
        format!("{WHPK}{}", STANDARD.encode(self.0.verifying_key().as_bytes()))
    }

    /// The 64 bytes of a signature.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: &str = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";

    #[test]
    fn the_published_pair_gives_its_public_key() {
        let key = SigningKey::parse(PAIR).unwrap();
        assert_eq!(key.public_text(), "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
        assert_eq!(format!("{key:?}"), "SigningKey(whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=)");
    }

    #[test]
    fn a_seed_alone_is_the_same_key() {
        let bytes = STANDARD.decode(&PAIR[WHSK.len()..]).unwrap();
        let seed = format!("{WHSK}{}", STANDARD.encode(&bytes[..32]));
        assert_eq!(SigningKey::parse(&seed).unwrap().public_text(), SigningKey::parse(PAIR).unwrap().public_text());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let mut bytes = STANDARD.decode(&PAIR[WHSK.len()..]).unwrap();
        bytes[40] ^= 1;
        let mismatched = format!("{WHSK}{}", STANDARD.encode(bytes));
        for text in ["", "whsk_", "whsk_AAAA", &PAIR[5..], &mismatched] {
            assert!(SigningKey::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn generated_keys_read_back() {
        let text = SigningKey::generate_text();
        assert!(SigningKey::parse(&text).is_some());
        assert_ne!(text, SigningKey::generate_text());
    }
}

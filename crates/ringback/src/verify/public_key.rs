//! The `v1a` signatures of Standard Webhooks, which are checked with a public key instead of the secret.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};

/// The prefix of a public key.
const WHPK: &str = "whpk_";

/// A sender's public key.
pub(super) struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads a text as a public key; `None` if it is a secret.
    pub(super) fn meant(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix(WHPK)?).ok()?;
        VerifyingKey::from_bytes(bytes.as_slice().try_into().ok()?).ok().map(Self)
    }

    /// Whether a text in base64 is this key's signature of a message.
    pub(super) fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let signature = STANDARD.decode(signature).ok().and_then(|bytes| Signature::from_slice(&bytes).ok());
        signature.is_some_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}

//! Encryption at rest: signing secrets, header values and `auth` leave memory only sealed.
//!
//! ```text
//! sealed = version (1) | key id (8) | nonce (24) | XChaCha20-Poly1305 ciphertext and tag
//! ```
//!
//! Invariants: a nonce is random and never reused; the context (`endpoint:ep_…`, `event:evt_…`) is
//! authenticated, so what was sealed for one row does not open in another; neither keys nor what they
//! protect are ever printed.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use sha2::Digest as _;
use zeroize::Zeroizing;

/// The layout described at the head of this file.
const VERSION: u8 = 1;

/// Bytes of a key's id: enough that two keys of one installation do not share it by chance.
const KEY_ID_BYTES: usize = 8;

/// Bytes of XChaCha20's nonce: long enough to be drawn at random for every message.
const NONCE_BYTES: usize = 24;

/// Bytes before the ciphertext.
const HEAD_BYTES: usize = 1 + KEY_ID_BYTES + NONCE_BYTES;

/// The constant that [`MasterKeys::check_value`] seals. It is no secret: what counts is whether a key opens the seal.
const CHECK: &[u8] = b"this installation's master key";

/// The context of [`MasterKeys::check_value`].
const CHECK_CONTEXT: &str = "master_key_check";

/// A text that is not a master key. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a master key is 32 bytes, written as 64 hex digits or as standard base64")]
pub struct KeyError;

/// Why sealed bytes did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Too short, or of another version: no sealed data of Ringback.
    #[error("not sealed data of a known version")]
    Malformed,
    /// Sealed with a key that is neither the current one nor among the old ones.
    #[error("sealed with a master key that is not configured (is one missing in old_master_keys?)")]
    UnknownKey,
    /// Changed since it was sealed, or sealed for another row.
    #[error("sealed data was changed, or belongs to another row")]
    Refused,
}

/// The current key, which seals, and older keys, which only open earlier seals.
pub struct MasterKeys {
    current: MasterKey,
    old: Vec<MasterKey>,
}

impl MasterKeys {
    /// Reads the current key and the old ones.
    ///
    /// # Errors
    /// When one of them is not 32 bytes as 64 hex digits or standard base64.
    pub fn parse(current: &str, old: &[String]) -> Result<Self, KeyError> {
        let old = old.iter().map(|text| MasterKey::parse(text)).collect::<Result<_, _>>()?;
        Ok(Self { current: MasterKey::parse(current)?, old })
    }

    /// A new random key as 64 hex digits, for a key file.
    #[must_use]
    pub fn generate_text() -> String {
        let bytes = Zeroizing::new(rand::random::<[u8; 32]>());
        hex::encode(*bytes)
    }

    /// Seals `plain` with the current key, for `context` alone.
    #[must_use]
    pub fn seal(&self, plain: &[u8], context: &str) -> Vec<u8> {
        let nonce = XNonce::from(rand::random::<[u8; NONCE_BYTES]>());
        let ciphertext = self
            .current
            .cipher
            .encrypt(&nonce, Payload { msg: plain, aad: context.as_bytes() })
            .expect("the cipher takes up to 256 GiB, and a slice in memory that is sealed is far smaller");
        let mut sealed = Vec::with_capacity(HEAD_BYTES + ciphertext.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.current.id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        sealed
    }

    /// Opens what was sealed for `context` with any of the keys.
    ///
    /// # Errors
    /// When the bytes are not sealed data, no configured key sealed them, or they were changed or moved.
    pub fn open(&self, sealed: &[u8], context: &str) -> Result<Vec<u8>, OpenError> {
        let (head, ciphertext) = sealed.split_at_checked(HEAD_BYTES).ok_or(OpenError::Malformed)?;
        if head[0] != VERSION {
            return Err(OpenError::Malformed);
        }
        let (id, nonce) = head[1..].split_at(KEY_ID_BYTES);
        let key = self.named(id).ok_or(OpenError::UnknownKey)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| OpenError::Malformed)?;
        key.cipher.decrypt(&nonce, Payload { msg: ciphertext, aad: context.as_bytes() }).map_err(|_| OpenError::Refused)
    }

    /// Seals anew, with the current key, a value that an older key sealed for `context`; `None` if the current key
    /// sealed it. The value is opened in any case, so that damaged values are found, whatever key they name.
    ///
    /// # Errors
    /// As [`MasterKeys::open`].
    pub(crate) fn reseal(&self, sealed: &[u8], context: &str) -> Result<Option<Vec<u8>>, OpenError> {
        let plain = Zeroizing::new(self.open(sealed, context)?);
        Ok((!self.is_current(sealed)).then(|| self.seal(&plain, context)))
    }

    /// Whether the current key sealed this.
    #[must_use]
    pub(crate) fn is_current(&self, sealed: &[u8]) -> bool {
        sealed.get(1..=KEY_ID_BYTES) == Some(&self.current.id)
    }

    /// A sealed constant to store with the installation: keys that open it are the right ones.
    #[must_use]
    pub(crate) fn check_value(&self) -> Vec<u8> {
        self.seal(CHECK, CHECK_CONTEXT)
    }

    /// Whether these keys open the installation's check value.
    #[must_use]
    pub(crate) fn opens_check(&self, kept: &[u8]) -> bool {
        self.open(kept, CHECK_CONTEXT).is_ok_and(|plain| plain == CHECK)
    }

    fn named(&self, id: &[u8]) -> Option<&MasterKey> {
        std::iter::once(&self.current).chain(&self.old).find(|key| key.id == id)
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKeys(*** and {} old)", self.old.len())
    }
}

/// One key. The cipher wipes its copy when dropped.
struct MasterKey {
    id: [u8; KEY_ID_BYTES],
    cipher: XChaCha20Poly1305,
}

impl MasterKey {
    fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        // 64 hex digits are base64 of 48 bytes as well, so the two forms cannot be confused.
        let bytes = if text.len() == 64 { hex::decode(text).ok() } else { STANDARD.decode(text).ok() };
        let bytes = Zeroizing::new(bytes.ok_or(KeyError)?);
        let cipher = XChaCha20Poly1305::new_from_slice(&bytes).map_err(|_| KeyError)?;
        Ok(Self { id: key_id(&bytes), cipher })
    }
}

/// A key's public name: a hash that tells nothing about a random key.
fn key_id(key: &[u8]) -> [u8; KEY_ID_BYTES] {
    let digest = sha2::Sha256::new().chain_update(b"ringback master key id\0").chain_update(key).finalize();
    let mut id = [0; KEY_ID_BYTES];
    id.copy_from_slice(&digest[..KEY_ID_BYTES]);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> MasterKeys {
        MasterKeys::parse(&MasterKeys::generate_text(), &[]).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_again() {
        let keys = keys();
        for plain in [b"".as_slice(), b"a secret", &[0; 5_000]] {
            assert_eq!(keys.open(&keys.seal(plain, "endpoint:ep_1"), "endpoint:ep_1").unwrap(), plain);
        }
        assert_ne!(keys.seal(b"x", "c"), keys.seal(b"x", "c"), "a nonce was reused");
    }

    #[test]
    fn sealed_data_swapped_between_rows_does_not_open() {
        let keys = keys();
        let sealed = keys.seal(b"a secret", "endpoint:ep_1");
        assert_eq!(keys.open(&sealed, "endpoint:ep_2"), Err(OpenError::Refused));
    }

    #[test]
    fn a_changed_or_cut_byte_does_not_open() {
        let keys = keys();
        let sealed = keys.seal(b"a secret", "c");
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(keys.open(&changed, "c").is_err(), "byte {index}");
            assert!(keys.open(&sealed[..index], "c").is_err(), "cut at {index}");
        }
    }

    #[test]
    fn an_old_key_opens_and_the_current_one_seals() {
        let (old, new) = (MasterKeys::generate_text(), MasterKeys::generate_text());
        let before = MasterKeys::parse(&old, &[]).unwrap();
        let sealed = before.seal(b"a secret", "c");
        let after = MasterKeys::parse(&new, &[old]).unwrap();
        assert_eq!(after.open(&sealed, "c").unwrap(), b"a secret");
        assert_eq!(before.open(&after.seal(b"a secret", "c"), "c"), Err(OpenError::UnknownKey));
    }

    #[test]
    fn what_an_old_key_sealed_is_sealed_anew_once() {
        let (old, new) = (MasterKeys::generate_text(), MasterKeys::generate_text());
        let sealed = MasterKeys::parse(&old, &[]).unwrap().seal(b"a secret", "c");
        let both = MasterKeys::parse(&new, &[old]).unwrap();
        let again = both.reseal(&sealed, "c").unwrap().unwrap();
        assert_eq!(MasterKeys::parse(&new, &[]).unwrap().open(&again, "c").unwrap(), b"a secret");
        assert_eq!(both.reseal(&again, "c"), Ok(None));
        assert_eq!(both.reseal(&again, "other"), Err(OpenError::Refused), "also what the current key sealed is opened");
        assert_eq!(keys().reseal(&sealed, "c"), Err(OpenError::UnknownKey));
    }

    #[test]
    fn only_the_right_key_opens_the_check_value() {
        let (mine, other) = (keys(), keys());
        assert!(mine.opens_check(&mine.check_value()));
        assert!(!mine.opens_check(&other.check_value()));
        assert!(!mine.opens_check(b""));
        assert!(!mine.opens_check(&mine.seal(CHECK, "endpoint:ep_1")));
    }

    #[test]
    fn keys_are_32_bytes_as_hex_or_base64() {
        let hex = "00".repeat(32);
        let base64 = STANDARD.encode([0; 32]);
        let (one, two) = (MasterKeys::parse(&hex, &[]).unwrap(), MasterKeys::parse(&base64, &[]).unwrap());
        assert!(two.opens_check(&one.check_value()), "both spell the same key");
        for wrong in ["", "secret", &"00".repeat(31), &"zz".repeat(32), &STANDARD.encode([0; 31]), &base64[..43]] {
            assert_eq!(MasterKeys::parse(wrong, &[]).err(), Some(KeyError), "{wrong}");
            assert_eq!(MasterKeys::parse(&hex, &[wrong.to_owned()]).err(), Some(KeyError), "{wrong}");
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let text = "ab".repeat(32);
        let shown = format!("{:?}", MasterKeys::parse(&text, std::slice::from_ref(&text)).unwrap());
        assert_eq!(shown, "MasterKeys(*** and 1 old)");
    }
}

//! Whether a secret stands in what a thief would hold: megabytes of a dump, searched for each secret.

use memchr::memmem;

/// Whether it stands there, as it is or as the hex in which PostgreSQL prints bytes.
#[must_use]
pub fn is_told(dump: &[u8], secret: impl AsRef<[u8]>) -> bool {
    let hex = hex::encode(&secret);
    [secret.as_ref(), hex.as_bytes()].iter().any(|needle| memmem::find(dump, needle).is_some())
}

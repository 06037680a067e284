//! Requests that carry an `Idempotency-Key`: the same key with the same body creates nothing a second time.
//!
//! The digest of a body is stored sealed, since a body may have a secret that is short enough to be guessed from a digest.
//! If no master key opens the digest, because its key was removed before a rekey, the stored request counts as another one.

use uuid::Uuid;

use crate::{
    seal::{MasterKeys, OpenError},
    store::{DoneBefore, Once, OnceName},
};

/// A request's key, what the key counts within, and a digest of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnceKey {
    /// The key and what it counts within.
    pub name: OnceName,
    /// SHA-256 of the request's body as it came.
    pub digest: [u8; 32],
}

impl OnceKey {
    /// The key as a store keeps it, for a request that creates `object`.
    #[must_use]
    pub(crate) fn making(&self, object: Uuid, keys: &MasterKeys) -> Once {
        let content = keys.seal(&self.digest, &context(&self.name));
        Once { name: self.name.clone(), content, object }
    }

    /// The object that the earlier request created, if its body was the same.
    ///
    /// # Errors
    /// [`OtherContent`] if its body was another.
    pub(crate) fn same_as(&self, before: &DoneBefore, keys: &MasterKeys) -> Result<Uuid, OtherContent> {
        match keys.open(&before.content, &context(&self.name)) {
            Ok(digest) if digest == self.digest => Ok(before.object),
            Ok(_) | Err(_) => Err(OtherContent),
        }
    }
}

/// A digest sealed anew; `None` if the current key sealed it.
///
/// # Errors
/// When no configured key opens it.
pub(super) fn reseal(sealed: &[u8], name: &OnceName, keys: &MasterKeys) -> Result<Option<Vec<u8>>, OpenError> {
    keys.reseal(sealed, &context(name))
}

/// The context that the seal of a digest is bound to, so that it opens in no other place.
fn context(name: &OnceName) -> String {
    format!("request_key:{name:?}")
}

/// An earlier request under the same key had another body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another request came before under this idempotency key")]
pub struct OtherContent;

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(byte: &str) -> MasterKeys {
        MasterKeys::parse(&byte.repeat(32), &[]).unwrap()
    }

    fn asked(key: &str, digest: u8) -> OnceKey {
        let name = OnceName {
            binding: String::new(),
            tenant: "acme".to_owned(),
            route: "endpoints".to_owned(),
            key: key.to_owned(),
        };
        OnceKey { name, digest: [digest; 32] }
    }

    #[test]
    fn a_request_is_the_same_if_its_body_is() {
        let first = asked("k", 1).making(Uuid::nil(), &keys("07"));
        assert!(!first.content.windows(32).any(|part| part == [1; 32]), "the digest is not readable");
        let before = DoneBefore { content: first.content, object: first.object };
        assert_eq!(asked("k", 1).same_as(&before, &keys("07")), Ok(Uuid::nil()));
        assert_eq!(asked("k", 2).same_as(&before, &keys("07")), Err(OtherContent));
        assert_eq!(asked("other", 1).same_as(&before, &keys("07")), Err(OtherContent), "moved to another row");
        assert_eq!(asked("k", 1).same_as(&before, &keys("08")), Err(OtherContent), "sealed under a key that is gone");
    }
}

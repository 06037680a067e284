//! HMAC over a message in pieces, so that a large body is never copied to be signed.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};

use crate::endpoint::{Digest, Encoding};

/// The HMAC over the concatenation of `pieces`.
pub(super) fn hmac(digest: Digest, key: &[u8], pieces: &[impl AsRef<[u8]>]) -> Vec<u8> {
    match digest {
        Digest::Sha256 => over::<Hmac<sha2::Sha256>>(key, pieces),
        Digest::Sha512 => over::<Hmac<sha2::Sha512>>(key, pieces),
        Digest::Sha1 => over::<Hmac<sha1::Sha1>>(key, pieces),
    }
}

fn over<M: Mac + KeyInit>(key: &[u8], pieces: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    for piece in pieces {
        mac.update(piece.as_ref());
    }
    mac.finalize().into_bytes().to_vec()
}

/// A signature as text.
pub(super) fn encode(encoding: Encoding, signature: &[u8]) -> String {
    match encoding {
        Encoding::Hex => hex::encode(signature),
        Encoding::Base64 => STANDARD.encode(signature),
        Encoding::Base64url => URL_SAFE_NO_PAD.encode(signature),
    }
}

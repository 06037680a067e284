//! Decodes the text of a signature in every possible way, and tells whether it is written as its scheme does.

use crate::endpoint::{Digest, Encoding};
use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{
        DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig,
        general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD},
    },
};

use super::{Finding, Ingredient};

/// One reading of a signature's text.
pub(super) struct Reading<'a> {
    pub(super) text: &'a str,
    pub(super) encoding: Encoding,
    pub(super) digest: Digest,
    pub(super) hex: String,
}

/// A finding if the bytes are right, but the text is not written as the scheme does.
pub(super) fn written_otherwise(wanted: Encoding, reading: &Reading<'_>) -> Option<Finding> {
    if reading.text == canonical(wanted, &reading.hex) {
        return None;
    }
    let told = if reading.encoding != wanted {
        let (wanted, came) = (encoding_name(wanted), encoding_name(reading.encoding));
        format!("the bytes are right, but the signature is written in {came}, and the scheme writes {wanted}")
    } else if wanted == Encoding::Hex {
        "the bytes are right, but the signature is in upper case, and the scheme writes lower case".to_owned()
    } else {
        "the bytes are right, but the `=` at the end are not as the scheme writes them".to_owned()
    };
    Some(Ingredient::Encoding.differs(told))
}

/// The bytes as an encoding writes them.
fn canonical(encoding: Encoding, in_hex: &str) -> String {
    let bytes = hex::decode(in_hex).unwrap_or_default();
    match encoding {
        Encoding::Hex => in_hex.to_owned(),
        Encoding::Base64 => BASE64.encode(bytes),
        Encoding::Base64url => URL_SAFE_NO_PAD.encode(bytes),
    }
}

/// Every way in which a text can be the bytes of a digest.
pub(super) fn readings(text: &str) -> Vec<Reading<'_>> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let [base64, base64url] = [STANDARD, URL_SAFE].map(|alphabet| GeneralPurpose::new(&alphabet, lenient).decode(text));
    let mut readings: Vec<Reading<'_>> = Vec::new();
    let decoded = [
        (Encoding::Hex, hex::decode(text).ok()),
        (Encoding::Base64, base64.ok()),
        (Encoding::Base64url, base64url.ok()),
    ];
    for (encoding, bytes) in decoded {
        let Some(bytes) = bytes else { continue };
        let digest = match bytes.len() {
            20 => Digest::Sha1,
            32 => Digest::Sha256,
            64 => Digest::Sha512,
            _ => continue,
        };
        let hex = hex::encode(bytes);
        // Base64 without + / - _ is the same in both alphabets, so a reading may be known already.
        if readings.iter().all(|known| known.hex != hex) {
            readings.push(Reading { text, encoding, digest, hex });
        }
    }
    readings
}

pub(super) const fn digest_name(digest: Digest) -> &'static str {
    match digest {
        Digest::Sha1 => "SHA-1",
        Digest::Sha256 => "SHA-256",
        Digest::Sha512 => "SHA-512",
    }
}

const fn encoding_name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Hex => "hex",
        Encoding::Base64 => "base64",
        Encoding::Base64url => "URL-safe base64",
    }
}

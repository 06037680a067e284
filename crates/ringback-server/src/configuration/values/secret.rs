//! Values that no message, log or `Debug` shows.

use std::fmt;

use base64::Engine as _;

use super::super::value::Value;

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub(crate) const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A bearer token of the operator's own.
#[derive(Debug, Clone)]
pub(crate) struct AdminToken(pub(crate) Secret);

impl Value for AdminToken {
    const NAME: &'static str = "TOKEN";
    const SECRET: bool = true;

    fn expected() -> String {
        "16 to 256 printable ASCII characters without spaces; `openssl rand -hex 32` makes one".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        let right = (16..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        right.then(|| Self(Secret(text.to_owned())))
    }
}

/// A key that seals secrets at rest.
#[derive(Debug, Clone)]
pub(crate) struct MasterKey(pub(crate) Secret);

impl Value for MasterKey {
    const NAME: &'static str = "KEY";
    const SECRET: bool = true;

    fn expected() -> String {
        "32 bytes as 64 hex digits or standard base64; `openssl rand -hex 32` makes one".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        let as_hex = hex::decode(text).is_ok_and(|key| key.len() == 32);
        let as_base64 = || base64::engine::general_purpose::STANDARD.decode(text).is_ok_and(|key| key.len() == 32);
        (as_hex || as_base64()).then(|| Self(Secret(text.to_owned())))
    }
}

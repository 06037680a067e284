//! Tokens: what a caller shows, what it may do with it, and what is kept of it.
//!
//! A token's text is `rbk_`, its id in hex, `_`, and 32 random bytes in hex. Only its SHA-256 is kept: 256 random bits
//! cannot be guessed, so a slow hash would protect nothing more.

use std::{fmt, str::FromStr};

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{id::TokenId, time::Timestamp, word::words};

/// The first characters of every token's text, so that people and secret scanners recognize it.
const PREFIX: &str = "rbk_";

/// Random bytes of a token.
const SECRET_BYTES: usize = 32;

words! {
    /// What a token is for; the most powerful first.
    Scope {
        Admin "admin": "everything",
        Operator "operator": "read; and replay, pause, resume, test, discard",
        Emit "emit": "only hand in events",
        Read "read": "only read",
    }
}

/// The part of a token that is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id, which is also a part of its text.
    pub id: TokenId,
    /// What it is for.
    pub scope: Scope,
    /// The one tenant that it is for; any if unset.
    pub tenant: Option<String>,
    /// For people.
    pub name: Option<String>,
    /// SHA-256 of its text.
    pub digest: [u8; 32],
    /// When it was created.
    pub created_at: Timestamp,
    /// From when on it is not valid; never if unset.
    pub expires_at: Option<Timestamp>,
    /// When it was last seen, to about a minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("id", &self.id)
            .field("scope", &self.scope)
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

/// A token's text, taken apart. It has no `Display`, and `Debug` shows the id alone.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText {
    id: TokenId,
    secret: [u8; SECRET_BYTES],
}

/// A text that is not of a token's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token")]
pub struct NoToken;

impl TokenText {
    /// A new one.
    #[must_use]
    pub fn generate(id: TokenId) -> Self {
        Self { id, secret: rand::random() }
    }

    /// The id of the token that it claims to be.
    #[must_use]
    pub const fn id(&self) -> TokenId {
        self.id
    }

    /// The text that callers show.
    #[must_use]
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}_{}", self.id.uuid().simple(), hex::encode(self.secret))
    }

    /// The SHA-256 of its text, which is stored.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.expose().as_bytes()).into()
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenText({}, ***)", self.id)
    }
}

impl FromStr for TokenText {
    type Err = NoToken;

    fn from_str(text: &str) -> Result<Self, NoToken> {
        let (id, digits) = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(NoToken)?;
        let lower_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if id.len() != 32 || !lower_hex(id) || !lower_hex(digits) {
            return Err(NoToken);
        }
        let mut secret = [0; SECRET_BYTES];
        hex::decode_to_slice(digits, &mut secret).map_err(|_| NoToken)?;
        let id = Uuid::try_parse(id).map_err(|_| NoToken)?;
        Ok(Self { id: TokenId::from_uuid(id), secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_printed_text_is_read_back() {
        let text = TokenText::generate(TokenId::new(Timestamp::now()));
        let printed = text.expose();
        assert_eq!(printed.parse(), Ok(text.clone()));
        assert_eq!(printed.len(), 101);
        let (head, last) = printed.split_at(100);
        let wrong =
            ["", "rbk_", head, &printed.to_uppercase(), &printed[4..], &format!("{printed}0"), &format!("{head}g")];
        for wrong in wrong {
            assert_eq!(wrong.parse::<TokenText>(), Err(NoToken), "{wrong}");
        }
        let other = format!("{head}{}", if last == "0" { "1" } else { "0" }).parse::<TokenText>().unwrap();
        assert_eq!(other.id(), text.id());
        assert_ne!(other.digest(), text.digest());
    }

    #[test]
    fn debug_shows_no_secret() {
        let text = TokenText::generate(TokenId::new(Timestamp::now()));
        let secret = &text.expose()[37..];
        assert!(!format!("{text:?}").contains(secret));
    }

    #[test]
    fn scopes_are_read_by_their_names() {
        for &scope in Scope::ALL {
            assert_eq!(scope.name().parse(), Ok(scope));
        }
        assert_eq!("Admin".parse::<Scope>(), Err(crate::word::NotOneOf(Scope::NAMES)));
    }
}

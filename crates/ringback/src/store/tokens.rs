//! Tokens in the database, in addition to the one in the configuration.

use super::Result;
use crate::{audit::Entry, id::TokenId, token::Token};

/// Keeps tokens.
#[async_trait::async_trait]
pub trait Tokens {
    /// Stores a new token.
    async fn create_token(&self, token: &Token, record: &Entry) -> Result<()>;

    /// All tokens, newest first, including expired and revoked ones.
    async fn list_tokens(&self) -> Result<Vec<Token>>;

    /// The token with this id, if it is neither revoked nor, by the database's clock, expired. One cheap read: it is
    /// made for most requests.
    async fn valid_token(&self, id: TokenId) -> Result<Option<Token>>;

    /// Revokes a token. Returns the token as it is now, unchanged if it was revoked before; `None` if there is none.
    async fn revoke_token(&self, id: TokenId, record: &Entry) -> Result<Option<Token>>;

    /// Notes that a token is being used, unless that was noted within the last minute.
    async fn note_token_use(&self, id: TokenId) -> Result<()>;
}

//! Tokens, beside the one that the configuration brings.

use super::Result;
use crate::{audit::Entry, id::TokenId, token::Token};

/// Keeps tokens.
#[async_trait::async_trait]
pub trait Tokens {
    /// Stores a new token.
    async fn create_token(&self, token: &Token, record: &Entry) -> Result<()>;

    /// All tokens, newest first; those that have expired or were revoked, too.
    async fn list_tokens(&self) -> Result<Vec<Token>>;

    /// The token with this id, if it is neither revoked nor, by the database's clock, expired. One cheap read: it is
    /// made for most requests.
    async fn valid_token(&self, id: TokenId) -> Result<Option<Token>>;

    /// Makes a token worthless. The token as it is now, unchanged if it was revoked before; `None` if there is none.
    async fn revoke_token(&self, id: TokenId, record: &Entry) -> Result<Option<Token>>;

    /// Notes that a token is being used, unless that was noted within the last minute.
    async fn note_token_use(&self, id: TokenId) -> Result<()>;
}

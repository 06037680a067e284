//! Tokens as `--json` prints them, in the form of the API's own bodies.

use ringback::{id::TokenId, time::Timestamp, token};
use serde::Serialize;

use crate::{
    failure::{Failure, Result},
    print,
};

/// A token, without its text.
#[derive(Serialize)]
pub(super) struct Token {
    id: TokenId,
    scope: token::Scope,
    tenant: Option<String>,
    name: Option<String>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

impl From<token::Token> for Token {
    fn from(token: token::Token) -> Self {
        Self {
            id: token.id,
            scope: token.scope,
            tenant: token.tenant,
            name: token.name,
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
            revoked_at: token.revoked_at,
        }
    }
}

/// A token that was just created: its text is shown only this once.
#[derive(Serialize)]
pub(super) struct Made {
    pub(super) token: String,
    #[serde(flatten)]
    pub(super) kept: Token,
}

/// All of them.
#[derive(Serialize)]
pub(super) struct All {
    pub(super) items: Vec<Token>,
}

/// Prints one document on one line.
pub(super) fn print(document: &impl Serialize) -> Result<()> {
    print::line(serde_json::to_string(document).map_err(Failure::failed)?);
    Ok(())
}

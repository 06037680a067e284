//! Creating, listing, checking and revoking tokens. The functions take a store and no engine, so that a token can be created
//! without a master key.

use std::time::Duration;

use serde_json::json;

use crate::{
    Engine,
    audit::{Action, Actor},
    event::is_tenant,
    id::TokenId,
    invalid::Invalid,
    store::{self, Store},
    time::Timestamp,
    token::{Scope, Token, TokenText},
};

/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 200;

/// Longest life of a token that expires: ten years.
const EXPIRES_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// A token to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What it is for.
    pub scope: Scope,
    /// The one tenant that it is for; any if unset.
    pub tenant: Option<String>,
    /// For people: up to 200 characters without control characters.
    pub name: Option<String>,
    /// How long it is valid, up to ten years; for good if unset.
    pub expires_in: Option<Duration>,
}

/// Why a token was not created.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields are wrong: `/tenant`, `/name`, `/expires`.
    #[error("{0}")]
    Invalid(#[from] Invalid),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Creates a token. Its text is in the answer and nowhere else.
///
/// # Errors
/// Findings, or the store's failure.
pub async fn create(store: &dyn Store, new: NewToken, by: &Actor) -> Result<(Token, TokenText), Error> {
    check(&new)?;
    let now = Timestamp::now();
    let text = TokenText::generate(TokenId::new(now));
    let token = Token {
        id: text.id(),
        scope: new.scope,
        tenant: new.tenant,
        name: new.name,
        digest: text.digest(),
        created_at: now,
        expires_at: new.expires_in.map(|life| now + life),
        last_used_at: None,
        revoked_at: None,
    };
    let shown = json!({
        "scope": token.scope, "tenant": token.tenant, "name": token.name, "expires_at": token.expires_at,
    });
    let record = by.asks(Action::CreateToken, token.id, token.tenant.as_deref()).after(shown);
    store.create_token(&token, &record).await?;
    Ok((token, text))
}

/// All tokens, newest first, including expired and revoked ones.
///
/// # Errors
/// The store's failure.
pub async fn list(store: &dyn Store) -> store::Result<Vec<Token>> {
    store.list_tokens().await
}

/// Revokes a token, within a second on every node; `None` if there is none.
///
/// # Errors
/// The store's failure.
pub async fn revoke(store: &dyn Store, id: TokenId, by: &Actor) -> store::Result<Option<Token>> {
    let Some(token) = list(store).await?.into_iter().find(|token| token.id == id) else { return Ok(None) };
    let record = by
        .asks(Action::RevokeToken, id, token.tenant.as_deref())
        .before(json!({"revoked": false}))
        .after(json!({"revoked": true}));
    store.revoke_token(id, &record).await
}

impl Engine {
    /// As [`create`].
    ///
    /// # Errors
    /// Findings, or the store's failure.
    pub async fn create_token(&self, new: NewToken, by: &Actor) -> Result<(Token, TokenText), Error> {
        create(&**self.store(), new, by).await
    }

    /// As [`list`].
    ///
    /// # Errors
    /// The store's failure.
    pub async fn tokens(&self) -> store::Result<Vec<Token>> {
        list(&**self.store()).await
    }

    /// As [`revoke`].
    ///
    /// # Errors
    /// The store's failure.
    pub async fn revoke_token(&self, id: TokenId, by: &Actor) -> store::Result<Option<Token>> {
        revoke(&**self.store(), id, by).await
    }

    /// The token with this id, if it is neither revoked nor, by the database's clock, expired. Knowing the id proves
    /// nothing: the caller must compare the presented text with [`Token::digest`].
    ///
    /// # Errors
    /// The store's failure.
    pub async fn valid_token(&self, id: TokenId) -> store::Result<Option<Token>> {
        self.store().valid_token(id).await
    }

    /// Notes that a token is being used, unless that was noted within the last minute.
    ///
    /// # Errors
    /// The store's failure.
    pub async fn note_token_use(&self, id: TokenId) -> store::Result<()> {
        self.store().note_token_use(id).await
    }
}

fn check(new: &NewToken) -> Result<(), Invalid> {
    let mut invalid = Invalid::default();
    if new.tenant.as_deref().is_some_and(|tenant| !is_tenant(tenant)) {
        invalid.add("/tenant", "malformed", "must be 1 to 128 of the characters A-Z a-z 0-9 _ . : -");
    }
    if new.name.as_deref().is_some_and(|name| !is_name(name)) {
        let detail = format!("must be 1 to {NAME_CHARS_MAX} characters without control characters");
        invalid.add("/name", "malformed", detail);
    }
    if new.expires_in.is_some_and(|life| life.is_zero() || life > EXPIRES_MAX) {
        invalid.add("/expires", "out_of_range", "must be more than nothing and at most 3650d");
    }
    invalid.or(())
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= NAME_CHARS_MAX && !text.chars().any(char::is_control)
}

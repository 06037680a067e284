//! Tokens in the store: looked up there, and remembered for a moment.
//!
//! A token that is revoked or expires is refused within [`REMEMBERED`] on every node. Its use is noted in the background, so
//! that no request waits for that.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use ringback::{
    Engine,
    id::TokenId,
    store,
    time::Timestamp,
    token::{Token, TokenText},
};
use subtle::ConstantTimeEq as _;

/// How long a looked-up token is used again. It bounds how long a revoked token still works, and how often a busy token is
/// read from the database.
const REMEMBERED: Duration = Duration::from_secs(1);

/// Most tokens remembered at a time; there are few, unless somebody creates one for each call.
const TOKENS_MAX: usize = 1_000;

/// How often a token's use is noted; the store keeps to the same.
const NOTED_EVERY: Duration = Duration::from_secs(60);

/// The tokens of an engine's store.
#[derive(Clone)]
pub(crate) struct StoredTokens {
    engine: Engine,
    remembered: Arc<Mutex<HashMap<TokenId, (Instant, Token)>>>,
}

impl StoredTokens {
    pub(crate) fn of(engine: Engine) -> Self {
        Self { engine, remembered: Arc::default() }
    }

    /// The token with this text, if it is valid.
    ///
    /// # Errors
    /// The store's failure.
    pub(super) async fn find(&self, shown: &str) -> store::Result<Option<Token>> {
        let Ok(shown) = shown.parse::<TokenText>() else { return Ok(None) };
        let Some(token) = self.look_up(shown.id()).await? else { return Ok(None) };
        if !bool::from(token.digest.ct_eq(&shown.digest())) {
            return Ok(None);
        }
        self.note_use(&token);
        Ok(Some(token))
    }

    async fn look_up(&self, id: TokenId) -> store::Result<Option<Token>> {
        let now = Instant::now();
        if let Some((read_at, token)) = self.remembered.lock().get(&id)
            && now.saturating_duration_since(*read_at) < REMEMBERED
        {
            return Ok(Some(token.clone()));
        }
        let token = self.engine.valid_token(id).await?;
        let mut remembered = self.remembered.lock();
        if remembered.len() >= TOKENS_MAX {
            remembered.clear();
        }
        match &token {
            Some(token) => remembered.insert(id, (now, token.clone())),
            None => remembered.remove(&id),
        };
        Ok(token)
    }

    /// Notes the token's use in the background, if it is time.
    fn note_use(&self, token: &Token) {
        let now = Timestamp::now();
        if token.last_used_at.is_some_and(|at| now.since(at) < NOTED_EVERY) {
            return;
        }
        // Set at once, so that the next request does not note the use again.
        if let Some((_, token)) = self.remembered.lock().get_mut(&token.id) {
            token.last_used_at = Some(now);
        }
        let (engine, id) = (self.engine.clone(), token.id);
        tokio::spawn(async move {
            if let Err(error) = engine.note_token_use(id).await {
                tracing::debug!(%error, token = %id, "a token's use could not be noted");
            }
        });
    }
}

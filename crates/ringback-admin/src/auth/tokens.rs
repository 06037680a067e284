//! Tokens in the store: looked up there, and remembered for a moment.
//!
//! A token that is revoked or expires is refused within [`REMEMBERED`] on every node. Its use is noted in the background, so
//! that no request waits for that. Only `/metrics` believes an older word while the store is away.

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

/// How long a valid token still opens `/metrics` while the store is away: as long as an outage that people do not know of.
const RECALLED: Duration = Duration::from_secs(60 * 60);

/// How long `/metrics` waits for the store to judge a token.
const PATIENCE: Duration = Duration::from_millis(500);

const SLOW: &str = "the token could not be looked up in time";

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
        let token = self.look_up(shown.id()).await?;
        Ok(self.matching(token, &shown))
    }

    /// The same, but if the store fails or does not answer within [`PATIENCE`], a token that was looked up within
    /// [`RECALLED`] is valid until it expires. For what must be answered while the store is away.
    ///
    /// # Errors
    /// The store's failure, if the token was not looked up lately.
    pub(super) async fn find_or_recall(&self, shown: &str) -> store::Result<Option<Token>> {
        let Ok(shown) = shown.parse::<TokenText>() else { return Ok(None) };
        let id = shown.id();
        let token = match tokio::time::timeout(PATIENCE, self.look_up(id)).await {
            Ok(Ok(token)) => token,
            Ok(Err(error)) => Some(self.recall(id).ok_or(error)?),
            Err(_) => Some(self.recall(id).ok_or_else(|| store::Error::Unavailable(SLOW.into()))?),
        };
        Ok(self.matching(token, &shown))
    }

    fn recall(&self, id: TokenId) -> Option<Token> {
        let remembered = self.remembered.lock();
        let (read_at, token) = remembered.get(&id)?;
        let expired = token.expires_at.is_some_and(|at| at <= Timestamp::now());
        (read_at.elapsed() < RECALLED && !expired).then(|| token.clone())
    }

    fn matching(&self, token: Option<Token>, shown: &TokenText) -> Option<Token> {
        let token = token.filter(|token| token.digest.ct_eq(&shown.digest()).into())?;
        self.note_use(&token);
        Some(token)
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

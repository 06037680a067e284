//! Tokens of endpoints that want OAuth 2: fetched once, shared by an endpoint's requests, renewed before they end.
//!
//! ```text
//! held       a token that lasts is used by whoever asks
//! wanted     the first to ask fetches it, and whoever asked meanwhile gets the same token or the same failure
//! refused    a receiver answered 401: the next to ask fetches another, unless somebody has done so already
//! ```
//!
//! Nothing is kept of a token but in memory, and each node fetches its own.

mod grant;

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::time::Instant;
use zeroize::Zeroize;

pub(super) use self::grant::{NoToken, fetch};
use super::send::Connections;
use crate::{endpoint::Oauth2, id::EndpointId};

/// How long before its end a token is renewed, so that none ends on its way.
const EARLY: Duration = Duration::from_secs(60);

/// How long a token is used whose server does not say when it ends. A receiver that refuses it sooner answers 401.
const LASTS_UNLESS_SAID: Duration = Duration::from_secs(5 * 60);

/// Most credentials of inline destinations whose tokens are kept; there are as many as endpoints that they inherit from.
const INLINE_MAX: usize = 1_024;

/// A bearer token. Cheap to clone, never printed.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token(Arc<Text>);

#[derive(PartialEq, Eq)]
struct Text(String);

impl Token {
    pub(super) fn new(text: String) -> Self {
        Self(Arc::new(Text(text)))
    }

    /// The value of the header that carries it.
    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.0.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// What a token server granted.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) token: Token,
    /// For how long, if it says so.
    pub(super) lasts: Option<Duration>,
}

/// The tokens of this node.
#[derive(Default)]
pub(super) struct Tokens {
    slots: Mutex<Slots>,
}

/// An endpoint has one slot, whatever its credentials were. Inline destinations have no endpoint of their own here; those
/// with the same credentials share a token.
#[derive(Default)]
struct Slots {
    endpoints: HashMap<EndpointId, Arc<Slot>>,
    inline: HashMap<[u8; 32], Arc<Slot>>,
}

/// The place of one token, for one set of credentials.
pub(super) struct Slot {
    credentials: [u8; 32],
    state: tokio::sync::Mutex<State>,
    /// Idle connections to the token server.
    pub(super) connections: Connections,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    failed: Option<(Instant, NoToken)>,
}

struct Held {
    token: Token,
    fetched: Instant,
    /// `None` if that is beyond what the clock can express.
    renew_at: Option<Instant>,
}

impl Tokens {
    /// The token for these credentials, fetched by `fetch` if there is none that lasts. `refused` is one that the receiver
    /// does not take.
    pub(super) async fn token<'a>(
        &self,
        endpoint: Option<EndpointId>,
        credentials: &Oauth2,
        refused: Option<&Token>,
        fetch: impl FnOnce(Arc<Slot>) -> BoxFuture<'a, Result<Granted, NoToken>>,
    ) -> Result<Token, NoToken> {
        let asked = Instant::now();
        let slot = self.slots.lock().of(endpoint, credentials.fingerprint());
        // Whoever waits here waits for the one that fetches, at most until its own attempt ends.
        let mut state = slot.state.lock().await;
        if let Some(token) = state.usable(asked, refused) {
            return Ok(token);
        }
        if let Some((at, why)) = &state.failed
            && *at >= asked
        {
            return Err(why.clone());
        }
        match fetch(Arc::clone(&slot)).await {
            Ok(granted) => {
                let now = Instant::now();
                let lasts = granted.lasts.unwrap_or(LASTS_UNLESS_SAID + EARLY).saturating_sub(EARLY);
                let token = granted.token;
                *state = State {
                    held: Some(Held { token: token.clone(), fetched: now, renew_at: now.checked_add(lasts) }),
                    failed: None,
                };
                Ok(token)
            }
            Err(why) => {
                state.failed = Some((Instant::now(), why.clone()));
                Err(why)
            }
        }
    }
}

impl State {
    /// The token that is held, if it lasts, or has come since it was `asked` for.
    fn usable(&self, asked: Instant, refused: Option<&Token>) -> Option<Token> {
        let held = self.held.as_ref().filter(|held| refused != Some(&held.token))?;
        let lasts = held.renew_at.is_none_or(|at| Instant::now() < at);
        (lasts || held.fetched >= asked).then(|| held.token.clone())
    }

    fn is_of_use(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.renew_at.is_none_or(|at| Instant::now() < at))
    }
}

impl Slots {
    fn of(&mut self, endpoint: Option<EndpointId>, credentials: [u8; 32]) -> Arc<Slot> {
        let new = || {
            Arc::new(Slot { credentials, state: tokio::sync::Mutex::default(), connections: Connections::default() })
        };
        let Some(endpoint) = endpoint else {
            if self.inline.len() >= INLINE_MAX && !self.inline.contains_key(&credentials) {
                self.inline.clear();
            }
            return Arc::clone(self.inline.entry(credentials).or_insert_with(new));
        };
        match self.endpoints.get(&endpoint) {
            Some(slot) if slot.credentials == credentials => Arc::clone(slot),
            _ => {
                // Endpoints are deleted, too. Before the map grows, those without a token that lasts make room.
                if self.endpoints.len() == self.endpoints.capacity() {
                    self.endpoints.retain(|_, slot| slot.state.try_lock().is_ok_and(|state| state.is_of_use()));
                }
                let slot = new();
                self.endpoints.insert(endpoint, Arc::clone(&slot));
                slot
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::{advance, sleep};

    use super::*;
    use crate::endpoint::ClientAuthentication;

    fn credentials(client_secret: &str) -> Oauth2 {
        Oauth2 {
            token_url: "https://login.example.com/token".to_owned(),
            client_id: "ringback".to_owned(),
            client_secret: client_secret.to_owned(),
            scopes: Vec::new(),
            audience: None,
            client_authentication: ClientAuthentication::Basic,
        }
    }

    /// A token server that needs a second, and grants `1`, `2`, `3` …
    #[derive(Default)]
    struct Server {
        asked: AtomicUsize,
        lasts: Option<Duration>,
        fails: bool,
    }

    impl Server {
        async fn grant(&self) -> Result<Granted, NoToken> {
            let nth = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
            sleep(Duration::from_secs(1)).await;
            if self.fails {
                return Err(NoToken::Unusable("is away"));
            }
            Ok(Granted { token: Token::new(nth.to_string()), lasts: self.lasts })
        }

        async fn token(&self, tokens: &Tokens, secret: &str, refused: Option<&Token>) -> String {
            let endpoint = Some(EndpointId::from_uuid(uuid::Uuid::nil()));
            let token = tokens.token(endpoint, &credentials(secret), refused, |_| Box::pin(self.grant())).await;
            token.map_or_else(|why| why.to_string(), |token| token.header())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_fetched_once_and_renewed_a_minute_before_it_ends() {
        let (tokens, server) =
            (Tokens::default(), Server { lasts: Some(Duration::from_secs(3_600)), ..Server::default() });
        let many = futures_util::future::join_all((0..50).map(|_| server.token(&tokens, "a", None))).await;
        assert!(many.iter().all(|token| token == "Bearer 1"), "{many:?}");
        advance(Duration::from_secs(3_539)).await;
        assert_eq!(server.token(&tokens, "a", None).await, "Bearer 1");
        advance(Duration::from_secs(1)).await;
        assert_eq!(server.token(&tokens, "a", None).await, "Bearer 2");
        assert_eq!(server.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_lasts_less_than_a_minute_serves_those_that_waited_for_it() {
        let (tokens, server) =
            (Tokens::default(), Server { lasts: Some(Duration::from_secs(30)), ..Server::default() });
        let many = futures_util::future::join_all((0..50).map(|_| server.token(&tokens, "a", None))).await;
        assert!(many.iter().all(|token| token == "Bearer 1"), "{many:?}");
        advance(Duration::from_millis(1)).await;
        assert_eq!(server.token(&tokens, "a", None).await, "Bearer 2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_shared_by_those_that_waited_and_kept_for_nobody_else() {
        let (tokens, server) = (Tokens::default(), Server { fails: true, ..Server::default() });
        let many = futures_util::future::join_all((0..50).map(|_| server.token(&tokens, "a", None))).await;
        assert!(many.iter().all(|why| why.contains("is away")), "{many:?}");
        assert_eq!(server.asked.load(Ordering::SeqCst), 1);
        advance(Duration::from_millis(1)).await;
        server.token(&tokens, "a", None).await;
        assert_eq!(server.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_token_is_renewed_once_for_all_that_were_refused() {
        let (tokens, server) = (Tokens::default(), Server::default());
        assert_eq!(server.token(&tokens, "a", None).await, "Bearer 1");
        advance(Duration::from_secs(1)).await;
        let refused = Token::new("1".to_owned());
        let many = futures_util::future::join_all((0..50).map(|_| server.token(&tokens, "a", Some(&refused)))).await;
        assert!(many.iter().all(|token| token == "Bearer 2"), "{many:?}");
        assert_eq!(server.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn changed_credentials_get_a_token_of_their_own_and_deleted_endpoints_make_room() {
        let (tokens, server) = (Tokens::default(), Server::default());
        assert_eq!(server.token(&tokens, "a", None).await, "Bearer 1");
        assert_eq!(server.token(&tokens, "b", None).await, "Bearer 2");
        assert_eq!(tokens.slots.lock().endpoints.len(), 1);
        for number in 0..10_000_u128 {
            let endpoint = EndpointId::from_uuid(uuid::Uuid::from_u128(number));
            tokens.slots.lock().of(Some(endpoint), [0; 32]);
            tokens.slots.lock().of(None, credentials(&number.to_string()).fingerprint());
        }
        let slots = tokens.slots.lock();
        assert!(slots.endpoints.len() < 10_000 && slots.inline.len() <= INLINE_MAX);
    }

    #[test]
    fn nothing_prints_a_token() {
        assert!(!format!("{:?}", Token::new("hidden".to_owned())).contains("hidden"));
    }
}

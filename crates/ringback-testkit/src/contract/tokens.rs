//! Tokens: what is kept, and until when one is worth anything.

use std::time::Duration;

use ringback::{
    id::TokenId,
    store::{Retention, Store},
    time::Timestamp,
    token::{Scope, Token, TokenText},
};

use super::{given, upkeep::keep_house};

/// A token for a tenant that expires in an hour, stored.
pub(super) async fn stored(store: &dyn Store, change: impl FnOnce(&mut Token)) -> Token {
    let token = new(change);
    store.create_token(&token, &given::asked()).await.unwrap();
    token
}

/// The same, not stored yet.
pub(super) fn new(change: impl FnOnce(&mut Token)) -> Token {
    let now = Timestamp::from_millis(Timestamp::now().millis());
    let text = TokenText::generate(TokenId::new(now));
    let mut token = Token {
        id: text.id(),
        scope: Scope::Operator,
        tenant: Some("acme".to_owned()),
        name: Some("Nachtschicht — \u{1f319}".to_owned()),
        digest: text.digest(),
        created_at: now,
        expires_at: Some(now + Duration::from_secs(3_600)),
        last_used_at: None,
        revoked_at: None,
    };
    change(&mut token);
    token
}

/// Each field, and each scope.
pub async fn a_token_is_kept_as_it_was_made(store: &dyn Store) {
    let full = stored(store, |_| {}).await;
    assert_eq!(store.valid_token(full.id).await.unwrap(), Some(full.clone()));
    for &scope in Scope::ALL {
        let bare = stored(store, |token| {
            token.scope = scope;
            (token.tenant, token.name, token.expires_at) = (None, None, None);
        })
        .await;
        assert_eq!(store.valid_token(bare.id).await.unwrap(), Some(bare));
    }
    assert_eq!(store.valid_token(TokenId::new(Timestamp::now())).await.unwrap(), None);
}

/// Also those that are worth nothing any more.
pub async fn tokens_are_listed_newest_first(store: &dyn Store) {
    assert!(store.list_tokens().await.unwrap().is_empty());
    let now = Timestamp::now();
    let mut expected = Vec::new();
    for age in [3, 2, 1] {
        let id = TokenId::new(now - Duration::from_secs(age));
        let token = stored(store, |token| (token.id, token.expires_at) = (id, Some(now))).await;
        expected.insert(0, token);
    }
    assert_eq!(store.list_tokens().await.unwrap(), expected);
}

/// By the database's clock.
pub async fn an_expired_token_is_worth_nothing(store: &dyn Store) {
    let now = store.feed(&[], 1).await.unwrap().now;
    let expired = stored(store, |token| token.expires_at = Some(now - Duration::from_millis(1))).await;
    assert_eq!(store.valid_token(expired.id).await.unwrap(), None);
}

/// At once and for good; the first revocation counts.
pub async fn a_revoked_token_is_worth_nothing(store: &dyn Store) {
    let token = stored(store, |_| {}).await;
    let other = stored(store, |_| {}).await;
    let revoked = store.revoke_token(token.id, &given::asked()).await.unwrap().unwrap();
    assert!(revoked.revoked_at.is_some());
    assert_eq!(Token { revoked_at: None, ..revoked.clone() }, token);
    assert_eq!(store.valid_token(token.id).await.unwrap(), None);
    assert_eq!(store.revoke_token(token.id, &given::asked()).await.unwrap(), Some(revoked));
    assert_eq!(store.revoke_token(TokenId::new(Timestamp::now()), &given::asked()).await.unwrap(), None);
    assert_eq!(store.valid_token(other.id).await.unwrap(), Some(other));
}

/// A token that is used a thousand times a second costs one write a minute.
pub async fn a_tokens_use_is_noted_once_a_minute(store: &dyn Store) {
    let token = stored(store, |_| {}).await;
    store.note_token_use(token.id).await.unwrap();
    let noted = store.valid_token(token.id).await.unwrap().unwrap().last_used_at;
    assert!(noted.is_some_and(|at| at >= token.created_at));
    store.note_token_use(token.id).await.unwrap();
    assert_eq!(store.valid_token(token.id).await.unwrap().unwrap().last_used_at, noted);
    store.note_token_use(TokenId::new(Timestamp::now())).await.unwrap();
}

/// What is worth something stays, however old.
pub async fn tokens_that_ended_long_ago_are_forgotten(store: &dyn Store) {
    let old = Timestamp::now() - given::DAY * 100;
    let valid = stored(store, |token| (token.created_at, token.expires_at) = (old, None)).await;
    let expired = stored(store, |token| (token.created_at, token.expires_at) = (old, Some(old + given::DAY))).await;
    let recently = stored(store, |token| token.expires_at = Some(Timestamp::now() - given::DAY)).await;
    keep_house(store, &Retention::default()).await;
    let mut left: Vec<_> = store.list_tokens().await.unwrap().into_iter().map(|token| token.id).collect();
    left.sort_unstable();
    let mut kept = [valid.id, recently.id];
    kept.sort_unstable();
    assert_eq!(left, kept, "{} went", expired.id);
}

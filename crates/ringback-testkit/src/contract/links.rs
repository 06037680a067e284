//! Links that open pages without a login: what is kept, and until when one opens anything.

use std::time::Duration;

use ringback::{
    id::{EventId, LinkId},
    link::{Link, LinkText, Opens, PortalScope},
    store::{Retention, Store},
    time::Timestamp,
};

use super::{given, upkeep::keep_house};

/// A link to a portal that expires in an hour, stored.
async fn stored(store: &dyn Store, change: impl FnOnce(&mut Link)) -> Link {
    let now = Timestamp::from_millis(Timestamp::now().millis());
    let text = LinkText::generate(LinkId::new(now));
    let mut link = Link {
        id: text.id(),
        opens: Opens::Portal(PortalScope::Manage),
        tenant: "acme".to_owned(),
        digest: text.digest(),
        created_at: now,
        expires_at: now + Duration::from_secs(3_600),
        opened_at: None,
        revoked_at: None,
    };
    change(&mut link);
    store.create_link(&link, &given::asked()).await.unwrap();
    link
}

/// Each field, and each thing that it can open.
pub async fn a_link_is_kept_as_it_was_made(store: &dyn Store) {
    let event = EventId::new(Timestamp::now());
    let portals = PortalScope::ALL.iter().map(|scope| Opens::Portal(*scope));
    for opens in [Opens::Delivery(event.delivery(3)), Opens::KeyOf(event)].into_iter().chain(portals) {
        let link = stored(store, |link| link.opens = opens).await;
        assert_eq!(store.valid_link(link.id).await.unwrap(), Some(link.clone()));
        assert_eq!(store.link(link.id).await.unwrap(), Some(link));
    }
    let unknown = LinkId::new(Timestamp::now());
    assert_eq!(store.valid_link(unknown).await.unwrap(), None);
    assert_eq!(store.link(unknown).await.unwrap(), None);
}

/// By the database's clock.
pub async fn an_expired_link_opens_nothing(store: &dyn Store) {
    let now = store.feed(&[], 1).await.unwrap().now;
    let expired = stored(store, |link| link.expires_at = now - Duration::from_millis(1)).await;
    assert_eq!(store.valid_link(expired.id).await.unwrap(), None);
    assert!(!store.open_link(expired.id, &given::asked()).await.unwrap());
    assert_eq!(store.link(expired.id).await.unwrap(), Some(expired));
}

/// Two browsers that open it at the same moment get one session.
pub async fn a_link_becomes_a_session_once(store: &dyn Store) {
    let link = stored(store, |_| {}).await;
    let record = given::asked();
    let (one, other) = tokio::join!(store.open_link(link.id, &record), store.open_link(link.id, &record));
    assert_eq!(u8::from(one.unwrap()) + u8::from(other.unwrap()), 1);
    let opened = store.valid_link(link.id).await.unwrap().unwrap();
    assert!(opened.opened_at.is_some());
    assert_eq!(Link { opened_at: None, ..opened }, link);
    assert!(!store.open_link(link.id, &record).await.unwrap());
}

/// At once and for good; other links stay.
pub async fn a_revoked_link_opens_nothing(store: &dyn Store) {
    let (link, other) = (stored(store, |_| {}).await, stored(store, |_| {}).await);
    assert!(store.revoke_link(link.id, &given::asked()).await.unwrap());
    assert_eq!(store.valid_link(link.id).await.unwrap(), None);
    assert!(!store.open_link(link.id, &given::asked()).await.unwrap());
    assert!(store.link(link.id).await.unwrap().unwrap().revoked_at.is_some());
    assert!(!store.revoke_link(link.id, &given::asked()).await.unwrap(), "it is revoked already");
    assert!(!store.revoke_link(LinkId::new(Timestamp::now()), &given::asked()).await.unwrap());
    assert_eq!(store.valid_link(other.id).await.unwrap(), Some(other));
}

/// As tokens are.
pub async fn links_that_ended_long_ago_are_forgotten(store: &dyn Store) {
    let old = Timestamp::now() - given::DAY * 100;
    let ended = stored(store, |link| (link.created_at, link.expires_at) = (old, old + given::DAY)).await;
    let lately = stored(store, |link| link.expires_at = Timestamp::now() - given::DAY).await;
    keep_house(store, &Retention::default()).await;
    assert_eq!(store.link(ended.id).await.unwrap(), None);
    assert_eq!(store.link(lately.id).await.unwrap(), Some(lately));
}

//! Deliveries of one ordering key.

use std::time::Duration;

use ringback::store::{Change, Configuration as _, Operations as _, Work as _};
use ringback_testkit::contract::given::asked;

use crate::fixture::{Fixture, dead, event, ordered, retry, success};

#[tokio::test]
async fn only_the_head_of_an_ordering_key_is_fed() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let first = fixture.accept(ordered(endpoint.id, "call")).await;
    let second = fixture.accept(ordered(endpoint.id, "call")).await;
    let free = fixture.accept(event(&[endpoint.id])).await;
    assert_eq!((first.len(), second.len(), free.len()), (1, 0, 1));
    assert_eq!(fixture.feed().await, [first[0].clone(), free[0].clone()]);

    // A head that waits for its retry holds the others back.
    fixture.record(retry(&first[0], Duration::from_secs(3600))).await;
    assert_eq!(fixture.feed().await, free);
    let key = [(first[0].lane, "call".into())];
    assert!(fixture.store.heads(&key).await.unwrap().rows.is_empty());
    let mut head = first[0].clone();
    head.attempts = 1;
    fixture.record(success(&head)).await;
    let next = fixture.store.heads(&key).await.unwrap().rows;
    assert_eq!(next.len(), 1);
    assert!(next[0].seq > head.seq);
}

#[tokio::test]
async fn a_blocking_dead_letter_holds_its_key_until_it_is_discarded() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let first = fixture.accept(ordered(endpoint.id, "call")).await.remove(0);
    fixture.accept(ordered(endpoint.id, "call")).await;
    fixture.record(dead(&first, true)).await;
    assert!(fixture.feed().await.is_empty());
    assert!(fixture.accept(ordered(endpoint.id, "call")).await.is_empty());
    assert_eq!(fixture.accept(ordered(endpoint.id, "other")).await.len(), 1);

    let version = fixture.store.changes_since(0).await.unwrap().version;
    fixture.store.discard_dead_letter(first.id, &asked()).await.unwrap();
    let told = fixture.store.changes_since(version).await.unwrap().items;
    assert_eq!(told, [Change::DeliveryReleased(first.id)]);
    assert_eq!(fixture.feed().await.len(), 2);
}

#[tokio::test]
async fn a_replayed_dead_letter_is_the_head_again() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let first = fixture.accept(ordered(endpoint.id, "call")).await.remove(0);
    fixture.accept(ordered(endpoint.id, "call")).await;
    fixture.record(dead(&first, false)).await;
    assert_eq!(fixture.feed().await.len(), 1);
    fixture.store.replay_one(first.id, &asked()).await.unwrap();
    let fed = fixture.feed().await;
    assert_eq!(fed.iter().map(|due| due.id).collect::<Vec<_>>(), [first.id]);
}

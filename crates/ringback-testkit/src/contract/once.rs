//! Requests under an `Idempotency-Key`: carried out once, and decided with what they make.

use ringback::store::{Accepted, Created, DoneBefore, Group, Once, OnceName, Store, Updated};
use uuid::Uuid;

use super::{given, replays::everything_dead};

fn once(key: &str, object: Uuid) -> Once {
    let name = OnceName {
        binding: String::new(),
        tenant: "default".to_owned(),
        route: "something".to_owned(),
        key: key.to_owned(),
    };
    Once { name, content: b"sealed".to_vec(), object }
}

fn before(object: Uuid) -> DoneBefore {
    DoneBefore { content: b"sealed".to_vec(), object }
}

/// The second request makes nothing and is told what the first has made.
pub async fn a_request_under_a_key_is_carried_out_once(store: &dyn Store) {
    let (first, second) = (given::endpoint(), given::endpoint());
    let make = |endpoint: ringback::endpoint::StoredEndpoint, key| async move {
        let once = once(key, endpoint.id.uuid());
        store.create_endpoint(&endpoint, 10, Some(&once), &given::asked()).await.unwrap()
    };
    given::done(make(first.clone(), "k").await);
    match make(second.clone(), "k").await {
        Updated::Before(done) => assert_eq!(done, before(first.id.uuid())),
        other => panic!("{other:?}"),
    }
    given::done(make(second, "another").await);

    given::one_dead(store).await;
    let replay = || {
        let mut replay = everything_dead();
        replay.once = Some(once("replay", replay.id.uuid()));
        replay
    };
    let first = replay();
    given::made(store, &first).await;
    match store.create_replay(&replay(), &given::asked()).await.unwrap() {
        Created::Before(done) => assert_eq!(done, before(first.id.uuid())),
        other => panic!("{other:?}"),
    }
    assert_eq!(store.running_replays().await.unwrap().len(), 1);

    let test = || {
        let event = given::event_to(&[given::endpoint_id()]);
        Group { once: Some(once("test", event.id.uuid())), events: vec![event], record: Some(given::asked()) }
    };
    let (first, second) = (test(), test());
    let id = first.events[0].id;
    // Two in one transaction are as two, one after the other.
    let answers = store.accept(&[first, second], given::WINDOW).await.unwrap();
    assert!(matches!(answers[0][..], [Accepted::New(_)]));
    assert_eq!(answers[1], [Accepted::Before(before(id.uuid()))]);
    let again = store.accept(&[test()], given::WINDOW).await.unwrap();
    assert_eq!(again[0], [Accepted::Before(before(id.uuid()))]);
}

/// What is refused leaves the key free.
pub async fn a_request_that_is_refused_takes_no_key(store: &dyn Store) {
    let mut taken = given::endpoint();
    taken.key = Some("crm".to_owned());
    given::create(store, &taken).await;
    let refused = ringback::endpoint::StoredEndpoint { id: given::endpoint_id(), ..taken.clone() };
    let under = once("k", refused.id.uuid());
    let answer = store.create_endpoint(&refused, 10, Some(&under), &given::asked()).await.unwrap();
    assert!(matches!(answer, Updated::KeyTaken), "{answer:?}");
    let free = ringback::endpoint::StoredEndpoint { key: None, ..refused };
    given::done(store.create_endpoint(&free, 10, Some(&under), &given::asked()).await.unwrap());
}

/// However many come at the same moment.
pub async fn of_equal_requests_at_once_one_is_carried_out(store: &dyn Store) {
    let make = || async {
        let endpoint = given::endpoint();
        let once = once("k", endpoint.id.uuid());
        store.create_endpoint(&endpoint, 100, Some(&once), &given::asked()).await.unwrap()
    };
    let (a, b, c, d) = tokio::join!(make(), make(), make(), make());
    let mut made = Vec::new();
    for answer in [a, b, c, d] {
        match answer {
            Updated::Done(endpoint) => made.push(endpoint.id.uuid()),
            Updated::Before(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(made.len(), 1);
}

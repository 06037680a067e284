//! Replays of missing events: those that an endpoint selects by now and has no delivery of.

use std::time::Duration;

use ringback::{
    store::{EventState, Keys, ReplayFilter, ReplayScope, ReplayState, ReplayToCreate, Replayed, Span, Store, Wanting},
    time::Timestamp,
};

use super::{
    given,
    replays::{everything, everything_dead},
};

/// Each gets a new delivery under the next free number, and the ledger still balances.
pub async fn missing_events_get_a_new_delivery(store: &dyn Store) {
    let endpoint = given::create(store, &given::endpoint()).await;
    let other = given::endpoint_id();
    let unmatched = given::event();
    let elsewhere = given::event_to(&[other]);
    let there = given::event_to(&[endpoint.id]);
    let inline = given::inline_event("https://hooks.example.com/a", "hooks.example.com");
    let expunged = given::event();
    let mut of_another = given::event();
    of_another.tenant = "another".to_owned();
    let mut test = given::event();
    test.test = true;
    let ids = [unmatched.id, elsewhere.id, expunged.id];
    for event in [unmatched, elsewhere, there, inline, expunged, of_another, test] {
        given::accept(store, event).await;
    }
    store.expunge(ids[2], Keys::Keep, &given::asked()).await.unwrap();
    let duplicate = given::event();
    given::accept(store, duplicate).await;
    let before = store.ledger(None, Span::default()).await.unwrap();
    let mut replay = everything(Replayed::Missing);
    replay.scope.filter.endpoint = Some(endpoint.id);
    replay.scope.filter.created.until = Some(Timestamp::now() + Duration::from_secs(60));
    replay.scope.wanting = Some(Wanting {
        endpoint: endpoint.id,
        tenant: endpoint.tenant.clone(),
        key: None,
        event_types: vec!["*".to_owned()],
        ordered: false,
    });
    let preview = ReplayToCreate { dry_run: true, ..replay.clone() };
    assert_eq!(given::made(store, &preview).await.matched, 3);
    let row = given::made(store, &replay).await;
    assert_eq!((row.matched, row.remaining), (3, 3));
    let version = store.config_version().await.unwrap();
    assert_eq!(store.release_replayed(replay.id, &replay.scope, 2).await.unwrap(), 2);
    assert!(!store.changes_since(version).await.unwrap().items.is_empty(), "the lane's owner is told");
    assert_eq!(store.release_replayed(replay.id, &replay.scope, 2).await.unwrap(), 1);
    assert_eq!(store.release_replayed(replay.id, &replay.scope, 2).await.unwrap(), 0);
    let of_endpoint = |due: &&ringback::delivery::Due| due.endpoint == Some(endpoint.id) && due.marks.replay;
    let due = given::all_due(store).await;
    let made: Vec<_> = due.iter().filter(of_endpoint).collect();
    assert_eq!(made.len(), 3);
    assert!(made.iter().any(|due| due.id == ids[0].delivery(1)), "the first of an event that nobody wanted");
    assert!(made.iter().any(|due| due.id == ids[1].delivery(2)), "the next of one that another got");
    assert_eq!(store.event(ids[0]).await.unwrap().unwrap().state, EventState::Routed);
    let after = store.ledger(None, Span::default()).await.unwrap();
    assert_eq!(after.deliveries.pending, before.deliveries.pending + 3);
    assert_eq!((after.events.unmatched, after.events.routed), (before.events.unmatched - 2, before.events.routed + 2));
    let events = after.events;
    assert_eq!(events.accepted, events.unrouted + events.duplicate + events.unmatched + events.routed);
    assert!(given::record(store, given::delivered(made[0])).await);
    let row = store.replay(replay.id).await.unwrap().unwrap();
    assert_eq!((row.state, row.released, row.skipped, row.delivered), (ReplayState::Completed, 3, 0, 1));
    assert_eq!(given::made(store, &preview).await.matched, 0, "none is missing now");
}

/// What is no longer missing when its turn comes.
pub async fn a_missing_event_that_is_there_by_then_is_skipped(store: &dyn Store) {
    let endpoint = given::create(store, &given::endpoint()).await;
    given::accept(store, given::event()).await;
    let gone = given::event();
    let gone_id = gone.id;
    given::accept(store, gone).await;
    let scope = ReplayScope {
        wanting: Some(Wanting {
            endpoint: endpoint.id,
            tenant: endpoint.tenant.clone(),
            key: None,
            event_types: vec!["*".to_owned()],
            ordered: false,
        }),
        ..ReplayScope::of(ReplayFilter { endpoint: Some(endpoint.id), ..ReplayFilter::all(Replayed::Missing) })
    };
    let [first, second, third] = [(); 3].map(|()| ReplayToCreate { scope: scope.clone(), ..everything_dead() });
    for replay in [&first, &second, &third] {
        assert_eq!(given::made(store, replay).await.matched, 2);
    }
    store.expunge(gone_id, Keys::Keep, &given::asked()).await.unwrap();
    let came_to = |id| async move {
        let row = store.replay(id).await.unwrap().unwrap();
        (row.released, row.skipped)
    };
    store.release_replayed(first.id, &scope, 10).await.unwrap();
    assert_eq!(came_to(first.id).await, (1, 1), "expunged meanwhile");
    store.release_replayed(second.id, &scope, 10).await.unwrap();
    assert_eq!(came_to(second.id).await, (0, 2), "there already");
    store.delete_endpoint(endpoint.id, None, &given::asked()).await.unwrap();
    store.release_replayed(third.id, &scope, 10).await.unwrap();
    assert_eq!(came_to(third.id).await, (0, 2), "the endpoint is deleted");
}

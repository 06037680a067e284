//! What happens to events between two tries to retire their partition.

use super::*;

#[tokio::test]
async fn expunging_reaches_an_event_that_is_being_moved() {
    let (store, schema) = with_a_past(4).await;
    let (id, due) = old_event(&store, 3).await;
    given::record(&store, given::dead(&due[0])).await;
    let copy = format!("INSERT INTO {schema}.moving_event SELECT * FROM {schema}.event");
    store.desk().await.unwrap().execute(AssertSqlSafe(copy)).await.unwrap();
    assert!(store.expunge(id, Keys::Keep, &given::asked()).await.unwrap().is_some());
    let kept = Retention { events: DAY, ..Retention::default() };
    retire_all(&store, &kept).await;
    assert_eq!(store.payload(id).await.unwrap(), PayloadRead::Expunged);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn what_was_removed_after_a_try_to_retire_does_not_come_back() {
    let (store, schema) = with_a_past(5).await;
    let (id, due) = old_event(&store, 4).await;
    retire_all(&store, &Retention { events: DAY * 3, ..Retention::default() }).await;
    assert!(matches!(store.payload(id).await.unwrap(), PayloadRead::Bytes(_)), "owed, and kept");
    deliver(&store, &due).await;
    let before = ledger(&store, None).await;
    let kept = Retention { events: DAY, ..Retention::default() };
    try_to_retire(&store, &schema, &kept).await;
    prune(&store, &kept).await;
    assert!(store.event(id).await.unwrap().is_none());
    assert_eq!(ledger(&store, None).await, before);
    keep_house(&store, &kept).await;
    assert!(store.event(id).await.unwrap().is_none(), "a copy was made of it before it was removed");
    assert_eq!(ledger(&store, None).await, before);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn a_payload_that_expired_after_a_try_to_retire_does_not_come_back() {
    let (store, schema) = with_a_past(5).await;
    let (id, due) = old_event(&store, 4).await;
    let kept = Retention { events: DAY, payloads: DAY, ..Retention::default() };
    try_to_retire(&store, &schema, &kept).await;
    deliver(&store, &due).await;
    let before = ledger(&store, None).await;
    while sweep::payloads(&store, &kept).await.unwrap() {}
    assert_eq!(store.payload(id).await.unwrap(), PayloadRead::Expired);
    retire_all(&store, &kept).await;
    assert_eq!(store.payload(id).await.unwrap(), PayloadRead::Expired);
    assert_eq!(ledger(&store, None).await, before);
    keep_house(&store, &kept).await;
    prune(&store, &kept).await;
    assert!(store.event(id).await.unwrap().is_none());
    balances_to_the_end(&store, &schema, &kept, &before).await;
}

#[tokio::test]
async fn expunging_between_two_tries_to_retire_is_for_good() {
    let (store, schema) = with_a_past(5).await;
    let (pending, _) = old_event(&store, 4).await;
    let (dead, due) = old_event(&store, 4).await;
    given::record(&store, given::dead(&due[0])).await;
    given::record(&store, given::delivered(&due[1])).await;
    let kept = Retention { events: DAY, ..Retention::default() };
    try_to_retire(&store, &schema, &kept).await;
    for id in [pending, dead] {
        assert!(store.expunge(id, Keys::Erase, &given::asked()).await.unwrap().is_some());
    }
    let before = ledger(&store, None).await;
    retire_all(&store, &kept).await;
    for id in [pending, dead] {
        assert_eq!(store.payload(id).await.unwrap(), PayloadRead::Expunged);
    }
    assert_eq!(ledger(&store, None).await, before);
    keep_house(&store, &kept).await;
    prune(&store, &kept).await;
    assert!(store.event(pending).await.unwrap().is_none());
    balances_to_the_end(&store, &schema, &kept, &before).await;
}

#[tokio::test]
async fn what_is_settled_between_two_tries_to_retire_is_counted_once() {
    let (store, schema) = with_a_past(5).await;
    let endpoint = given::create(&store, &given::endpoint()).await;
    let (_, sent) = old_event(&store, 4).await;
    let (_, dead) = old_event(&store, 4).await;
    given::record(&store, given::dead(&dead[0])).await;
    given::record(&store, given::dead(&dead[1])).await;
    let of_deleted = given::event_with(EventId::new(Timestamp::now() - DAY * 4));
    given::accept_due(&store, given::sent_to(of_deleted, &[endpoint.id])).await;
    let kept = Retention { events: DAY, ..Retention::default() };
    try_to_retire(&store, &schema, &kept).await;
    deliver(&store, &sent).await;
    store.replay_one(dead[0].id, ReplayOf::Either, &given::asked()).await.unwrap();
    let again = given::all_due(&store).await.into_iter().find(|it| it.id == dead[0].id).unwrap();
    given::record(&store, given::delivered(&again)).await;
    store.discard_dead_letter(dead[1].id, &given::asked()).await.unwrap();
    given::done(store.delete_endpoint(endpoint.id, None, &given::asked()).await.unwrap());
    let before = ledger(&store, None).await;
    assert_eq!((before.deliveries.delivered, before.deliveries.cancelled), (3, 2));
    retire_all(&store, &kept).await;
    balances_to_the_end(&store, &schema, &kept, &before).await;
}

#[tokio::test]
async fn what_is_made_anew_after_counting_makes_retiring_begin_again() {
    let (store, schema) = with_a_past(5).await;
    let wanting = given::create(&store, &given::endpoint()).await;
    let (id, due) = old_event(&store, 4).await;
    deliver(&store, &due).await;
    let kept = Retention { events: DAY * 2, ..Retention::default() };
    try_to_retire(&store, &schema, &kept).await;
    let cutoff = EventId::floor(Timestamp::now() - DAY * 2).uuid();
    let all = list(&store, &mut store.desk().await.unwrap()).await.unwrap();
    let (lower, upper) = retire::droppable(&all, EVENTS, cutoff).unwrap();
    let counted = retire::count(&store, lower, upper).await.unwrap().unwrap();
    // The endpoint gets what it missed, and is done with it, before anything is dropped.
    let wanting = Wanting {
        tenant: wanting.tenant.clone(),
        key: None,
        event_types: wanting.event_types.clone(),
        endpoint: wanting.id,
        ordered: false,
    };
    let filter = ReplayFilter { endpoint: Some(wanting.endpoint), ..ReplayFilter::all(Replayed::Missing) };
    let scope = ReplayScope { wanting: Some(wanting), ..ReplayScope::of(filter) };
    let replay = ReplayToCreate {
        id: ReplayId::new(Timestamp::now()),
        scope: scope.clone(),
        rate_per_second: None,
        note: None,
        dry_run: false,
        once: None,
    };
    assert_eq!(given::made(&store, &replay).await.matched, 1);
    while store.release_replayed(replay.id, &scope, 100).await.unwrap() > 0 {}
    let anew = given::all_due(&store).await.remove(0);
    assert_eq!(anew.id, id.delivery(3));
    given::record(&store, given::delivered(&anew)).await;
    let before = ledger(&store, None).await;
    assert!(retire::swap(&store, counted).await.unwrap(), "there is more to do");
    assert_eq!(partitions(&store, "event").await[1].lower, Some(lower), "nothing was dropped");
    retire_all(&store, &kept).await;
    balances_to_the_end(&store, &schema, &kept, &before).await;
}

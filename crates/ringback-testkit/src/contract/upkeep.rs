//! Keeping house. Events carry their time in their ids, so a test makes old ones by making old ids.

use std::time::Duration;

use ringback::{
    delivery::{DeadReason, Due, HoldReason, Status},
    id::EventId,
    store::{Accepted, Hold, Kept, PayloadRead, Span, Store},
    time::Timestamp,
};

use super::{given, ledger::balanced};

/// Calls until there is nothing more to do.
pub(super) async fn keep_house(store: &dyn Store, kept: &Kept) {
    for _ in 0..100 {
        if !store.keep_house(kept).await.unwrap() {
            return;
        }
    }
    panic!("there is always more to do");
}

/// An event of so many days ago for two endpoints.
async fn old_event(store: &dyn Store, days: u32) -> (EventId, Vec<Due>) {
    let id = given::event_id_at(Timestamp::now() - given::DAY * days);
    let event = given::sent_to(given::event_with(id), &[given::endpoint_id(), given::endpoint_id()]);
    (id, given::accept_due(store, event).await)
}

/// With the default times, of what is fresh nothing goes.
pub async fn a_young_house_is_left_alone(store: &dyn Store) {
    let pending = given::one_due(store).await;
    let delivered = given::one_delivered(store).await;
    let dead = given::one_dead(store).await;
    keep_house(store, &Kept::default()).await;
    keep_house(store, &Kept::default()).await;
    for (due, status) in [(&pending, Status::Pending), (&delivered, Status::Delivered), (&dead, Status::Dead)] {
        assert_eq!(given::delivery(store, due.id).await.status, status);
        assert!(matches!(store.payload(due.id.event()).await.unwrap(), PayloadRead::Bytes(_)));
    }
    assert_eq!(store.attempts(dead.id).await.unwrap().len(), 1);
    given::one_delivered(store).await;
}

/// In lanes on hold and in lanes of paused or disabled endpoints; what is free is not touched.
pub async fn held_deliveries_expire(store: &dyn Store) {
    let free = given::one_due(store).await;
    let held = given::one_due(store).await;
    let now = store.feed(&[], 1).await.unwrap().now;
    let until = now + Duration::from_secs(3_600);
    store.set_holds(&[Hold { lane: held.lane, until, reason: HoldReason::RetryAfter, streak: 0 }]).await.unwrap();
    let mut paused = given::endpoint();
    paused.paused = true;
    let paused = given::create(store, &paused).await;
    let mut disabled = given::endpoint();
    disabled.enabled = false;
    let disabled = given::create(store, &disabled).await;
    let due = given::accept_due(store, given::event_to(&[paused.id, disabled.id])).await;
    assert_eq!(store.expire_held(Duration::from_secs(3_600)).await.unwrap(), 0, "not yet");
    let mut expired = 0;
    loop {
        match store.expire_held(Duration::ZERO).await.unwrap() {
            0 => break,
            more => expired += more,
        }
    }
    assert_eq!(expired, 3);
    for id in [held.id, due[0].id, due[1].id] {
        let row = given::delivery(store, id).await;
        assert_eq!((row.status, row.reason), (Status::Dead, Some(DeadReason::Expired)));
    }
    assert_eq!(given::due_ids(store).await, [free.id]);
}

/// Only being due and held does.
pub async fn waiting_for_a_retry_never_expires(store: &dyn Store) {
    let due = given::one_due(store).await;
    given::record(store, given::retried(&due, Duration::from_secs(3_600))).await;
    let now = store.feed(&[], 1).await.unwrap().now;
    let until = now + Duration::from_secs(3_600);
    let hold = Hold { lane: due.lane, until, reason: HoldReason::Failing, streak: 1 };
    store.set_holds(&[hold]).await.unwrap();
    assert_eq!(store.expire_held(Duration::ZERO).await.unwrap(), 0);
    assert_eq!(given::delivery(store, due.id).await.status, Status::Pending);
}

/// Neither what is pending nor what is dead loses its payload.
pub async fn old_payloads_are_removed_but_not_what_is_owed(store: &dyn Store) {
    let (done, due) = old_event(store, 40).await;
    for due in &due {
        given::record(store, given::delivered(due)).await;
    }
    let (pending, due) = old_event(store, 40).await;
    given::record(store, given::delivered(&due[0])).await;
    let (dead, due) = old_event(store, 40).await;
    given::record(store, given::dead(&due[0])).await;
    given::record(store, given::delivered(&due[1])).await;
    let (young, due) = old_event(store, 20).await;
    for due in &due {
        given::record(store, given::delivered(due)).await;
    }
    keep_house(store, &Kept::default()).await;
    assert_eq!(store.payload(done).await.unwrap(), PayloadRead::Expired);
    assert!(store.event(done).await.unwrap().is_some(), "its skeleton stays");
    for id in [pending, dead, young] {
        assert!(matches!(store.payload(id).await.unwrap(), PayloadRead::Bytes(_)));
    }
}

/// Skeletons, finished deliveries and verdicts.
pub async fn old_events_go_and_the_ledger_remembers(store: &dyn Store) {
    let (old, due) = old_event(store, 100).await;
    given::record(store, given::delivered(&due[0])).await;
    given::record(store, given::dead(&due[1])).await;
    store.discard_dead_letter(due[1].id, &given::asked()).await.unwrap();
    let unmatched = given::event_with(given::event_id_at(Timestamp::now() - given::DAY * 100));
    let unmatched_id = unmatched.id;
    given::accept_due(store, unmatched).await;
    given::one_delivered(store).await;
    let before = balanced(store, None, Span::default()).await;
    keep_house(store, &Kept::default()).await;
    assert!(store.event(old).await.unwrap().is_none());
    assert!(store.event(unmatched_id).await.unwrap().is_none());
    for due in &due {
        assert!(store.delivery(due.id).await.unwrap().is_none());
        assert!(store.attempts(due.id).await.unwrap().is_empty());
    }
    assert_eq!(balanced(store, None, Span::default()).await, before);
    assert_eq!(balanced(store, Some("default"), Span::default()).await, before);
    let recent = Span { since: Some(Timestamp::now() - given::DAY), until: None };
    assert_eq!(balanced(store, None, recent).await.events.accepted, 1);
}

/// With its payload, and it can still be sent.
pub async fn what_is_owed_or_dead_outlives_its_retention(store: &dyn Store) {
    let (pending, due) = old_event(store, 100).await;
    given::record(store, given::delivered(&due[0])).await;
    let (dead, of_dead) = old_event(store, 100).await;
    given::record(store, given::dead(&of_dead[0])).await;
    given::record(store, given::delivered(&of_dead[1])).await;
    let before = balanced(store, None, Span::default()).await;
    keep_house(store, &Kept::default()).await;
    for id in [pending, dead] {
        assert!(matches!(store.payload(id).await.unwrap(), PayloadRead::Bytes(_)));
        assert!(store.event(id).await.unwrap().is_some());
    }
    assert_eq!(balanced(store, None, Span::default()).await, before);
    assert_eq!(store.replay_one(of_dead[0].id, &given::asked()).await.unwrap(), ringback::store::ReplayOne::Released);
    for due in given::all_due(store).await {
        assert!(given::record(store, given::delivered(&due)).await);
    }
    let after = balanced(store, None, Span::default()).await;
    assert_eq!((after.deliveries.delivered, after.deliveries.owed), (4, 4));
}

/// By when they died, not by when their events were accepted.
pub async fn old_dead_letters_go_with_their_events(store: &dyn Store) {
    let (id, due) = old_event(store, 100).await;
    given::record(store, given::dead(&due[0])).await;
    given::record(store, given::delivered(&due[1])).await;
    let before = balanced(store, None, Span::default()).await;
    let kept = Kept { dead_letters: Duration::ZERO, ..Kept::default() };
    keep_house(store, &kept).await;
    assert!(store.delivery(due[0].id).await.unwrap().is_none_or(|row| row.status != Status::Dead));
    assert!(store.event(id).await.unwrap().is_none());
    assert_eq!(balanced(store, None, Span::default()).await, before);
}

/// Those within their window are not.
pub async fn old_keys_are_forgotten(store: &dyn Store) {
    let keyed = |days: u32| {
        let mut event = given::event_with(given::event_id_at(Timestamp::now() - given::DAY * days));
        event.idempotency_key = Some(format!("{days} days"));
        event
    };
    let young = keyed(1);
    let young_id = young.id;
    given::accept_due(store, young).await;
    given::accept_due(store, keyed(8)).await;
    keep_house(store, &Kept::default()).await;
    let window = given::DAY * 1_000;
    let group = |days: u32| {
        let mut event = keyed(days);
        event.id = given::event_id();
        [ringback::store::Group { events: vec![event], record: None }]
    };
    assert_eq!(store.accept(&group(1), window).await.unwrap()[0], [Accepted::Duplicate(young_id)]);
    assert!(matches!(store.accept(&group(8), window).await.unwrap()[0][..], [Accepted::New(_)]));
}

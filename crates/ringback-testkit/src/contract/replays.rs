//! Sending one delivery again, under the same id.

use std::time::Duration;

use ringback::{
    delivery::{DeadReason, LaneId, Status},
    id::ReplayId,
    store::{
        Change, Elsewhere, Keys, ReplayFilter, ReplayOf, ReplayOne, ReplayScope, ReplayToCreate, Replayed, Settlement,
        Span, Store,
    },
    time::Timestamp,
};

use super::given;

/// A replay of every dead letter there is.
pub(super) fn everything_dead() -> ReplayToCreate {
    everything(Replayed::Dead)
}

/// A replay of everything that has fared so.
pub(super) fn everything(status: Replayed) -> ReplayToCreate {
    ReplayToCreate {
        id: ReplayId::new(Timestamp::now()),
        scope: ReplayScope::of(ReplayFilter::all(status)),
        rate_per_second: Some(12.5),
        note: Some("repaired".to_owned()),
        dry_run: false,
        once: None,
    }
}

/// Due now, marked as a replay, its lane's owner told.
pub async fn a_dead_letter_goes_back_under_its_id_with_a_full_budget(store: &dyn Store) {
    let dead = given::one_dead(store).await;
    let version = store.config_version().await.unwrap();
    assert_eq!(store.replay_one(dead.id, ReplayOf::Either, &given::asked()).await.unwrap(), ReplayOne::Released);
    assert_eq!(store.changes_since(version).await.unwrap().items, [Change::DeliveryReleased(dead.id)]);
    let again = given::all_due(store).await.remove(0);
    assert_eq!((again.id, again.attempts, again.attempts_at_refill), (dead.id, 1, 1));
    assert_eq!((again.lane, again.endpoint, again.seq), (dead.lane, dead.endpoint, dead.seq));
    assert!(again.marks.replay && !again.marks.delivered_before);
    assert_eq!(given::delivery(store, dead.id).await.status, Status::Pending);
    assert!(given::record(store, given::delivered(&again)).await);
    assert_eq!(given::delivery(store, dead.id).await.status, Status::Delivered);
    let numbers: Vec<_> = store.attempts(dead.id).await.unwrap().iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 2]);
}

/// Delivered again, retried or given up.
pub async fn a_delivered_one_stays_delivered_whatever_its_replay_does(store: &dyn Store) {
    for outcome in [given::delivered, given::dead] {
        let due = given::one_delivered(store).await;
        let first = given::delivery(store, due.id).await;
        assert_eq!(store.replay_one(due.id, ReplayOf::Either, &given::asked()).await.unwrap(), ReplayOne::Released);
        let again = given::all_due(store).await.remove(0);
        assert_eq!((again.id, again.attempts, again.attempts_at_refill), (due.id, 1, 1));
        assert!(again.marks.replay && again.marks.delivered_before);
        let row = given::delivery(store, due.id).await;
        assert_eq!((row.status, row.due_at), (Status::Delivered, Some(again.due_at)));
        assert_eq!(store.replay_one(due.id, ReplayOf::Either, &given::asked()).await.unwrap(), ReplayOne::Pending);
        assert!(given::record(store, given::retried(&again, Duration::ZERO)).await);
        let again = given::all_due(store).await.remove(0);
        assert_eq!(given::delivery(store, due.id).await.attempts, 2);
        assert!(given::record(store, outcome(&again)).await);
        let row = given::delivery(store, due.id).await;
        assert_eq!((row.status, row.due_at, row.attempts), (Status::Delivered, None, 3));
        assert_eq!(row.finished_at, first.finished_at);
        assert_eq!(store.attempts(due.id).await.unwrap().len(), 3);
        assert!(given::all_due(store).await.is_empty());
    }
    let ledger = store.ledger(None, Span::default()).await.unwrap().deliveries;
    assert_eq!((ledger.owed, ledger.delivered, ledger.dead), (2, 2, 0));
}

/// Also where it is ended from outside, and also once the attempts themselves are dropped.
pub async fn attempts_of_a_replay_count_however_it_ends(store: &dyn Store) {
    let endpoint = given::create(store, &given::endpoint()).await;
    let due = given::accept_due(store, given::event_to(&[endpoint.id])).await.remove(0);
    assert!(given::record(store, given::delivered(&due)).await);
    assert_eq!(store.replay_one(due.id, ReplayOf::Either, &given::asked()).await.unwrap(), ReplayOne::Released);
    let again = given::all_due(store).await.remove(0);
    assert!(given::record(store, given::retried(&again, Duration::from_secs(3_600))).await);
    given::done(store.delete_endpoint(endpoint.id, None, &given::asked()).await.unwrap());
    let row = given::delivery(store, due.id).await;
    assert_eq!((row.status, row.due_at, row.attempts), (Status::Delivered, None, 2));
}

/// One that came when its replay had ended already, without an attempt.
pub async fn a_stale_attempt_of_a_replay_does_not_count(store: &dyn Store) {
    let due = given::one_delivered(store).await;
    store.replay_one(due.id, ReplayOf::Either, &given::asked()).await.unwrap();
    let again = given::all_due(store).await.remove(0);
    let unroutable = Settlement::Dead { reason: DeadReason::Unroutable, detail: None, blocks: false };
    assert!(given::record(store, given::recorded(&again, unroutable, None)).await);
    assert!(!given::record(store, given::delivered(&again)).await);
    assert_eq!(given::delivery(store, due.id).await.attempts, 1);
    store.replay_one(due.id, ReplayOf::Either, &given::asked()).await.unwrap();
    let again = given::all_due(store).await.remove(0);
    assert_eq!((again.attempts, again.attempts_at_refill), (1, 1));
    assert!(given::record(store, given::delivered(&again)).await);
    assert_eq!(given::delivery(store, due.id).await.attempts, 2);
}

/// Dead or delivered; what may not be replayed stays where it is, and so does what goes to an endpoint.
pub async fn an_inline_delivery_is_replayed_into_the_lane_of_another_url(store: &dyn Store) {
    let to = |host: &str| Elsewhere {
        destination: format!(r#"{{"url":"https://{host}/"}}"#),
        lane: LaneId::of_inline("default", "https", host, 443),
    };
    let due = given::accept_due(store, given::inline_event("https://a.example/", "a.example")).await.remove(0);
    let pending = store.replay_elsewhere(due.id, ReplayOf::Either, &to("b.example"), &given::asked()).await.unwrap();
    assert_eq!(pending, ReplayOne::Pending);
    assert_eq!(given::delivery(store, due.id).await.lane, due.lane);
    assert!(given::record(store, given::dead(&due)).await);
    for (host, dies) in [("b.example", false), ("c.example", true), ("d.example", false)] {
        let version = store.config_version().await.unwrap();
        let moved = store.replay_elsewhere(due.id, ReplayOf::Either, &to(host), &given::asked()).await.unwrap();
        assert_eq!(moved, ReplayOne::Released, "{host}");
        assert_eq!(store.changes_since(version).await.unwrap().items, [Change::DeliveryReleased(due.id)]);
        let again = given::all_due(store).await.remove(0);
        assert_eq!((again.id, again.lane), (due.id, to(host).lane));
        assert_eq!(given::delivery(store, due.id).await.event.destination, Some(to(host).destination));
        let outcome = if dies { given::dead(&again) } else { given::delivered(&again) };
        assert!(given::record(store, outcome).await);
    }
    let registered = given::one_dead(store).await;
    store.replay_elsewhere(registered.id, ReplayOf::Either, &to("b.example"), &given::asked()).await.unwrap();
    let row = given::delivery(store, registered.id).await;
    assert_eq!((row.lane, row.event.destination), (registered.lane, None));
}

/// They never begin anew, so a stale outcome of long ago can never fit.
pub async fn attempt_numbers_rise_over_every_replay(store: &dyn Store) {
    let first = given::one_due(store).await;
    assert!(given::record(store, given::dead(&first)).await);
    for round in 1..4 {
        assert_eq!(store.replay_one(first.id, ReplayOf::Either, &given::asked()).await.unwrap(), ReplayOne::Released);
        let again = given::all_due(store).await.remove(0);
        assert_eq!(again.attempts, round);
        assert!(!given::record(store, given::delivered(&first)).await, "an outcome of the first round is stale");
        assert!(given::record(store, given::dead(&again)).await);
    }
    store.replay_one(first.id, ReplayOf::Either, &given::asked()).await.unwrap();
    let again = given::all_due(store).await.remove(0);
    assert!(given::record(store, given::delivered(&again)).await);
    for round in 5..8 {
        store.replay_one(first.id, ReplayOf::Either, &given::asked()).await.unwrap();
        let again = given::all_due(store).await.remove(0);
        assert_eq!(again.attempts, round, "also of what was delivered");
        assert!(given::record(store, given::delivered(&again)).await);
    }
}

/// And changes nothing, nor tells anyone.
pub async fn what_cannot_be_replayed_says_why(store: &dyn Store) {
    let pending = given::one_due(store).await;
    let cancelled = given::one_dead(store).await;
    store.discard_dead_letter(cancelled.id, &given::asked()).await.unwrap();
    let expunged = given::one_delivered(store).await;
    store.expunge(expunged.id.event(), Keys::Keep, &given::asked()).await.unwrap();
    let expunged_dead = given::one_dead(store).await;
    store.expunge(expunged_dead.id.event(), Keys::Keep, &given::asked()).await.unwrap();
    let endpoint = given::create(store, &given::endpoint()).await;
    let due = given::accept_due(store, given::event_to(&[endpoint.id])).await.remove(0);
    given::record(store, given::dead(&due)).await;
    store.delete_endpoint(endpoint.id, None, &given::asked()).await.unwrap();
    let version = store.config_version().await.unwrap();
    for (id, why) in [
        (pending.id, ReplayOne::Pending),
        (cancelled.id, ReplayOne::Cancelled),
        (expunged.id, ReplayOne::Expunged),
        (expunged_dead.id, ReplayOne::Expunged),
        (due.id, ReplayOne::EndpointDeleted),
        (given::event_id().delivery(1), ReplayOne::Absent),
    ] {
        assert_eq!(store.replay_one(id, ReplayOf::Either, &given::asked()).await.unwrap(), why);
    }
    assert_eq!(store.config_version().await.unwrap(), version);
    assert_eq!(given::due_ids(store).await, [pending.id]);
}

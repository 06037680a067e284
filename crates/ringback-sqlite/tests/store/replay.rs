//! Sending again.

use ringback::{
    delivery::Status,
    id::ReplayId,
    store::{Change, Configuration as _, Operations as _, ReplayFilter, ReplayOne, ReplayState, ReplayToCreate, Span},
    time::Timestamp,
};
use ringback_testkit::contract::given::asked;

use crate::fixture::{Fixture, dead, event, success};

fn of_status(status: Status) -> ReplayToCreate {
    ReplayToCreate {
        id: ReplayId::new(Timestamp::now()),
        filter: ReplayFilter {
            tenant: None,
            endpoint: None,
            event_type: None,
            key: None,
            status,
            created: Span::default(),
        },
        filter_json: "{}".to_owned(),
        rate_per_second: Some(5.5),
        reason: Some("repaired".to_owned()),
        dry_run: false,
    }
}

#[tokio::test]
async fn a_delivered_one_stays_delivered_whatever_its_replay_does() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let due = fixture.accept(event(&[endpoint.id])).await.remove(0);
    fixture.record(success(&due)).await;
    assert_eq!(fixture.store.replay_one(due.id, &asked()).await.unwrap(), ReplayOne::Released);
    assert_eq!(fixture.store.replay_one(due.id, &asked()).await.unwrap(), ReplayOne::Pending);
    let again = fixture.feed().await.remove(0);
    assert_eq!((again.attempts, again.attempts_at_refill), (1, 1));
    assert!(again.marks.replay && again.marks.delivered_before);
    let row = fixture.store.delivery(due.id).await.unwrap().unwrap();
    assert_eq!((row.status, row.due_at), (Status::Delivered, Some(again.due_at)));

    assert!(fixture.record(dead(&again, false)).await);
    let row = fixture.store.delivery(due.id).await.unwrap().unwrap();
    assert_eq!((row.status, row.attempts, row.due_at), (Status::Delivered, 2, None));
    let ledger = fixture.store.ledger(None, Span::default()).await.unwrap();
    assert_eq!((ledger.deliveries.owed, ledger.deliveries.delivered), (1, 1));
    // The next replay goes on counting.
    fixture.store.replay_one(due.id, &asked()).await.unwrap();
    let third = fixture.feed().await.remove(0);
    assert_eq!(third.attempts, 2);
    assert!(fixture.record(success(&third)).await);
    let numbers: Vec<_> = fixture.store.attempts(due.id).await.unwrap().iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
}

#[tokio::test]
async fn what_cannot_be_sent_again_says_why() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let due = fixture.accept(event(&[endpoint.id, endpoint.id])).await;
    assert_eq!(fixture.store.replay_one(due[0].id, &asked()).await.unwrap(), ReplayOne::Pending);
    fixture.record(dead(&due[0], false)).await;
    let absent = due[0].id.event().delivery(9);
    assert_eq!(fixture.store.replay_one(absent, &asked()).await.unwrap(), ReplayOne::Absent);
    fixture.store.delete_endpoint(endpoint.id, None, &asked()).await.unwrap();
    assert_eq!(fixture.store.replay_one(due[0].id, &asked()).await.unwrap(), ReplayOne::EndpointDeleted);
    assert_eq!(fixture.store.replay_one(due[1].id, &asked()).await.unwrap(), ReplayOne::Cancelled);
    fixture.store.expunge(due[0].id.event(), &asked()).await.unwrap();
    assert_eq!(fixture.store.replay_one(due[0].id, &asked()).await.unwrap(), ReplayOne::Expunged);
}

#[tokio::test]
async fn a_replay_of_many_is_a_fixed_set_that_is_released_in_order() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let mut letters = Vec::new();
    for _ in 0..5 {
        let due = fixture.accept(event(&[endpoint.id])).await.remove(0);
        fixture.record(dead(&due, false)).await;
        letters.push(due);
    }
    letters.sort_by_key(|due| due.id);
    let mut replay = of_status(Status::Dead);
    replay.dry_run = true;
    let preview = fixture.store.create_replay(&replay, &asked()).await.unwrap();
    assert_eq!((preview.id, preview.state, preview.matched), (None, ReplayState::Preview, 5));
    replay.dry_run = false;
    let made = fixture.store.create_replay(&replay, &asked()).await.unwrap();
    assert_eq!((made.state, made.matched, made.bytes, made.remaining), (ReplayState::Running, 5, 50, 5));
    assert_eq!(made.rate_per_second, Some(5.5));
    fixture.store.discard_dead_letter(letters[1].id, &asked()).await.unwrap();

    let version = fixture.store.changes_since(0).await.unwrap().version;
    assert_eq!(fixture.store.release_replayed(replay.id, 3).await.unwrap(), 3);
    let fed = fixture.feed().await;
    let mut ids: Vec<_> = fed.iter().map(|due| due.id).collect();
    ids.sort();
    assert_eq!(ids, [letters[0].id, letters[2].id]);
    // One word for the lane that they share.
    assert_eq!(fixture.store.changes_since(version).await.unwrap().items, [Change::DeliveryReleased(letters[0].id)]);
    let running = fixture.store.running_replays().await.unwrap().remove(0);
    assert_eq!((running.released, running.skipped, running.remaining), (2, 1, 2));
    let (won, lost) = (&fed[0], &fed[1]);
    assert!(fixture.record(success(won)).await);
    assert!(fixture.record(dead(lost, false)).await);
    assert_eq!(fixture.store.release_replayed(replay.id, 100).await.unwrap(), 2);
    let done = fixture.store.replay(replay.id).await.unwrap().unwrap();
    assert_eq!((done.state, done.released, done.skipped, done.remaining), (ReplayState::Completed, 4, 1, 0));
    assert_eq!((done.delivered, done.dead), (1, 1));
    assert!(done.finished_at.is_some());
    assert!(fixture.store.running_replays().await.unwrap().is_empty());
    assert_eq!(fixture.store.release_replayed(replay.id, 100).await.unwrap(), 0);
}

#[tokio::test]
async fn a_cancelled_replay_releases_no_more() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let due = fixture.accept(event(&[endpoint.id])).await.remove(0);
    fixture.record(success(&due)).await;
    let replay = of_status(Status::Delivered);
    assert_eq!(fixture.store.create_replay(&replay, &asked()).await.unwrap().matched, 1);
    let cancelled = fixture.store.cancel_replay(replay.id, &asked()).await.unwrap().unwrap();
    assert_eq!(cancelled.state, ReplayState::Cancelled);
    assert_eq!(fixture.store.release_replayed(replay.id, 1).await.unwrap(), 0);
    let again = fixture.store.cancel_replay(replay.id, &asked()).await.unwrap().unwrap();
    assert_eq!(again.finished_at, cancelled.finished_at);
    assert!(fixture.store.cancel_replay(ReplayId::new(Timestamp::now()), &asked()).await.unwrap().is_none());

    let nothing = fixture.store.create_replay(&of_status(Status::Dead), &asked()).await.unwrap();
    assert_eq!((nothing.state, nothing.matched), (ReplayState::Completed, 0));
}

//! What is too old goes; what is owed or dead stays; the ledger remembers.

use std::time::Duration;

use ringback::{
    delivery::{DeadReason, Status},
    store::{
        Configuration as _, Group, Hold, Intake as _, Kept, Operations as _, PayloadRead, Span, Upkeep as _, Work as _,
    },
    time::Timestamp,
};
use ringback_testkit::contract::given::asked;

use crate::{
    fixture::{Fixture, WINDOW, dead, event, event_at, ordered, success},
    ledger::assert_balanced,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn keep_house(fixture: &Fixture, kept: &Kept) {
    while fixture.store.keep_house(kept).await.unwrap() {}
}

#[tokio::test]
async fn old_payloads_go_before_old_events_and_what_is_owed_stays() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let ago = |days: u32| Timestamp::now() - DAY * days;
    let mut kept_of = Vec::new();
    for days in [1, 40, 100] {
        let delivered = fixture.accept(event_at(ago(days), &[endpoint.id])).await.remove(0);
        fixture.record(success(&delivered)).await;
        let letter = fixture.accept(event_at(ago(days), &[endpoint.id])).await.remove(0);
        fixture.record(dead(&letter, false)).await;
        let pending = fixture.accept(event_at(ago(days), &[endpoint.id])).await.remove(0);
        let unmatched = event_at(ago(days), &[]);
        fixture.accept(unmatched.clone()).await;
        kept_of.push((delivered.id, letter.id, pending.id, unmatched.id));
    }
    let before = fixture.store.ledger(None, Span::default()).await.unwrap();
    keep_house(&fixture, &Kept::default()).await;

    let payload = async |id| fixture.store.payload(id).await.unwrap();
    let bytes = |read| matches!(read, PayloadRead::Bytes(_));
    for (index, (delivered, letter, pending, unmatched)) in kept_of.iter().enumerate() {
        assert!(bytes(payload(letter.event()).await));
        assert!(bytes(payload(pending.event()).await));
        let read = payload(delivered.event()).await;
        match index {
            0 => assert!(bytes(read)),
            1 => assert_eq!(read, PayloadRead::Expired),
            _ => assert_eq!(read, PayloadRead::Absent),
        }
        assert_eq!(fixture.store.event(*unmatched).await.unwrap().is_some(), index < 2);
        assert_eq!(fixture.store.delivery(*delivered).await.unwrap().is_some(), index < 2);
    }
    let after = fixture.store.ledger(None, Span::default()).await.unwrap();
    assert_eq!(after, before);
    assert_balanced(&after);
    assert_eq!(fixture.store.ledger(Some("default"), Span::default()).await.unwrap(), before);
    let old_day = Span { since: Some(ago(101)), until: Some(ago(99)) };
    assert_eq!(fixture.store.ledger(None, old_day).await.unwrap().events.accepted, 4);
}

#[tokio::test]
async fn the_ledger_balances_when_dead_letters_go_before_their_events() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let due = fixture.accept(event(&[endpoint.id, endpoint.id])).await;
    fixture.record(dead(&due[0], false)).await;
    fixture.record(success(&due[1])).await;
    let before = fixture.store.ledger(None, Span::default()).await.unwrap();
    keep_house(&fixture, &Kept { dead_letters: Duration::ZERO, ..Kept::default() }).await;
    assert!(fixture.store.delivery(due[0].id).await.unwrap().is_none());
    assert_eq!(fixture.store.ledger(None, Span::default()).await.unwrap(), before);
    let nothing = Duration::ZERO;
    let kept = Kept { events: nothing, payloads: nothing, attempts: nothing, ..Kept::default() };
    tokio::time::sleep(Duration::from_millis(2)).await;
    keep_house(&fixture, &kept).await;
    assert!(fixture.store.event(due[0].id.event()).await.unwrap().is_none());
    assert!(fixture.store.attempts(due[0].id).await.unwrap().is_empty());
    assert_eq!(fixture.store.ledger(None, Span::default()).await.unwrap(), before);
}

#[tokio::test]
async fn what_was_held_for_too_long_is_dead() {
    let fixture = Fixture::new().await;
    let (paused, blocking) = (fixture.endpoint("{}").await, fixture.endpoint("{\"on_dead\":\"block\"}").await);
    let sending = fixture.endpoint("{}").await;
    let held = fixture.accept(event(&[paused.id])).await.remove(0);
    let first = fixture.accept(ordered(blocking.id, "call")).await.remove(0);
    let sent = fixture.accept(event(&[sending.id])).await.remove(0);
    let mut pause = paused.clone();
    pause.paused = true;
    fixture.store.update_endpoint(&pause, &asked()).await.unwrap();
    let until = Timestamp::now() + DAY;
    let reason = ringback::delivery::HoldReason::RetryAfter;
    fixture.store.set_holds(&[Hold { lane: first.lane, until, reason, streak: 0 }]).await.unwrap();

    assert_eq!(fixture.store.expire_held(DAY).await.unwrap(), 0);
    assert_eq!(fixture.store.expire_held(Duration::ZERO).await.unwrap(), 2);
    let row = fixture.store.delivery(held.id).await.unwrap().unwrap();
    assert_eq!((row.status, row.reason), (Status::Dead, Some(DeadReason::Expired)));
    assert_eq!(fixture.store.delivery(sent.id).await.unwrap().unwrap().status, Status::Pending);
    // The endpoint's order blocks on this death as on any other.
    assert!(fixture.accept(ordered(blocking.id, "call")).await.is_empty());
    assert!(!fixture.record(success(&held)).await);
}

#[tokio::test]
async fn old_changes_are_forgotten_and_those_who_ask_for_them_are_told() {
    let fixture = Fixture::new().await;
    fixture.endpoint("{}").await;
    let known = fixture.store.config_version().await.unwrap();
    fixture
        .store
        .write(|tx| {
            Box::pin(async move {
                let age = sqlx::query("UPDATE ringback_change SET at = 0").execute(tx).await;
                age.map_err(|error| ringback::store::Error::Refused(error.into()))
            })
        })
        .await
        .unwrap();
    keep_house(&fixture, &Kept::default()).await;
    assert!(fixture.store.changes_since(0).await.unwrap().truncated);
    assert!(!fixture.store.changes_since(known).await.unwrap().truncated);
    let endpoint = fixture.endpoint("{}").await;
    let changes = fixture.store.changes_since(known).await.unwrap();
    assert_eq!(changes.items, [ringback::store::Change::Endpoint(endpoint.id)]);
}

#[tokio::test]
async fn keys_are_forgotten_after_their_window() {
    let fixture = Fixture::new().await;
    let mut old = event_at(Timestamp::now() - DAY * 8, &[]);
    old.idempotency_key = Some("once".to_owned());
    fixture.accept(old.clone()).await;
    keep_house(&fixture, &Kept::default()).await;
    let mut again = old.clone();
    again.id = ringback::id::EventId::new(Timestamp::now() - DAY * 8);
    let answers = fixture.store.accept(&[Group { events: vec![again], record: None }], WINDOW).await.unwrap();
    assert!(matches!(answers[0][0], ringback::store::Accepted::New(_)));
}

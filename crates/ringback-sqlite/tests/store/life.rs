//! From acceptance to the end, fenced.

use std::time::Duration;

use ringback::{
    attempt::Conclusion,
    delivery::{DeadReason, LaneId, Status},
    event::NewEvent,
    store::{
        Accepted, Change, Configuration as _, Cursor, EventState, Floor, Group, Hold, Intake as _, Operations as _,
        Outbox as _, RoutedEvent, Routing, Settlement, Verdict, Work as _,
    },
    time::Timestamp,
};
use ringback_testkit::contract::given::asked;

use crate::fixture::{Fixture, WINDOW, dead, event, retry, success};

#[tokio::test]
async fn a_delivery_that_succeeds_at_once_is_one_row_with_its_attempt() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let due = fixture.accept(event(&[endpoint.id])).await.remove(0);
    assert_eq!(fixture.feed().await, std::slice::from_ref(&due));
    let outcome = success(&due);
    assert!(fixture.record(outcome.clone()).await);
    assert!(fixture.feed().await.is_empty());

    let row = fixture.store.delivery(due.id).await.unwrap().unwrap();
    assert_eq!((row.status, row.attempts, row.due_at), (Status::Delivered, 1, None));
    assert!(row.finished_at.is_some());
    assert_eq!(fixture.store.attempts(due.id).await.unwrap(), [outcome.attempt.unwrap()]);
}

#[tokio::test]
async fn a_stale_outcome_changes_nothing_and_is_kept() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let due = fixture.accept(event(&[endpoint.id])).await.remove(0);
    // Two outcomes of one attempt in one batch: the first counts.
    let applied = fixture.store.record(&[retry(&due, Duration::ZERO), success(&due)]).await.unwrap();
    assert_eq!(applied, [true, false]);
    assert!(!fixture.record(dead(&due, false)).await);
    let again = fixture.feed().await.remove(0);
    assert_eq!((again.attempts, again.attempts_at_refill), (1, 0));
    assert!(fixture.record(success(&again)).await);
    assert!(!fixture.record(dead(&again, false)).await);

    let attempts = fixture.store.attempts(due.id).await.unwrap();
    let told: Vec<_> = attempts.iter().map(|attempt| (attempt.number, attempt.conclusion)).collect();
    let (delivered, failed, stale) = (Conclusion::Delivered, Conclusion::Failed, Conclusion::Stale);
    assert_eq!(told, [(1, failed), (1, stale), (1, stale), (2, delivered), (2, stale)]);
    assert_eq!(attempts[0].response_body, &b"\0\xffno"[..]);
    assert_eq!(fixture.store.delivery(due.id).await.unwrap().unwrap().status, Status::Delivered);
}

#[tokio::test]
async fn a_retry_waits_and_a_kept_one_stays_as_due_as_it_was() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let due = fixture.accept(event(&[endpoint.id, endpoint.id])).await;
    let mut kept = retry(&due[0], Duration::ZERO);
    kept.settlement = Settlement::Keep;
    let applied = fixture.store.record(&[kept, retry(&due[1], Duration::from_secs(3600))]).await.unwrap();
    assert_eq!(applied, [true, true]);
    let fed = fixture.feed().await;
    assert_eq!(fed.len(), 1);
    assert_eq!((fed[0].id, fed[0].due_at, fed[0].attempts), (due[0].id, due[0].due_at, 1));
    let waiting = fixture.store.delivery(due[1].id).await.unwrap().unwrap();
    assert!(waiting.due_at.unwrap() > Timestamp::now() + Duration::from_secs(3000));
}

#[tokio::test]
async fn a_dead_letter_says_why_and_can_be_discarded() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let due = fixture.accept(event(&[endpoint.id])).await.remove(0);
    fixture.record(dead(&due, false)).await;
    let row = fixture.store.delivery(due.id).await.unwrap().unwrap();
    assert_eq!((row.status, row.reason), (Status::Dead, Some(DeadReason::Exhausted)));
    assert_eq!((row.last_status, row.last_error.as_deref()), (Some(500), Some("status")));
    assert!(fixture.store.discard_dead_letter(due.id, &asked()).await.unwrap());
    assert!(!fixture.store.discard_dead_letter(due.id, &asked()).await.unwrap());
    assert_eq!(fixture.store.delivery(due.id).await.unwrap().unwrap().status, Status::Cancelled);
}

#[tokio::test]
async fn an_unroutable_event_is_one_dead_letter_without_an_attempt() {
    let fixture = Fixture::new().await;
    let mut unroutable = event(&[]);
    let delivery = ringback::delivery::NewDelivery {
        id: unroutable.id.delivery(1),
        lane: LaneId::of_inline("default", "https", "example.com", 443),
        endpoint: None,
        ordering_key: None,
        marks: Default::default(),
    };
    let id = delivery.id;
    unroutable.routing.verdict = Verdict::Unroutable { delivery, detail: "no such host \"x\"".to_owned() };
    assert!(fixture.accept(unroutable).await.is_empty());
    let row = fixture.store.delivery(id).await.unwrap().unwrap();
    assert_eq!((row.status, row.reason, row.attempts), (Status::Dead, Some(DeadReason::Unroutable), 0));
    assert_eq!(row.last_error.as_deref(), Some("no such host \"x\""));
    assert!(fixture.store.attempts(id).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_idempotency_key_folds_equal_events_and_refuses_others() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let keyed = |content: u8| {
        let mut event = event(&[endpoint.id]);
        event.idempotency_key = Some("once".to_owned());
        event.content = [content; 32];
        event
    };
    let (first, equal, other, bystander) = (keyed(1), keyed(1), keyed(2), event(&[endpoint.id]));
    let id = first.id;
    assert_eq!(fixture.accept(first).await.len(), 1);
    let groups =
        [Group { events: vec![equal], record: None }, Group { events: vec![bystander.clone(), other], record: None }];
    let answers = fixture.store.accept(&groups, WINDOW).await.unwrap();
    assert_eq!(answers[0], [Accepted::Duplicate(id)]);
    assert_eq!(answers[1], [Accepted::New(vec![]), Accepted::Conflict(id)]);
    assert!(fixture.store.event(bystander.id).await.unwrap().is_none());

    // Beyond its window a key is taken over.
    let later = keyed(2);
    let answers =
        fixture.store.accept(&[Group { events: vec![later.clone()], record: None }], Duration::ZERO).await.unwrap();
    assert!(matches!(&answers[0][0], Accepted::New(due) if due.len() == 1));
    let answers = fixture.store.accept(&[Group { events: vec![keyed(2)], record: None }], WINDOW).await.unwrap();
    assert_eq!(answers[0], [Accepted::Duplicate(later.id)]);
}

#[tokio::test]
async fn routing_removes_pointers_once_and_folds_duplicates() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    for _ in 0..3 {
        fixture.store.emit(&NewEvent::new("call.ended", "{}").idempotency_key("once")).await.unwrap();
    }
    let page = fixture.store.read_outbox(Floor::default(), 10).await.unwrap();
    let routed: Vec<_> = page
        .events
        .into_iter()
        .map(|unrouted| {
            let verdict = crate::fixture::event(&[endpoint.id]).routing.verdict;
            let Verdict::Deliveries(mut deliveries) = verdict else { unreachable!("it has an endpoint") };
            deliveries[0].id = unrouted.event.id.delivery(1);
            RoutedEvent {
                pointer: unrouted.pointer,
                event: unrouted.event,
                routing: Routing { config_version: 1, verdict: Verdict::Deliveries(deliveries) },
            }
        })
        .collect();
    let due = fixture.store.record_routing(&routed, WINDOW).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].id.event(), routed[0].event.id);
    assert!(fixture.store.record_routing(&routed, WINDOW).await.unwrap().is_empty());
    let row = fixture.store.event(routed[2].event.id).await.unwrap().unwrap();
    assert_eq!((row.state, row.duplicate_of), (EventState::Duplicate, Some(routed[0].event.id)));
    assert_eq!(row.config_version, Some(1));
    assert!(fixture.store.read_outbox(page.next, 10).await.unwrap().events.is_empty());
    assert!(fixture.store.read_outbox(Floor::default(), 10).await.unwrap().events.is_empty());
}

#[tokio::test]
async fn expunging_removes_the_bytes_and_cancels_what_is_owed() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let mut owed = event(&[endpoint.id, endpoint.id, endpoint.id]);
    let needle = "a-needle-that-must-not-stay".repeat(1000);
    owed.payload = needle.clone().into();
    let id = owed.id;
    let due = fixture.accept(owed).await;
    fixture.record(success(&due[0])).await;
    fixture.record(dead(&due[1], true)).await;
    let before = fixture.store.config_version().await.unwrap();

    assert!(fixture.store.expunge(id, &asked()).await.unwrap());
    assert!(fixture.store.expunge(id, &asked()).await.unwrap());
    let statuses: Vec<_> = {
        let filter = ringback::store::DeliveryFilter { event: Some(id), ..Default::default() };
        let page = fixture.store.list_deliveries(&filter, None, 10).await.unwrap();
        page.items.into_iter().rev().map(|row| row.status).collect()
    };
    assert_eq!(statuses, [Status::Delivered, Status::Cancelled, Status::Cancelled]);
    assert_eq!(fixture.store.payload(id).await.unwrap(), ringback::store::PayloadRead::Expunged);
    assert_eq!(fixture.store.load_events(&[id]).await.unwrap()[0].payload, None);
    let changes = fixture.store.changes_since(before).await.unwrap();
    assert_eq!(changes.items, [Change::EventExpunged(id), Change::DeliveryReleased(due[1].id)]);

    // After a checkpoint nothing of it is left in the file itself.
    let path = fixture.folder.path().join("ringback.db");
    let mut other =
        sqlx::ConnectOptions::connect(&sqlx::sqlite::SqliteConnectOptions::new().filename(&path)).await.unwrap();
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_all(&mut other).await.unwrap();
    let file = std::fs::read(path).unwrap();
    assert!(!file.windows(27).any(|bytes| bytes == &needle.as_bytes()[..27]));
}

#[tokio::test]
async fn an_event_expunged_before_it_was_routed_is_never_sent() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let id = fixture.store.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
    let unrouted = fixture.store.read_outbox(Floor::default(), 1).await.unwrap().events.remove(0);
    fixture.store.expunge(id, &asked()).await.unwrap();
    let mut routing = event(&[endpoint.id]).routing;
    if let Verdict::Deliveries(deliveries) = &mut routing.verdict {
        deliveries[0].id = id.delivery(1);
    }
    let routed = RoutedEvent { pointer: unrouted.pointer, event: unrouted.event, routing };
    assert!(fixture.store.record_routing(&[routed], WINDOW).await.unwrap().is_empty());
    assert_eq!(fixture.store.delivery(id.delivery(1)).await.unwrap().unwrap().status, Status::Cancelled);
}

#[tokio::test]
async fn holds_are_kept_until_they_end() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let due = fixture.accept(event(&[endpoint.id])).await.remove(0);
    let until = Timestamp::now() + Duration::from_secs(60);
    let hold = Hold { lane: due.lane, until, reason: ringback::delivery::HoldReason::Failing, streak: 3 };
    fixture.store.set_holds(&[hold]).await.unwrap();
    assert_eq!(fixture.store.load_holds(&[due.lane.shard()]).await.unwrap(), [hold]);
    let row = fixture.store.delivery(due.id).await.unwrap().unwrap();
    assert_eq!(row.hold, Some((until, hold.reason)));
    fixture.store.set_holds(&[Hold { until: Timestamp::now(), ..hold }]).await.unwrap();
    assert!(fixture.store.load_holds(&[due.lane.shard()]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_feed_goes_on_after_its_cursor() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let mut expected = Vec::new();
    for _ in 0..5 {
        expected.extend(fixture.accept(event(&[endpoint.id])).await);
    }
    let shard = expected[0].lane.shard();
    let first = fixture.store.feed(&[(shard, Cursor::START)], 2).await.unwrap().rows;
    assert_eq!(first, expected[..2]);
    let cursor = Cursor { due_at: first[1].due_at, id: first[1].id };
    assert_eq!(fixture.store.feed(&[(shard, cursor)], 10).await.unwrap().rows, expected[2..]);
    assert_eq!(fixture.store.refill(&[(expected[0].lane, cursor)], 10).await.unwrap().rows, expected[2..]);
}

#[tokio::test]
async fn a_large_batch_keeps_every_payload_to_the_byte() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let events: Vec<_> = (0..20_u8)
        .map(|number| {
            let mut event = event(&[endpoint.id]);
            event.payload = vec![number; 1024 * 1024 - usize::from(number)].into();
            event
        })
        .chain([{
            let mut empty = event(&[endpoint.id]);
            empty.payload = Default::default();
            empty
        }])
        .collect();
    let answers = fixture.store.accept(&[Group { events: events.clone(), record: None }], WINDOW).await.unwrap();
    assert_eq!(answers[0].len(), 21);
    for event in events {
        let loaded = fixture.store.load_events(&[event.id]).await.unwrap().remove(0);
        assert_eq!(loaded.payload.unwrap(), event.payload);
        let row = fixture.store.event(event.id).await.unwrap().unwrap();
        assert_eq!(usize::try_from(row.payload_bytes).unwrap(), event.payload.len());
    }
}

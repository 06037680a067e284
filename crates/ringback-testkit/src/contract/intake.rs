//! Accepting events that come through the engine itself.

use std::time::Duration;

use bytes::Bytes;
use ringback::{
    delivery::{DeadReason, LaneId, Marks, NewDelivery, Status},
    id::EventId,
    store::{Accepted, Error, EventState, Group, PayloadRead, Span, Store, Verdict},
    time::Timestamp,
};

use super::given::{self, WINDOW};

/// Its deliveries are handed out at once, and fed to whoever asks.
pub async fn an_accepted_event_is_due_at_once(store: &dyn Store) {
    let endpoints = [given::endpoint_id(), given::endpoint_id(), given::endpoint_id()];
    let event = given::event_to(&endpoints);
    let id = event.id;
    let due = given::accept_due(store, event).await;
    let ids: Vec<_> = due.iter().map(|due| due.id).collect();
    assert_eq!(ids, [id.delivery(1), id.delivery(2), id.delivery(3)], "in order of their numbers");
    for (due, endpoint) in due.iter().zip(endpoints) {
        assert_eq!(due.endpoint, Some(endpoint));
        assert_eq!(due.lane, LaneId::of_endpoint(endpoint));
        assert_eq!((due.attempts, due.attempts_at_refill), (0, 0));
        assert_eq!(due.marks, Marks::default());
        assert_eq!(due.ordering_key, None);
        assert!(due.seq > 0);
    }
    let mut fed = given::all_due(store).await;
    fed.sort_unstable_by_key(|due| due.id);
    assert_eq!(fed, due);
    let row = store.event(id).await.unwrap().unwrap();
    assert_eq!(row.state, EventState::Routed);
    assert_eq!(row.config_version, Some(0));
    assert_eq!(row.event.seq, due[0].seq);
}

/// Not a byte of it is interpreted.
pub async fn a_payload_comes_back_byte_for_byte(store: &dyn Store) {
    let large = Bytes::from(vec![b'x'; 200_000]);
    for payload in [
        Bytes::from_static(b"{\"b\":3.0, \"a\":9007199254740993,\t\"a\":\"\\u00e9\\ud83d\\ude00\"}\n"),
        Bytes::from_static(b"\0\xff\xfe\0not text"),
        Bytes::new(),
        large,
    ] {
        let mut event = given::event();
        event.payload = payload.clone();
        let id = event.id;
        given::accept_due(store, event).await;
        assert_eq!(store.payload(id).await.unwrap(), PayloadRead::Bytes(payload.clone()));
        assert_eq!(store.load_events(&[id]).await.unwrap()[0].payload, Some(payload.clone()));
        assert_eq!(store.event(id).await.unwrap().unwrap().payload_bytes, payload.len() as i64);
    }
}

/// It is kept, with the version of the configuration that found nobody.
pub async fn an_event_that_nobody_wants_is_unmatched(store: &dyn Store) {
    let mut event = given::event();
    event.routing.config_version = 41;
    let id = event.id;
    assert!(given::accept_due(store, event).await.is_empty());
    let row = store.event(id).await.unwrap().unwrap();
    assert_eq!((row.state, row.config_version, row.duplicate_of), (EventState::Unmatched, Some(41), None));
}

/// Its one delivery is a dead letter that says what is wrong with the destination.
pub async fn an_unroutable_event_is_dead_at_once_without_an_attempt(store: &dyn Store) {
    let mut event = given::event();
    let id = event.id;
    event.destination = Some("{\"url\":\"nonsense\"}".to_owned());
    event.routing.verdict = Verdict::Unroutable {
        delivery: NewDelivery {
            id: id.delivery(1),
            lane: LaneId::of_inline("default", "https", "nonsense", 443),
            endpoint: None,
            ordering_key: None,
            marks: Marks::default(),
            schedule: Default::default(),
        },
        detail: "the URL has no host".to_owned(),
    };
    assert!(given::accept_due(store, event).await.is_empty());
    let row = given::delivery(store, id.delivery(1)).await;
    assert_eq!((row.status, row.reason, row.attempts), (Status::Dead, Some(DeadReason::Unroutable), 0));
    assert_eq!(row.last_error.as_deref(), Some("the URL has no host"));
    assert_eq!(row.last_status, None);
    assert_eq!(store.event(id).await.unwrap().unwrap().state, EventState::Routed);
    assert!(store.attempts(id.delivery(1)).await.unwrap().is_empty());
}

/// The answer carries the first event's id and nothing new is stored.
pub async fn the_same_key_and_content_is_a_duplicate(store: &dyn Store) {
    let mut first = given::event_to(&[given::endpoint_id()]);
    first.idempotency_key = Some("call-1".to_owned());
    let mut second = given::event_to(&[given::endpoint_id()]);
    second.idempotency_key = Some("call-1".to_owned());
    let (first_id, second_id) = (first.id, second.id);
    given::accept_due(store, first).await;
    assert_eq!(given::accept(store, second).await, Accepted::Duplicate(first_id));
    assert!(store.event(second_id).await.unwrap().is_none());
    assert_eq!(given::due_ids(store).await, [first_id.delivery(1)]);
}

/// The answer carries the first event's id and nothing new is stored.
pub async fn other_content_under_the_same_key_is_a_conflict(store: &dyn Store) {
    let mut first = given::event();
    first.idempotency_key = Some("call-1".to_owned());
    let mut second = given::event();
    second.idempotency_key = Some("call-1".to_owned());
    second.content = [2; 32];
    let (first_id, second_id) = (first.id, second.id);
    given::accept_due(store, first).await;
    assert_eq!(given::accept(store, second).await, Accepted::Conflict(first_id));
    assert!(store.event(second_id).await.unwrap().is_none());
}

/// Its other entries say what they would have been.
pub async fn a_group_with_a_conflict_stores_nothing(store: &dyn Store) {
    let keyed = |key: &str| {
        let mut event = given::event_to(&[given::endpoint_id()]);
        event.idempotency_key = Some(key.to_owned());
        event
    };
    let (first, other) = (keyed("a"), keyed("b"));
    let (first_id, other_id) = (first.id, other.id);
    given::accept_group(store, vec![first, other]).await;
    let mut conflicting = keyed("a");
    conflicting.content = [2; 32];
    let (duplicate, fresh) = (keyed("b"), given::event_to(&[given::endpoint_id()]));
    let fresh_id = fresh.id;
    let answer = given::accept_group(store, vec![fresh, conflicting, duplicate]).await;
    assert_eq!(answer, [Accepted::New(Vec::new()), Accepted::Conflict(first_id), Accepted::Duplicate(other_id)]);
    assert!(store.event(fresh_id).await.unwrap().is_none());
    assert_eq!(given::due_ids(store).await, [first_id.delivery(1), other_id.delivery(1)]);
}

/// A key that a refused request brought first is not taken by it.
pub async fn a_refused_group_leaves_its_other_keys_free(store: &dyn Store) {
    let keyed = |key: &str, content| {
        let mut event = given::event();
        event.idempotency_key = Some(key.to_owned());
        event.content = content;
        event
    };
    given::accept_due(store, keyed("taken", [1; 32])).await;
    let answer = given::accept_group(store, vec![keyed("free", [1; 32]), keyed("taken", [2; 32])]).await;
    assert!(matches!(answer[..], [Accepted::New(_), Accepted::Conflict(_)]));
    assert!(matches!(given::accept(store, keyed("free", [3; 32])).await, Accepted::New(_)));
}

/// What is wrong with one request is nothing to another that is committed with it.
pub async fn groups_stand_alone(store: &dyn Store) {
    let mut first = given::event();
    first.idempotency_key = Some("a".to_owned());
    let first_id = first.id;
    given::accept_due(store, first).await;
    let mut conflicting = given::event();
    conflicting.idempotency_key = Some("a".to_owned());
    conflicting.content = [9; 32];
    let good = given::event_to(&[given::endpoint_id()]);
    let good_id = good.id;
    let groups = [
        Group { events: vec![conflicting], record: None, once: None },
        Group { events: vec![good], record: None, once: None },
        Group { events: vec![], record: None, once: None },
    ];
    let answer = store.accept(&groups, WINDOW).await.unwrap();
    assert_eq!(answer[0], [Accepted::Conflict(first_id)]);
    assert!(matches!(&answer[1][..], [Accepted::New(due)] if due.len() == 1));
    assert!(answer[2].is_empty());
    assert_eq!(given::due_ids(store).await, [good_id.delivery(1)]);
}

/// A key counts from the event that first brought it.
pub async fn a_key_is_free_again_after_its_window(store: &dyn Store) {
    let keyed = |ago: Duration| {
        let mut event = given::event_with(given::event_id_at(Timestamp::now() - ago));
        event.idempotency_key = Some("a".to_owned());
        event
    };
    let old = keyed(given::DAY * 8);
    given::accept_due(store, old).await;
    let new = keyed(Duration::ZERO);
    let new_id = new.id;
    assert!(matches!(given::accept(store, new).await, Accepted::New(_)));
    assert_eq!(given::accept(store, keyed(Duration::ZERO)).await, Accepted::Duplicate(new_id));
}

/// The same key elsewhere means another thing.
pub async fn a_key_is_one_tenants_and_one_types(store: &dyn Store) {
    for (tenant, event_type) in [("a", "x"), ("b", "x"), ("a", "y")] {
        let mut event = given::event();
        event.tenant = tenant.to_owned();
        event.event_type = event_type.to_owned();
        event.idempotency_key = Some("call-1".to_owned());
        assert!(matches!(given::accept(store, event).await, Accepted::New(_)), "{tenant} {event_type}");
    }
}

/// Their places in the order of emission rise.
pub async fn events_of_a_request_keep_their_order(store: &dyn Store) {
    let events: Vec<_> = (0..20).map(|_| given::event_to(&[given::endpoint_id()])).collect();
    let answer = given::accept_group(store, events).await;
    let seqs: Vec<i64> = answer
        .iter()
        .map(|entry| match entry {
            Accepted::New(due) => due[0].seq,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(seqs.is_sorted_by(|one, next| one < next), "{seqs:?}");
}

/// Whoever comes second learns who was first.
pub async fn concurrent_requests_with_the_same_keys_do_not_deadlock(store: &dyn Store) {
    let group = |reversed: bool| {
        let mut events: Vec<_> = (0..50)
            .map(|number| {
                let mut event = given::event();
                event.idempotency_key = Some(format!("call-{number}"));
                event
            })
            .collect();
        if reversed {
            events.reverse();
        }
        [Group { events, record: None, once: None }]
    };
    let (one, two) = (group(false), group(true));
    let (one, two) = tokio::join!(store.accept(&one, WINDOW), store.accept(&two, WINDOW));
    let new = |answer: Vec<Vec<Accepted>>| answer[0].iter().filter(|entry| matches!(entry, Accepted::New(_))).count();
    assert_eq!(new(one.unwrap()) + new(two.unwrap()), 50, "each key was taken once");
}

/// As large as a batch may be, and an empty one among them.
pub async fn a_large_group_keeps_every_payload(store: &dyn Store) {
    let endpoint = given::endpoint_id();
    let sizes = (0..16).map(|number| 1024 * 1024 - number).chain([0]);
    let events: Vec<_> = (0_u8..)
        .zip(sizes)
        .map(|(number, size)| {
            let mut event = given::event_to(&[endpoint]);
            event.payload = vec![number; size].into();
            event
        })
        .collect();
    assert_eq!(given::accept_group(store, events.clone()).await.len(), events.len());
    for event in events {
        let loaded = store.load_events(&[event.id]).await.unwrap().remove(0);
        assert_eq!(loaded.payload.unwrap(), event.payload);
        let row = store.event(event.id).await.unwrap().unwrap();
        assert_eq!(usize::try_from(row.payload_bytes).unwrap(), event.payload.len());
    }
}

/// Retention goes by the time in an event's id. Who asks is told of both clocks; a little ahead is no harm.
pub async fn an_event_ahead_of_the_databases_clock_is_refused(store: &dyn Store) {
    let now = store.clock().await.unwrap();
    let accept = |ahead: Duration| async move {
        let event = given::event_with(EventId::new(now + ahead));
        store.accept(&[Group { events: vec![event], record: None, once: None }], given::WINDOW).await
    };
    assert!(accept(Duration::from_secs(60)).await.is_ok());
    match accept(given::DAY).await {
        Err(Error::Refused(error)) => assert!(error.to_string().contains("clock"), "{error}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(store.ledger(None, Span::default()).await.unwrap().events.accepted, 1);
}

/// And other groups of the same call with it: whoever calls gives each of them alone then.
pub async fn one_refused_event_keeps_its_whole_group_out(store: &dyn Store) {
    let group = |event| Group { events: vec![event], record: None, once: None };
    // Two deliveries under one id.
    let mut bad = given::event_to(&[given::endpoint_id(), given::endpoint_id()]);
    if let Verdict::Deliveries(deliveries) = &mut bad.routing.verdict {
        deliveries[1].id = deliveries[0].id;
    }
    let good = given::event_to(&[given::endpoint_id()]);
    let id = good.id;
    let groups = [group(good), group(bad)];
    assert!(matches!(store.accept(&groups, given::WINDOW).await, Err(Error::Refused(_))));
    assert!(store.event(id).await.unwrap().is_none());
    assert!(matches!(store.accept(&groups[..1], given::WINDOW).await.unwrap()[0][..], [Accepted::New(_)]));
    assert!(matches!(store.accept(&groups[1..], given::WINDOW).await, Err(Error::Refused(_))));
    assert_eq!(given::all_due(store).await.len(), 1);
}

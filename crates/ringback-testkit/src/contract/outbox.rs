//! Events that callers wrote in transactions of their own.

use ringback::{
    delivery::{DeadReason, LaneId, Marks, NewDelivery, Status},
    endpoint::Destination,
    event::NewEvent,
    store::{Accepted, Error, EventState, Floor, Keys, PayloadRead, RoutedAs, RoutedEvent, Routing, Store, Verdict},
    time::Timestamp,
};

use super::given::{self, WINDOW};

/// Most bytes that a page says of whom its events are for, but for the event with which it ends.
const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// It is stored, and nothing is due before it is routed.
pub async fn an_emitted_event_waits_unrouted(store: &dyn Store) {
    let id = given::emit(store, NewEvent::new("CALL_ENDED", "{}")).await;
    let row = store.event(id).await.unwrap().unwrap();
    assert_eq!((row.state, row.config_version), (EventState::Unrouted, None));
    assert!(given::all_due(store).await.is_empty());
    let waiting = given::unrouted(store).await;
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].event.id, id);
    assert_eq!(id.uuid().as_u128() & 0xffff, 0, "there is room for deliveries");
    let age = Timestamp::now().since(id.accepted_at());
    assert!(age < std::time::Duration::from_secs(3_600), "its id tells when it was accepted");
}

/// Text is neither normalised nor cut, times to the microsecond.
pub async fn an_emitted_event_keeps_every_field(store: &dyn Store) {
    let at = Timestamp::from_micros(1_736_937_000_123_456);
    let payload = "{ \"b\":3.0,\"a\":\"\\u00e9é😀\" }\n";
    let new = NewEvent::new("call.ended", payload)
        .tenant("acme:eu")
        .key("1711646262471x768387119913843100")
        .ordering_key("naïve \" ' \\ 😀")
        .idempotency_key("k%_;--")
        .occurred_at(at)
        .endpoint_keys(["crm", "bill\"ing"]);
    let id = given::emit(store, new).await;
    let event = &given::unrouted(store).await[0].event;
    assert_eq!(event.id, id);
    assert_eq!((&*event.tenant, &*event.event_type), ("acme:eu", "call.ended"));
    assert_eq!(event.key.as_deref(), Some("1711646262471x768387119913843100"));
    assert_eq!(event.ordering_key.as_deref(), Some("naïve \" ' \\ 😀"));
    assert_eq!(event.idempotency_key.as_deref(), Some("k%_;--"));
    assert_eq!(event.occurred_at, at);
    assert_eq!(event.endpoint_keys.as_deref(), Some(&["crm".to_owned(), "bill\"ing".to_owned()][..]));
    assert_eq!((event.destination.as_ref(), event.test), (None, false));
    assert_eq!(store.payload(id).await.unwrap(), PayloadRead::Bytes(payload.into()));

    let mut inline = Destination::to("example.com/hook");
    inline.endpoint_key = Some("crm".to_owned());
    let id = given::emit(store, NewEvent::new("call.ended", "{}").destination(inline)).await;
    let row = store.event(id).await.unwrap().unwrap();
    let kept: serde_json::Value = serde_json::from_str(row.event.destination.as_deref().unwrap()).unwrap();
    assert_eq!(kept, serde_json::json!({ "url": "example.com/hook", "endpoint_key": "crm" }));
}

/// The second recording of the same routing changes nothing.
pub async fn routing_turns_a_pointer_into_deliveries_once(store: &dyn Store) {
    let id = given::emit(store, NewEvent::new("CALL_ENDED", "{}")).await;
    let waiting = given::unrouted(store).await;
    let endpoints = [given::endpoint_id(), given::endpoint_id()];
    let routed = [given::routed(&waiting[0], &endpoints)];
    let due = store.record_routing(&routed, WINDOW).await.unwrap().due;
    assert_eq!(due.iter().map(|due| due.id).collect::<Vec<_>>(), [id.delivery(1), id.delivery(2)]);
    assert!(due.iter().all(|due| due.seq == waiting[0].event.seq));
    assert!(store.record_routing(&routed, WINDOW).await.unwrap().due.is_empty());
    assert!(given::unrouted(store).await.is_empty());
    assert_eq!(given::due_ids(store).await, [id.delivery(1), id.delivery(2)]);
    let row = store.event(id).await.unwrap().unwrap();
    assert_eq!((row.state, row.config_version), (EventState::Routed, Some(7)));
}

/// In the order in which the events were given, whatever their order in the outbox; a second time it was another who did it.
pub async fn routing_tells_what_became_of_each_event(store: &dyn Store) {
    let keyed = || NewEvent::new("CALL_ENDED", "{}").idempotency_key("call-42");
    let (first, _again) = (given::emit(store, keyed()).await, given::emit(store, keyed()).await);
    let expunged = given::emit(store, NewEvent::new("CALL_ENDED", "{}")).await;
    let waiting = given::unrouted(store).await;
    assert!(store.expunge(expunged, Keys::Keep, &given::asked()).await.unwrap().is_some());
    let mut routed: Vec<_> = waiting.iter().map(|event| given::routed(event, &[given::endpoint_id()])).collect();
    routed.reverse();
    let recorded = store.record_routing(&routed, WINDOW).await.unwrap();
    assert_eq!(recorded.events, [RoutedAs::Expunged, RoutedAs::Duplicate, RoutedAs::Stored]);
    assert_eq!(recorded.due.iter().map(|due| due.id).collect::<Vec<_>>(), [first.delivery(1)]);
    let later = given::emit(store, NewEvent::new("CALL_ENDED", "{}")).await;
    routed.push(given::routed(&given::unrouted(store).await[0], &[]));
    assert_eq!(routed[3].event.id, later);
    let recorded = store.record_routing(&routed, WINDOW).await.unwrap();
    let others = [RoutedAs::ByAnother; 3];
    assert_eq!(recorded.events, [others.as_slice(), &[RoutedAs::Stored]].concat());
}

/// A key counts for a while from the event that brought it, also where a page is read so late that it holds what came after.
pub async fn a_late_page_folds_within_the_window_alone(store: &dyn Store) {
    let keyed = || NewEvent::new("CALL_ENDED", "{}").idempotency_key("call-42");
    let first = given::emit(store, keyed()).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let (second, again) = (given::emit(store, keyed()).await, given::emit(store, keyed()).await);
    let window = second.accepted_at().since(first.accepted_at());
    let endpoint = given::endpoint_id();
    let routed: Vec<_> = given::unrouted(store).await.iter().map(|event| given::routed(event, &[endpoint])).collect();
    let due = store.record_routing(&routed, window).await.unwrap().due;
    assert_eq!(due.iter().map(|due| due.id.event()).collect::<Vec<_>>(), [first, second]);
    let row = store.event(again).await.unwrap().unwrap();
    assert_eq!((row.state, row.duplicate_of), (EventState::Duplicate, Some(second)));
    let later = given::emit(store, keyed()).await;
    let routed = [given::routed(&given::unrouted(store).await[0], &[endpoint])];
    assert!(store.record_routing(&routed, WINDOW).await.unwrap().due.is_empty());
    assert_eq!(store.event(later).await.unwrap().unwrap().duplicate_of, Some(second), "who took it over holds it");
}

/// Two nodes that both take themselves for the router make no delivery twice.
pub async fn only_one_of_two_routers_wins(store: &dyn Store) {
    for _ in 0..20 {
        given::emit(store, NewEvent::new("CALL_ENDED", "{}")).await;
    }
    let routed: Vec<_> =
        given::unrouted(store).await.iter().map(|event| given::routed(event, &[given::endpoint_id()])).collect();
    let backwards: Vec<_> = routed.iter().rev().cloned().collect();
    let (one, two) = tokio::join!(store.record_routing(&routed, WINDOW), store.record_routing(&backwards, WINDOW));
    assert_eq!(one.unwrap().due.len() + two.unwrap().due.len(), 20);
    assert_eq!(given::due_ids(store).await.len(), 20);
}

/// Reading on from where a complete page told to finds what came later, and only that.
pub async fn nothing_is_missed_from_the_next_floor_on(store: &dyn Store) {
    let mut floor = Floor::default();
    for round in 0..5 {
        let id = given::emit(store, NewEvent::new("CALL_ENDED", "{}")).await;
        let page = store.read_outbox(floor, 100).await.unwrap();
        assert_eq!(page.events.len(), 1, "round {round}");
        assert_eq!(page.events[0].event.id, id);
        assert!(page.next >= floor);
        store.record_routing(&[given::routed(&page.events[0], &[])], WINDOW).await.unwrap();
        floor = page.next;
    }
    assert!(store.read_outbox(floor, 100).await.unwrap().events.is_empty());
}

/// Pages are in order and do not overlap once they are routed.
pub async fn a_full_page_is_followed_by_the_rest(store: &dyn Store) {
    let mut emitted = Vec::new();
    for _ in 0..7 {
        emitted.push(given::emit(store, NewEvent::new("CALL_ENDED", "{}")).await);
    }
    let (mut floor, mut read) = (Floor::default(), Vec::new());
    loop {
        let page = store.read_outbox(floor, 3).await.unwrap();
        if page.events.is_empty() {
            break;
        }
        assert!(page.events.len() <= 3);
        let routed: Vec<_> = page.events.iter().map(|event| given::routed(event, &[])).collect();
        read.extend(routed.iter().map(|routed| routed.event.id));
        store.record_routing(&routed, WINDOW).await.unwrap();
        floor = page.next;
    }
    assert_eq!(read, emitted);
}

/// What a page says of whom its events are for fits into memory, however many events it may have.
pub async fn a_page_is_bounded_by_bytes_as_well_as_by_rows(store: &dyn Store) {
    // As many bytes of keys as an event may have, nearly: fifty of them are more than a page may hold.
    let keys: Vec<_> = (0..1_000).map(|n| format!("{n:0240}")).collect();
    let bytes_of_event = keys.iter().map(String::len).sum::<usize>();
    let mut emitted = Vec::new();
    for _ in 0..50 {
        emitted.push(given::emit(store, NewEvent::new("CALL_ENDED", "{}").endpoint_keys(keys.clone())).await);
    }
    let (mut floor, mut read) = (Floor::default(), Vec::new());
    loop {
        let page = store.read_outbox(floor, 1_000).await.unwrap();
        if page.events.is_empty() {
            break;
        }
        let bytes = page.events.len() * bytes_of_event;
        assert!(bytes < PAGE_BYTES_MAX + bytes_of_event, "{bytes} bytes in one page");
        let routed: Vec<_> = page.events.iter().map(|event| given::routed(event, &[])).collect();
        read.extend(routed.iter().map(|routed| routed.event.id));
        store.record_routing(&routed, WINDOW).await.unwrap();
        floor = page.next;
    }
    assert_eq!(read, emitted);
}

/// The verdict is kept with the version that found nobody.
pub async fn an_event_routed_to_nobody_is_unmatched(store: &dyn Store) {
    let id = given::emit(store, NewEvent::new("CALL_ENDED", "{}")).await;
    let waiting = given::unrouted(store).await;
    assert!(store.record_routing(&[given::routed(&waiting[0], &[])], WINDOW).await.unwrap().due.is_empty());
    let row = store.event(id).await.unwrap().unwrap();
    assert_eq!((row.state, row.config_version), (EventState::Unmatched, Some(7)));
    assert!(given::unrouted(store).await.is_empty());
}

/// One bad event becomes a dead letter and blocks nobody.
pub async fn an_event_routed_to_an_unusable_destination_is_dead(store: &dyn Store) {
    let bad = given::emit(store, NewEvent::new("CALL_ENDED", "{}").destination(Destination::to("::"))).await;
    let good = given::emit(store, NewEvent::new("CALL_ENDED", "{}")).await;
    let waiting = given::unrouted(store).await;
    let delivery = NewDelivery {
        id: bad.delivery(1),
        lane: LaneId::of_inline("default", "", "", 0),
        endpoint: None,
        ordering_key: None,
        marks: Marks::default(),
        schedule: Default::default(),
    };
    let unroutable = RoutedEvent {
        pointer: waiting[0].pointer,
        event: waiting[0].event.clone(),
        routing: Routing { config_version: 7, verdict: Verdict::Unroutable { delivery, detail: "no host".to_owned() } },
    };
    let routed = [unroutable, given::routed(&waiting[1], &[given::endpoint_id()])];
    let due = store.record_routing(&routed, WINDOW).await.unwrap().due;
    assert_eq!(due.iter().map(|due| due.id).collect::<Vec<_>>(), [good.delivery(1)]);
    let row = given::delivery(store, bad.delivery(1)).await;
    assert_eq!((row.status, row.reason, row.attempts), (Status::Dead, Some(DeadReason::Unroutable), 0));
    assert_eq!(row.last_error.as_deref(), Some("no host"));
}

/// Whatever its content.
pub async fn a_later_event_with_the_same_key_is_folded(store: &dyn Store) {
    let first = given::emit(store, NewEvent::new("CALL_ENDED", "1").idempotency_key("a")).await;
    let waiting = given::unrouted(store).await;
    store.record_routing(&[given::routed(&waiting[0], &[given::endpoint_id()])], WINDOW).await.unwrap();
    let second = given::emit(store, NewEvent::new("CALL_ENDED", "2").idempotency_key("a")).await;
    let waiting = given::unrouted(store).await;
    let due = store.record_routing(&[given::routed(&waiting[0], &[given::endpoint_id()])], WINDOW).await.unwrap().due;
    assert!(due.is_empty());
    let row = store.event(second).await.unwrap().unwrap();
    assert_eq!((row.state, row.duplicate_of), (EventState::Duplicate, Some(first)));
    assert_eq!(row.config_version, Some(7));
    assert_eq!(given::due_ids(store).await, [first.delivery(1)]);
}

/// The first of them in the outbox's order stays.
pub async fn duplicates_within_one_batch_are_folded(store: &dyn Store) {
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(given::emit(store, NewEvent::new("CALL_ENDED", "{}").idempotency_key("a")).await);
    }
    let waiting = given::unrouted(store).await;
    let routed: Vec<_> = waiting.iter().map(|event| given::routed(event, &[given::endpoint_id()])).collect();
    let due = store.record_routing(&routed, WINDOW).await.unwrap().due;
    assert_eq!(due.iter().map(|due| due.id).collect::<Vec<_>>(), [ids[0].delivery(1)]);
    for &later in &ids[1..] {
        assert_eq!(store.event(later).await.unwrap().unwrap().duplicate_of, Some(ids[0]));
    }
}

/// Both ways of emitting share their keys.
pub async fn an_accepted_events_key_folds_an_emitted_one(store: &dyn Store) {
    let mut accepted = given::event();
    accepted.idempotency_key = Some("a".to_owned());
    let accepted_id = accepted.id;
    given::accept_due(store, accepted).await;
    let emitted = given::emit(store, NewEvent::new("CALL_ENDED", "{}").idempotency_key("a")).await;
    let waiting = given::unrouted(store).await;
    store.record_routing(&[given::routed(&waiting[0], &[given::endpoint_id()])], WINDOW).await.unwrap();
    assert_eq!(store.event(emitted).await.unwrap().unwrap().duplicate_of, Some(accepted_id));
    let mut again = given::event();
    again.idempotency_key = Some("a".to_owned());
    assert_eq!(given::accept(store, again).await, Accepted::Duplicate(accepted_id));
}

/// Expunging goes before everything.
pub async fn an_event_expunged_before_it_is_routed_is_cancelled(store: &dyn Store) {
    let id = given::emit(store, NewEvent::new("CALL_ENDED", "{}")).await;
    let waiting = given::unrouted(store).await;
    assert!(store.expunge(id, Keys::Keep, &given::asked()).await.unwrap().is_some());
    let due = store.record_routing(&[given::routed(&waiting[0], &[given::endpoint_id()])], WINDOW).await.unwrap().due;
    assert!(due.is_empty());
    assert_eq!(given::delivery(store, id.delivery(1)).await.status, Status::Cancelled);
    assert!(given::all_due(store).await.is_empty());
}

/// Nothing of it is stored.
pub async fn a_malformed_event_is_refused(store: &dyn Store) {
    let mut with_secret = Destination::to("example.com/hook");
    with_secret.secret = Some("whsec_x".to_owned());
    for event in [
        NewEvent::new("bad type", "{}"),
        NewEvent::new("ok", "{}").key(""),
        NewEvent::new("ok", "{}").destination(with_secret),
        NewEvent::new("ok", vec![b' '; 1024 * 1024 + 1]),
    ] {
        let refused = store.emit(&event).await;
        assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    }
    assert!(given::unrouted(store).await.is_empty());
}

/// Whichever way an event came in, its place is the one in which it was stored.
pub async fn emitted_and_accepted_events_share_one_order(store: &dyn Store) {
    let earlier = given::emit(store, NewEvent::new("CALL_ENDED", "{}")).await;
    let accepted = given::one_due(store).await;
    let later = given::emit(store, NewEvent::new("CALL_ENDED", "{}")).await;
    let waiting = given::unrouted(store).await;
    assert_eq!(waiting.iter().map(|unrouted| unrouted.event.id).collect::<Vec<_>>(), [earlier, later]);
    assert!(waiting[0].event.seq < accepted.seq && accepted.seq < waiting[1].event.seq);
}

/// The router halves such a part until the bad one is alone. Here it is one with two deliveries under one id.
pub async fn a_part_of_which_one_event_is_refused_routes_none(store: &dyn Store) {
    for _ in 0..3 {
        given::emit(store, NewEvent::new("x", "{}")).await;
    }
    let waiting = given::unrouted(store).await;
    let mut part: Vec<_> = waiting.iter().map(|event| given::routed(event, &[given::endpoint_id(); 2])).collect();
    if let Verdict::Deliveries(deliveries) = &mut part[1].routing.verdict {
        deliveries[1].id = deliveries[0].id;
    }
    assert!(matches!(store.record_routing(&part, given::WINDOW).await, Err(Error::Refused(_))));
    assert_eq!(given::unrouted(store).await.len(), 3);
    assert!(given::all_due(store).await.is_empty());
    for (place, one) in part.chunks(1).enumerate() {
        assert_eq!(store.record_routing(one, given::WINDOW).await.is_ok(), place != 1);
    }
    let left = given::unrouted(store).await;
    assert_eq!(left.iter().map(|event| event.event.id).collect::<Vec<_>>(), [waiting[1].event.id]);
    assert_eq!(given::all_due(store).await.len(), 4);
}

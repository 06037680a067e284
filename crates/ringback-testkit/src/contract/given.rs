//! What promises start from: events, endpoints and outcomes with nothing special about them.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use ringback::{
    attempt::{Attempt, Conclusion, Detail, ErrorClass},
    audit::{Action, Actor, Entry, Who},
    delivery::{DeadReason, Due, LaneId, Marks, NewDelivery, SHARDS, Shard},
    endpoint::StoredEndpoint,
    event::NewEvent,
    id::{DeliveryId, EndpointId, EventId},
    store::{
        Acceptance, Accepted, Created, Cursor, DeliveryRow, EventToAccept, Floor, Group, NodeId, Recorded, ReplayRow,
        ReplayToCreate, RoutedEvent, Routing, Settlement, Store, UnroutedEvent, Updated, Verdict,
    },
    time::Timestamp,
};

/// A window that nothing in a test outlives.
pub const WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A day.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An id unlike any other of this process, in the order of the calls.
#[must_use]
pub fn event_id() -> EventId {
    event_id_at(Timestamp::now())
}

/// The same for an event accepted at `time`: recent ids of one process rise even within a millisecond.
#[must_use]
pub fn event_id_at(time: Timestamp) -> EventId {
    static LAST: AtomicI64 = AtomicI64::new(0);
    if Timestamp::now().since(time) > Duration::from_secs(60) {
        return EventId::new(time);
    }
    let after = |last: i64| Some(time.millis().max(last + 1));
    let last = LAST.fetch_update(Ordering::SeqCst, Ordering::SeqCst, after).unwrap_or_else(|last| last);
    EventId::new(Timestamp::from_millis(time.millis().max(last + 1)))
}

/// Waits until the clock is beyond the time in an id that [`event_id`] made, which may be ahead of it: what the database
/// then accepts by itself is later.
pub async fn passed(time: Timestamp) {
    while Timestamp::now().millis() <= time.millis() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// An endpoint's id.
#[must_use]
pub fn endpoint_id() -> EndpointId {
    EndpointId::new(Timestamp::now())
}

/// The record of a change where nothing is said about it.
#[must_use]
pub fn asked() -> Entry {
    Actor::from(Who::AdminToken).asks(Action::UpdateEndpoint, "something", Some("default"))
}

/// An event of the default tenant that nobody wants.
#[must_use]
pub fn event() -> EventToAccept {
    event_with(event_id())
}

/// The same with this id.
#[must_use]
pub fn event_with(id: EventId) -> EventToAccept {
    EventToAccept {
        id,
        tenant: "default".to_owned(),
        event_type: "CALL_ENDED".to_owned(),
        key: None,
        ordering_key: None,
        idempotency_key: None,
        content: [1; 32],
        occurred_at: id.accepted_at(),
        endpoint_keys: None,
        destination: None,
        trace: None,
        schedule: Default::default(),
        metadata: None,
        test: false,
        payload: Bytes::from_static(b"{\"duration_minutes\":3.0}"),
        routing: Routing { config_version: 0, verdict: Verdict::Unmatched },
    }
}

/// An event that goes to these endpoints.
#[must_use]
pub fn event_to(endpoints: &[EndpointId]) -> EventToAccept {
    sent_to(event(), endpoints)
}

/// Sends an event to these endpoints.
#[must_use]
pub fn sent_to(mut event: EventToAccept, endpoints: &[EndpointId]) -> EventToAccept {
    event.routing.verdict = Verdict::Deliveries(deliveries(event.id, endpoints));
    event
}

/// Deliveries of an event to these endpoints, numbered from 1.
#[must_use]
pub fn deliveries(event: EventId, endpoints: &[EndpointId]) -> Vec<NewDelivery> {
    endpoints
        .iter()
        .zip(1_u16..)
        .map(|(&endpoint, number)| NewDelivery {
            id: event.delivery(number),
            lane: LaneId::of_endpoint(endpoint),
            endpoint: Some(endpoint),
            ordering_key: None,
            marks: Marks::default(),
            schedule: Default::default(),
        })
        .collect()
}

/// An event for an ordered endpoint.
#[must_use]
pub fn ordered_event(endpoint: EndpointId, key: &str) -> EventToAccept {
    let mut event = event_to(&[endpoint]);
    event.ordering_key = Some(key.to_owned());
    if let Verdict::Deliveries(deliveries) = &mut event.routing.verdict {
        for delivery in deliveries {
            delivery.ordering_key = Some(key.to_owned());
        }
    }
    event
}

/// An event with an inline destination at this URL.
#[must_use]
pub fn inline_event(url: &str, host: &str) -> EventToAccept {
    let mut event = event();
    event.destination = Some(serde_json::json!({ "url": url }).to_string());
    event.routing.verdict = Verdict::Deliveries(vec![NewDelivery {
        id: event.id.delivery(1),
        lane: LaneId::of_inline("default", "https", host, 443),
        endpoint: None,
        ordering_key: None,
        marks: Marks::default(),
        schedule: Default::default(),
    }]);
    event
}

/// Accepts one event alone.
pub async fn accept(store: &dyn Store, event: EventToAccept) -> Accepted {
    accept_group(store, vec![event]).await.remove(0)
}

/// Accepts one group alone.
pub async fn accept_group(store: &dyn Store, events: Vec<EventToAccept>) -> Acceptance {
    store.accept(&[Group { events, record: None, once: None }], WINDOW).await.expect("accept").remove(0)
}

/// Accepts a new event and gives what is due of it.
pub async fn accept_due(store: &dyn Store, event: EventToAccept) -> Vec<Due> {
    match accept(store, event).await {
        Accepted::New(due) => due,
        other => panic!("a new event was taken for {other:?}"),
    }
}

/// A new event for an endpoint of its own, and its one delivery.
pub async fn one_due(store: &dyn Store) -> Due {
    accept_due(store, event_to(&[endpoint_id()])).await.remove(0)
}

/// An attempt that was answered 204.
#[must_use]
pub fn success(number: i32) -> Attempt {
    Attempt {
        number,
        at: Timestamp::from_micros(1_736_937_000_123_456),
        conclusion: Conclusion::Delivered,
        status: Some(204),
        error: None,
        phase: None,
        ambiguous: false,
        duration: Duration::from_micros(12_345),
        detail: Detail { url: "https://example.com/hook".into(), ..Detail::default() }.to_bytes(),
        response_body: Bytes::from_static(b"ok"),
    }
}

/// An attempt that was answered 500.
#[must_use]
pub fn failure(number: i32) -> Attempt {
    Attempt { conclusion: Conclusion::Failed, status: Some(500), error: Some(ErrorClass::Status), ..success(number) }
}

/// The outcome of a delivery that was answered 204.
#[must_use]
pub fn delivered(due: &Due) -> Recorded {
    recorded(due, Settlement::Delivered, Some(success(due.attempts + 1)))
}

/// The outcome of a delivery that was answered 500 and is tried again.
#[must_use]
pub fn retried(due: &Due, after: Duration) -> Recorded {
    recorded(due, Settlement::Retry { after }, Some(failure(due.attempts + 1)))
}

/// The outcome of a delivery whose last try failed.
#[must_use]
pub fn dead(due: &Due) -> Recorded {
    let settlement = Settlement::Dead { reason: DeadReason::Exhausted, detail: None, blocks: false };
    recorded(due, settlement, Some(failure(due.attempts + 1)))
}

/// An outcome for a delivery as it was sent.
#[must_use]
pub fn recorded(due: &Due, settlement: Settlement, attempt: Option<Attempt>) -> Recorded {
    Recorded { id: due.id, lane: due.lane, fence: due.attempts, settlement, attempt }
}

/// A node that owns every shard.
pub async fn owner(store: &dyn Store) -> NodeId {
    let node = store.register_node(Duration::from_secs(3_600)).await.expect("register").expect("the only node");
    let all: Vec<Shard> = (0..SHARDS).collect();
    assert_eq!(store.claim_shards(node, &all).await.expect("claim").len(), all.len());
    node
}

/// The same outcome, of a request that another node made a little later.
#[must_use]
pub fn of_another(mut outcome: Recorded) -> Recorded {
    if let Some(attempt) = &mut outcome.attempt {
        attempt.at = attempt.at + Duration::from_millis(5);
    }
    outcome
}

/// Records one outcome; whether it was applied.
pub async fn record(store: &dyn Store, outcome: Recorded) -> bool {
    store.record(&[outcome]).await.expect("record")[0]
}

/// A delivery that has been given up, and its event's endpoint.
pub async fn one_dead(store: &dyn Store) -> Due {
    let due = one_due(store).await;
    assert!(record(store, dead(&due)).await);
    due
}

/// A delivery that has been delivered.
pub async fn one_delivered(store: &dyn Store) -> Due {
    let due = one_due(store).await;
    assert!(record(store, delivered(&due)).await);
    due
}

/// Everything that is due, read from the beginning.
pub async fn all_due(store: &dyn Store) -> Vec<Due> {
    let cursors: Vec<(Shard, Cursor)> = (0..SHARDS).map(|shard| (shard, Cursor::START)).collect();
    store.feed(&cursors, 1_000).await.expect("feed").rows
}

/// The ids of everything that is due.
pub async fn due_ids(store: &dyn Store) -> Vec<DeliveryId> {
    let mut ids: Vec<_> = all_due(store).await.into_iter().map(|due| due.id).collect();
    ids.sort_unstable();
    ids
}

/// A delivery that must be there.
pub async fn delivery(store: &dyn Store, id: DeliveryId) -> DeliveryRow {
    store.delivery(id).await.expect("delivery").expect("the delivery is there")
}

/// Emits, as a caller without a transaction of its own.
pub async fn emit(store: &dyn Store, event: NewEvent) -> EventId {
    store.emit(&event).await.expect("emit")
}

/// Everything that is in the outbox.
pub async fn unrouted(store: &dyn Store) -> Vec<UnroutedEvent> {
    store.read_outbox(Floor::default(), 1_000).await.expect("read the outbox").events
}

/// Routes an event to these endpoints.
#[must_use]
pub fn routed(unrouted: &UnroutedEvent, endpoints: &[EndpointId]) -> RoutedEvent {
    let deliveries = deliveries(unrouted.event.id, endpoints);
    let verdict = if deliveries.is_empty() { Verdict::Unmatched } else { Verdict::Deliveries(deliveries) };
    RoutedEvent {
        pointer: unrouted.pointer,
        event: unrouted.event.clone(),
        routing: Routing { config_version: 7, verdict },
    }
}

/// An endpoint of the default tenant without a key, wanting everything.
#[must_use]
pub fn endpoint() -> StoredEndpoint {
    let now = Timestamp::from_millis(Timestamp::now().millis());
    StoredEndpoint {
        id: endpoint_id(),
        tenant: "default".to_owned(),
        key: None,
        event_types: vec!["*".to_owned()],
        enabled: true,
        disabled_reason: None,
        paused: false,
        spec: "{\"url\":\"https://example.com/hook\",\"on_dead\":\"skip\"}".to_owned(),
        credentials: vec![0, 159, 146, 150],
        version: 0,
        created_at: now,
        updated_at: now,
        deleted_at: None,
    }
}

/// Makes a replay.
pub async fn made(store: &dyn Store, replay: &ReplayToCreate) -> ReplayRow {
    match store.create_replay(replay, &asked()).await.expect("create a replay") {
        Created::Replay(row) => *row,
        before @ Created::Before(_) => panic!("expected a replay to be made, not {before:?}"),
    }
}

/// Stores an endpoint that nothing speaks against.
pub async fn create(store: &dyn Store, endpoint: &StoredEndpoint) -> StoredEndpoint {
    done(store.create_endpoint(endpoint, 10_000, None, &asked()).await.expect("create an endpoint"))
}

/// Changes an endpoint as nothing speaks against.
pub async fn update(store: &dyn Store, endpoint: &StoredEndpoint) -> StoredEndpoint {
    done(store.update_endpoint(endpoint, &asked()).await.expect("update an endpoint"))
}

/// The endpoint of a change that was made.
pub fn done(updated: Updated) -> StoredEndpoint {
    match updated {
        Updated::Done(endpoint) | Updated::Deleted(endpoint, _) => *endpoint,
        other => panic!("expected a change to be made, not {other:?}"),
    }
}

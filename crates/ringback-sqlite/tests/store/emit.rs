//! Emitting inside a transaction that is the caller's.

use ringback::{
    endpoint::Destination,
    event::NewEvent,
    store::{Error, Floor, Outbox as _},
    time::Timestamp,
};
use sqlx::{Acquire as _, ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

use crate::fixture::Fixture;

async fn unrouted(fixture: &Fixture) -> Vec<ringback::store::UnroutedEvent> {
    fixture.store.read_outbox(Floor::default(), 100).await.unwrap().events
}

#[tokio::test]
async fn what_the_host_rolls_back_was_never_emitted() {
    let fixture = Fixture::new().await;
    let path = fixture.folder.path().join("ringback.db");
    let mut host = SqliteConnectOptions::new().filename(path).connect().await.unwrap();

    let mut transaction = host.begin_with("BEGIN IMMEDIATE").await.unwrap();
    ringback_sqlite::emit(&mut transaction, &NewEvent::new("call.ended", "{}")).await.unwrap();
    transaction.rollback().await.unwrap();
    assert!(unrouted(&fixture).await.is_empty());

    let mut transaction = host.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let mut savepoint = transaction.begin().await.unwrap();
    ringback_sqlite::emit(&mut savepoint, &NewEvent::new("call.ended", "{}")).await.unwrap();
    savepoint.rollback().await.unwrap();
    let kept = ringback_sqlite::emit(&mut transaction, &NewEvent::new("call.ended", "{}")).await.unwrap();
    transaction.commit().await.unwrap();
    let events = unrouted(&fixture).await;
    assert_eq!(events.iter().map(|unrouted| unrouted.event.id).collect::<Vec<_>>(), [kept]);
    host.close().await.unwrap();
}

#[tokio::test]
async fn every_field_comes_out_as_it_went_in() {
    let fixture = Fixture::new().await;
    let at = Timestamp::from_micros(1_700_000_000_123_456);
    let event = NewEvent::new("phone_call.ended", "{\"duration\": 3.0, \"\\u00e9\":9007199254740993}")
        .tenant("acme")
        .key("call-1")
        .ordering_key("session-1")
        .idempotency_key("once")
        .occurred_at(at)
        .endpoint_keys(["a", "b\"c"]);
    let id = fixture.store.emit(&event).await.unwrap();
    let read = unrouted(&fixture).await.remove(0).event;
    assert_eq!((read.id, read.tenant.as_str(), read.event_type.as_str()), (id, "acme", "phone_call.ended"));
    assert_eq!((read.key.as_deref(), read.ordering_key.as_deref()), (Some("call-1"), Some("session-1")));
    assert_eq!((read.idempotency_key.as_deref(), read.occurred_at), (Some("once"), at));
    assert_eq!(read.endpoint_keys.unwrap(), ["a", "b\"c"]);

    use ringback::store::Work as _;
    let loaded = fixture.store.load_events(&[id]).await.unwrap().remove(0);
    assert_eq!(loaded.payload.unwrap(), event.payload);
}

#[tokio::test]
async fn a_destination_is_kept_without_its_secrets_or_refused() {
    let fixture = Fixture::new().await;
    let mut destination = Destination::to("example.com/hook");
    destination.endpoint_key = Some("agent".to_owned());
    fixture.store.emit(&NewEvent::new("call.ended", "{}").destination(destination.clone())).await.unwrap();
    let read = unrouted(&fixture).await.remove(0).event;
    let kept: ringback::endpoint::KeptDestination = serde_json::from_str(&read.destination.unwrap()).unwrap();
    assert_eq!((kept.url.as_str(), kept.endpoint_key.as_deref()), ("example.com/hook", Some("agent")));

    destination.secret = Some("whsec_x".to_owned());
    let refused = fixture.store.emit(&NewEvent::new("call.ended", "{}").destination(destination)).await;
    let Err(Error::Refused(reason)) = refused else { panic!("{refused:?}") };
    assert!(reason.to_string().contains("destination.secret"), "{reason}");
    let oversize = NewEvent::new("call.ended", vec![b' '; 1024 * 1024 + 1]);
    assert!(matches!(fixture.store.emit(&oversize).await, Err(Error::Refused(_))));
    assert_eq!(unrouted(&fixture).await.len(), 1);
}

#[tokio::test]
async fn events_of_both_doors_share_one_order() {
    let fixture = Fixture::new().await;
    let emitted = fixture.store.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
    let endpoint = fixture.endpoint("{}").await;
    let accepted = fixture.accept(crate::fixture::event(&[endpoint.id])).await.remove(0);
    let later = fixture.store.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
    let page = fixture.store.read_outbox(Floor::default(), 1).await.unwrap();
    assert_eq!(page.events[0].event.id, emitted);
    let rest = fixture.store.read_outbox(page.next, 10).await.unwrap();
    assert_eq!(rest.events.len(), 1);
    assert_eq!(rest.events[0].event.id, later);
    assert!(page.events[0].event.seq < accepted.seq && accepted.seq < rest.events[0].event.seq);
}

//! The ledger balances, whatever has happened.

use ringback::{
    event::NewEvent,
    store::{Group, Intake as _, Ledger, Operations as _, Outbox as _, Span},
};
use ringback_testkit::contract::given::asked;

use crate::fixture::{Fixture, WINDOW, dead, event, success};

pub(crate) fn assert_balanced(ledger: &Ledger) {
    let events = ledger.events;
    assert_eq!(events.accepted, events.unrouted + events.duplicate + events.unmatched + events.routed);
    let deliveries = ledger.deliveries;
    let parts = deliveries.pending + deliveries.delivered + deliveries.dead + deliveries.cancelled;
    assert_eq!(deliveries.owed, parts);
}

#[tokio::test]
async fn every_event_and_delivery_is_counted_where_it_lies() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let due = fixture.accept(event(&[endpoint.id, endpoint.id, endpoint.id, endpoint.id])).await;
    fixture.record(success(&due[0])).await;
    fixture.record(dead(&due[1], false)).await;
    fixture.record(dead(&due[2], false)).await;
    fixture.store.discard_dead_letter(due[2].id, &asked()).await.unwrap();
    fixture.accept(event(&[])).await;
    let mut foreign = event(&[endpoint.id]);
    foreign.tenant = "other".to_owned();
    fixture.store.accept(&[Group { events: vec![foreign], record: None }], WINDOW).await.unwrap();
    fixture.store.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
    fixture.store.replay_one(due[0].id, &asked()).await.unwrap();

    let all = fixture.store.ledger(None, Span::default()).await.unwrap();
    assert_balanced(&all);
    assert_eq!((all.events.accepted, all.events.routed), (4, 2));
    assert_eq!((all.events.unmatched, all.events.unrouted), (1, 1));
    assert_eq!((all.deliveries.owed, all.deliveries.pending), (5, 2));
    assert_eq!((all.deliveries.delivered, all.deliveries.dead, all.deliveries.cancelled), (1, 1, 1));
    let own = fixture.store.ledger(Some("default"), Span::default()).await.unwrap();
    assert_balanced(&own);
    assert_eq!((own.events.accepted, own.deliveries.owed, own.deliveries.pending), (3, 4, 1));
    let future =
        Span { since: Some(ringback::time::Timestamp::now() + std::time::Duration::from_secs(60)), until: None };
    assert_eq!(fixture.store.ledger(None, future).await.unwrap(), Ledger::default());
}

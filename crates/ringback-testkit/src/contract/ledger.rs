//! Nothing vanishes: what was accepted and what became of it.

use std::time::Duration;

use ringback::{
    event::NewEvent,
    store::{Ledger, LedgerDeliveries, LedgerEvents, Span, Store},
    time::Timestamp,
};

use super::given::{self, WINDOW};

/// The whole ledger, which must balance.
pub(super) async fn balanced(store: &dyn Store, tenant: Option<&str>, span: Span) -> Ledger {
    let ledger = store.ledger(tenant, span).await.unwrap();
    let events = ledger.events;
    assert_eq!(events.accepted, events.unrouted + events.duplicate + events.unmatched + events.routed, "{ledger:?}");
    let owed = ledger.deliveries;
    assert_eq!(owed.owed, owed.pending + owed.delivered + owed.dead + owed.cancelled, "{ledger:?}");
    ledger
}

/// Every count of it.
pub async fn the_ledger_of_an_empty_store_is_zero(store: &dyn Store) {
    assert_eq!(balanced(store, None, Span::default()).await, Ledger::default());
    assert_eq!(balanced(store, Some("acme"), Span::default()).await, Ledger::default());
}

/// One of everything, counted where it is.
pub async fn the_ledger_balances_through_every_state(store: &dyn Store) {
    given::emit(store, NewEvent::new("CALL_ENDED", "{}").idempotency_key("a")).await;
    given::emit(store, NewEvent::new("CALL_ENDED", "{}").idempotency_key("a")).await;
    let waiting = given::unrouted(store).await;
    let routed: Vec<_> = waiting.iter().map(|event| given::routed(event, &[given::endpoint_id()])).collect();
    store.record_routing(&routed, WINDOW).await.unwrap();
    given::emit(store, NewEvent::new("CALL_ENDED", "{}")).await;
    given::accept_due(store, given::event()).await;
    let endpoints: Vec<_> = (0..4).map(|_| given::endpoint_id()).collect();
    let due = given::accept_due(store, given::event_to(&endpoints)).await;
    given::record(store, given::delivered(&due[0])).await;
    given::record(store, given::dead(&due[1])).await;
    given::record(store, given::dead(&due[2])).await;
    store.discard_dead_letter(due[2].id, &given::asked()).await.unwrap();
    store.replay_one(due[0].id, ringback::store::ReplayOf::Either, &given::asked()).await.unwrap();
    let expected = Ledger {
        events: LedgerEvents { accepted: 5, unrouted: 1, duplicate: 1, unmatched: 1, routed: 2 },
        deliveries: LedgerDeliveries { owed: 5, pending: 2, delivered: 1, dead: 1, cancelled: 1 },
    };
    assert_eq!(balanced(store, None, Span::default()).await, expected);
    assert_eq!(balanced(store, Some("default"), Span::default()).await, expected);
}

/// By the event's acceptance, for deliveries too.
pub async fn the_ledger_of_a_tenant_or_a_time_counts_theirs_only(store: &dyn Store) {
    let now = Timestamp::now();
    let old = given::event_with(given::event_id_at(now - given::DAY));
    let mut old = given::sent_to(old, &[given::endpoint_id(), given::endpoint_id()]);
    old.tenant = "acme".to_owned();
    let at = old.id.accepted_at();
    let due = given::accept_due(store, old).await;
    given::record(store, given::delivered(&due[0])).await;
    given::one_dead(store).await;
    let acme = balanced(store, Some("acme"), Span::default()).await;
    assert_eq!((acme.events.routed, acme.deliveries.owed, acme.deliveries.delivered), (1, 2, 1));
    let before = Span { since: None, until: Some(at + Duration::from_micros(1)) };
    assert_eq!(balanced(store, None, before).await, acme);
    let after = Span { since: Some(at + Duration::from_micros(1)), until: None };
    let rest = balanced(store, None, after).await;
    assert_eq!((rest.events.accepted, rest.deliveries.dead, rest.deliveries.owed), (1, 1, 1));
    assert_eq!(balanced(store, Some("acme"), after).await, Ledger::default());
}

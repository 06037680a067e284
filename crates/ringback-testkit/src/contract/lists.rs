//! Lists and single things, as operators ask for them.

use std::time::Duration;

use ringback::{
    delivery::{DeadReason, Due, HoldReason, LaneId, Marks, NewDelivery, Status},
    id::{DeliveryId, EventId},
    store::{
        DeliveryFilter, EventFilter, EventState, Hold, Settlement, Span, Store, Verdict, rules::page::EVENTS_OF_KEY_MAX,
    },
    time::Timestamp,
};

use super::given;

/// On both sides, each once, in one order; of one tenant or of all.
pub async fn keys_are_found_near_a_text(store: &dyn Store) {
    for (tenant, key) in [("a", "call-1"), ("a", "call-2"), ("b", "call-2"), ("b", "call-3"), ("a", "other")] {
        let mut event = given::event();
        (event.tenant, event.key) = (tenant.to_owned(), Some(key.to_owned()));
        given::accept_due(store, event).await;
    }
    let near = async |tenant: Option<&str>, text, most| store.keys_near(tenant, text, most).await.unwrap();
    assert_eq!(near(None, "call-2", 10).await, ["call-1", "call-2", "call-3", "other"]);
    assert_eq!(near(None, "call-2", 1).await, ["call-1", "call-2"]);
    assert_eq!(near(Some("b"), "call-1", 10).await, ["call-2", "call-3"]);
    assert_eq!(near(None, "z", 1).await, ["other"]);
    assert_eq!(near(Some("c"), "call", 10).await, [""; 0]);
}

/// Of one tenant or of all, whatever their type; not longer than they hold it.
pub async fn holders_of_an_idempotency_key_are_found(store: &dyn Store) {
    let mut ids = Vec::new();
    let now = Timestamp::now();
    let stored = [("a", "one", "k"), ("a", "two", "k"), ("b", "one", "k"), ("a", "one", "other"), ("a-b", "one", "z")];
    for (age, (tenant, event_type, key)) in (1_u32..).zip(stored) {
        let mut event = given::event_with(given::event_id_at(now - given::DAY * age));
        (event.tenant, event.event_type) = (tenant.to_owned(), event_type.to_owned());
        event.idempotency_key = Some(key.to_owned());
        ids.push(event.id);
        given::accept_due(store, event).await;
    }
    let week = given::DAY * 7;
    let found =
        async |tenant: Option<&str>, key, window, most| store.key_holders(tenant, key, window, most).await.unwrap();
    assert_eq!(found(None, "k", week, 10).await, [ids[0], ids[1], ids[2]]);
    assert_eq!(found(None, "k", week, 2).await, [ids[0], ids[1]]);
    assert_eq!(found(Some("a"), "k", week, 10).await, [ids[0], ids[1]]);
    assert_eq!(found(Some("b"), "k", week, 10).await, [ids[2]]);
    assert_eq!(found(Some("a"), "z", week, 10).await, []);
    assert_eq!(found(Some("c"), "k", week, 10).await, []);
    assert_eq!(found(Some(""), "k", week, 10).await, []);
    assert_eq!(found(None, "k", given::DAY * 3 / 2, 10).await, [ids[0]], "the others hold it no more");
}

/// Every event once, whatever the size of the pages.
pub async fn events_are_listed_newest_first_in_pages(store: &dyn Store) {
    let mut ids = Vec::new();
    for index in 0..5 {
        let event = if index % 2 == 0 { given::event() } else { given::event_to(&[given::endpoint_id()]) };
        ids.push(event.id);
        given::accept_due(store, event).await;
    }
    ids.reverse();
    for limit in [1, 2, 5, 100] {
        let listed = all_events(store, &EventFilter::default(), limit).await;
        assert_eq!(listed, ids, "pages of {limit}");
    }
    let rows = store.list_events(&EventFilter::default(), None, 5).await.unwrap().items;
    assert_eq!((rows[0].state, rows[1].state), (EventState::Unmatched, EventState::Routed));
}

async fn all_events(store: &dyn Store, filter: &EventFilter, limit: u32) -> Vec<EventId> {
    let (mut ids, mut before) = (Vec::new(), None);
    loop {
        let page = store.list_events(filter, before, limit).await.unwrap();
        assert!(page.items.len() <= limit as usize);
        ids.extend(page.items.iter().map(|row| row.event.id));
        before = page.next;
        if before.is_none() {
            return ids;
        }
    }
}

/// By every condition, and by all of them together.
pub async fn events_are_filtered(store: &dyn Store) {
    let now = Timestamp::now();
    let mut old = given::event_with(given::event_id_at(now - given::DAY));
    old.tenant = "acme".to_owned();
    let mut keyed = given::event();
    keyed.key = Some("call-1".to_owned());
    let mut typed = given::event();
    typed.event_type = "other".to_owned();
    typed.key = Some("call-1".to_owned());
    let (old_id, keyed_id, typed_id) = (old.id, keyed.id, typed.id);
    for event in [old, keyed, typed] {
        given::accept_due(store, event).await;
    }
    let list = async |filter: EventFilter| all_events(store, &filter, 10).await;
    let tenant = |tenant: &str| EventFilter { tenant: Some(tenant.to_owned()), ..EventFilter::default() };
    assert_eq!(list(tenant("acme")).await, [old_id]);
    assert_eq!(list(tenant("nobody")).await, []);
    let key = EventFilter { key: Some("call-1".to_owned()), ..EventFilter::default() };
    assert_eq!(list(key.clone()).await, [typed_id, keyed_id]);
    let both = EventFilter { event_type: Some("other".to_owned()), ..key };
    assert_eq!(list(both).await, [typed_id]);
    let span = |since, until| EventFilter { accepted: Span { since, until }, ..EventFilter::default() };
    let accepted = old_id.accepted_at();
    assert_eq!(list(span(None, Some(accepted))).await, []);
    assert_eq!(list(span(Some(accepted), Some(accepted + Duration::from_millis(1)))).await, [old_id]);
    assert_eq!(list(span(Some(accepted + Duration::from_micros(1)), None)).await, [typed_id, keyed_id]);
}

/// One in each state.
struct Four {
    pending: Due,
    delivered: Due,
    dead: Due,
    cancelled: Due,
}

async fn four(store: &dyn Store) -> Four {
    let pending = given::one_due(store).await;
    let delivered = given::one_delivered(store).await;
    let dead = given::one_dead(store).await;
    let cancelled = given::one_dead(store).await;
    assert!(store.discard_dead_letter(cancelled.id, &given::asked()).await.unwrap());
    Four { pending, delivered, dead, cancelled }
}

async fn all_deliveries(store: &dyn Store, filter: &DeliveryFilter, limit: u32) -> Vec<DeliveryId> {
    let (mut ids, mut before) = (Vec::new(), None);
    loop {
        let page = store.list_deliveries(filter, before, limit).await.unwrap();
        assert!(page.items.len() <= limit as usize);
        ids.extend(page.items.iter().map(|row| row.id));
        before = page.next;
        if before.is_none() {
            return ids;
        }
    }
}

/// Every delivery once, wherever it is.
pub async fn deliveries_are_listed_newest_first_in_pages(store: &dyn Store) {
    let four = four(store).await;
    let two = given::accept_due(store, given::event_to(&[given::endpoint_id(), given::endpoint_id()])).await;
    store.replay_one(four.delivered.id, ringback::store::ReplayOf::Either, &given::asked()).await.unwrap();
    let ids = [two[1].id, two[0].id, four.cancelled.id, four.dead.id, four.delivered.id, four.pending.id];
    for limit in [1, 2, 6, 100] {
        assert_eq!(all_deliveries(store, &DeliveryFilter::default(), limit).await, ids, "pages of {limit}");
    }
}

/// By every condition, and by all of them together.
pub async fn deliveries_are_filtered(store: &dyn Store) {
    let four = four(store).await;
    let mut other = given::event_to(&[given::endpoint_id(), given::endpoint_id()]);
    other.tenant = "acme".to_owned();
    other.event_type = "other".to_owned();
    other.key = Some("call-1".to_owned());
    let other = given::accept_due(store, other).await;
    let list = async |filter: DeliveryFilter| all_deliveries(store, &filter, 1).await;
    let any = DeliveryFilter::default;
    for (status, due) in
        [(Status::Delivered, &four.delivered), (Status::Dead, &four.dead), (Status::Cancelled, &four.cancelled)]
    {
        assert_eq!(list(DeliveryFilter { status: Some(status), ..any() }).await, [due.id], "{status}");
    }
    let pending = DeliveryFilter { status: Some(Status::Pending), ..any() };
    assert_eq!(list(pending).await, [other[1].id, other[0].id, four.pending.id]);
    let reason = |reason| DeliveryFilter { reason: Some(reason), ..any() };
    assert_eq!(list(reason(DeadReason::Exhausted)).await, [four.dead.id]);
    assert_eq!(list(reason(DeadReason::Gone)).await, []);
    for due in [&four.pending, &four.delivered, &four.dead, &four.cancelled] {
        assert_eq!(list(DeliveryFilter { endpoint: due.endpoint, ..any() }).await, [due.id]);
        assert_eq!(list(DeliveryFilter { event: Some(due.id.event()), ..any() }).await, [due.id]);
    }
    let both = [other[1].id, other[0].id];
    assert_eq!(list(DeliveryFilter { tenant: Some("acme".to_owned()), ..any() }).await, both);
    assert_eq!(list(DeliveryFilter { event_type: Some("other".to_owned()), ..any() }).await, both);
    let key = DeliveryFilter { key: Some("call-1".to_owned()), ..any() };
    assert_eq!(list(key.clone()).await, both);
    let narrow = DeliveryFilter { endpoint: other[0].endpoint, tenant: Some("acme".to_owned()), ..key.clone() };
    assert_eq!(list(narrow).await, [other[0].id]);
    assert_eq!(list(DeliveryFilter { tenant: Some("default".to_owned()), ..key }).await, []);
    let at = four.pending.id.event().accepted_at();
    let span = Span { since: Some(at), until: Some(at + Duration::from_micros(1)) };
    assert_eq!(list(DeliveryFilter { span, ..any() }).await, [four.pending.id]);
    assert_eq!(list(DeliveryFilter { event: Some(given::event_id()), ..any() }).await, []);
}

/// Beside those to registered endpoints at that host, which the caller knows.
pub async fn inline_deliveries_are_found_by_host(store: &dyn Store) {
    let inline = given::inline_event("https://hooks.example.com:8443/x?y", "hooks.example.com");
    let elsewhere = given::inline_event("https://example.org/hooks.example.com", "example.org");
    let inline = given::accept_due(store, inline).await.remove(0);
    given::accept_due(store, elsewhere).await;
    let registered = given::one_due(store).await;
    given::one_due(store).await;
    let host = Some(("hooks.example.com".to_owned(), vec![registered.endpoint.unwrap()]));
    let filter = DeliveryFilter { host, ..DeliveryFilter::default() };
    assert_eq!(all_deliveries(store, &filter, 1).await, [registered.id, inline.id]);
}

/// Whatever the order of their events.
pub async fn dead_letters_are_listed_newest_death_first(store: &dyn Store) {
    let (first, second) = (given::one_due(store).await, given::one_due(store).await);
    let mut event = given::event();
    event.key = Some("call-1".to_owned());
    let third = given::accept_due(store, given::sent_to(event, &[given::endpoint_id()])).await.remove(0);
    for due in [&second, &third, &first] {
        assert!(given::record(store, given::dead(due)).await);
    }
    let list = async |filter: &DeliveryFilter, limit| {
        let (mut ids, mut before) = (Vec::new(), None);
        loop {
            let page = store.list_dead_letters(filter, before, limit).await.unwrap();
            assert!(page.items.iter().all(|row| row.status == Status::Dead));
            ids.extend(page.items.iter().map(|row| row.id));
            before = page.next;
            if before.is_none() {
                return ids;
            }
        }
    };
    let any = DeliveryFilter::default;
    for limit in [1, 2, 100] {
        assert_eq!(list(&any(), limit).await, [first.id, third.id, second.id], "pages of {limit}");
    }
    let key = DeliveryFilter { key: Some("call-1".to_owned()), ..any() };
    assert_eq!(list(&key, 1).await, [third.id]);
    assert_eq!(list(&DeliveryFilter { endpoint: first.endpoint, ..any() }, 1).await, [first.id]);
    assert_eq!(list(&DeliveryFilter { reason: Some(DeadReason::Gone), ..any() }, 1).await, []);
    assert_eq!(list(&DeliveryFilter { tenant: Some("acme".to_owned()), ..any() }, 1).await, []);
    let died_at = given::delivery(store, third.id).await.finished_at.unwrap();
    let span = Span { since: Some(died_at), until: Some(died_at + Duration::from_micros(1)) };
    assert_eq!(list(&DeliveryFilter { span, ..any() }, 1).await, [third.id]);
}

/// However many newer events carry the same key, of other tenants or types: no page is the last before all of them are
/// looked at.
pub async fn a_key_that_many_events_carry_hides_nothing(store: &dyn Store) {
    let of = |tenant: &str| {
        let mut event = given::event_to(&[given::endpoint_id()]);
        (event.tenant, event.key) = (tenant.to_owned(), Some("call-1".to_owned()));
        event
    };
    let sought = of("acme");
    let event = sought.id;
    let first = given::accept_due(store, sought).await.remove(0);
    assert!(given::record(store, given::dead(&first)).await);
    // One of the others died before it, so that a page in the order of deaths has something on either side.
    let other = given::accept_due(store, of("zeta")).await.remove(0);
    assert!(given::record(store, given::dead(&other)).await);
    for _ in 0..3 {
        let newer = (0..EVENTS_OF_KEY_MAX / 2).map(|_| of("zeta")).collect();
        given::accept_group(store, newer).await;
    }
    let key = Some("call-1".to_owned());
    let tenant = Some("acme".to_owned());
    let filter = EventFilter { tenant: tenant.clone(), key: key.clone(), ..EventFilter::default() };
    assert_eq!(all_events(store, &filter, 10).await, [event]);
    let filter = DeliveryFilter { tenant, key: key.clone(), ..DeliveryFilter::default() };
    assert_eq!(all_deliveries(store, &filter, 10).await, [first.id]);
    assert_eq!(all_dead_letters(store, &filter, 10).await, [first.id]);
    let endpoint = DeliveryFilter { endpoint: first.endpoint, key: key.clone(), ..DeliveryFilter::default() };
    assert_eq!(all_deliveries(store, &endpoint, 10).await, [first.id]);
    assert_eq!(all_dead_letters(store, &endpoint, 10).await, [first.id]);
    let all = DeliveryFilter { key, ..DeliveryFilter::default() };
    assert_eq!(all_dead_letters(store, &all, 1).await, [other.id, first.id]);
}

async fn all_dead_letters(store: &dyn Store, filter: &DeliveryFilter, limit: u32) -> Vec<DeliveryId> {
    let (mut ids, mut before) = (Vec::new(), None);
    loop {
        let page = store.list_dead_letters(filter, before, limit).await.unwrap();
        assert!(page.items.len() <= limit as usize);
        ids.extend(page.items.iter().map(|row| row.id));
        before = page.next;
        if before.is_none() {
            return ids;
        }
    }
}

/// Until the hold ends.
pub async fn a_held_lane_shows_at_its_deliveries(store: &dyn Store) {
    let due = given::one_due(store).await;
    let now = store.feed(&[], 1).await.unwrap().now;
    let until = now + Duration::from_secs(3_600);
    let hold = Hold { lane: due.lane, until, reason: HoldReason::Failing, streak: 1 };
    let node = given::owner(store).await;
    store.set_holds(node, &[hold]).await.unwrap();
    let row = given::delivery(store, due.id).await;
    assert_eq!((row.hold, row.due_at), (Some((until, HoldReason::Failing)), Some(due.due_at)));
    assert_eq!(row.created_at, due.id.event().accepted_at());
    store.set_holds(node, &[Hold { until: now, ..hold }]).await.unwrap();
    assert_eq!(given::delivery(store, due.id).await.hold, None);
}

/// Once.
pub async fn discarding_cancels_a_dead_letter(store: &dyn Store) {
    let dead = given::one_dead(store).await;
    let pending = given::one_due(store).await;
    assert!(store.discard_dead_letter(dead.id, &given::asked()).await.unwrap());
    let row = given::delivery(store, dead.id).await;
    assert_eq!((row.status, row.attempts), (Status::Cancelled, 1));
    assert_eq!(store.attempts(dead.id).await.unwrap().len(), 1);
    assert!(!store.discard_dead_letter(dead.id, &given::asked()).await.unwrap());
    assert!(!store.discard_dead_letter(pending.id, &given::asked()).await.unwrap());
    assert_eq!(given::delivery(store, pending.id).await.status, Status::Pending);
    let mut event = given::event();
    event.routing.verdict = Verdict::Unroutable {
        delivery: NewDelivery {
            id: event.id.delivery(1),
            lane: LaneId::from_i64(1),
            endpoint: None,
            ordering_key: None,
            marks: Marks::default(),
            schedule: Default::default(),
        },
        detail: "no host".to_owned(),
    };
    let unroutable = event.id.delivery(1);
    given::accept_due(store, event).await;
    assert!(store.discard_dead_letter(unroutable, &given::asked()).await.unwrap());
    let kept = given::one_due(store).await;
    let blocking = Settlement::Dead { reason: DeadReason::Expired, detail: None, blocks: false };
    given::record(store, given::recorded(&kept, blocking, None)).await;
    assert!(store.discard_dead_letter(kept.id, &given::asked()).await.unwrap());
}

/// A page reads a bounded number of rows: it may be empty and have a next one, and no match is passed over.
pub async fn a_rare_match_is_found_page_by_page(store: &dyn Store) {
    let mut rare = given::event_to(&[given::endpoint_id()]);
    rare.event_type = "rare".to_owned();
    let (id, endpoint) = (rare.id, given::endpoint_id());
    given::accept_due(store, rare).await;
    for _ in 0..12 {
        given::accept_group(store, (0..1_000).map(|_| given::event_to(&[endpoint])).collect()).await;
    }
    let events = EventFilter { event_type: Some("rare".to_owned()), ..EventFilter::default() };
    assert_eq!(all_events(store, &events, 10).await, [id]);
    let deliveries = DeliveryFilter { event_type: Some("rare".to_owned()), ..DeliveryFilter::default() };
    assert_eq!(all_deliveries(store, &deliveries, 10).await, [id.delivery(1)]);
}

//! What can be asked, and whether it is what the model says.

use std::fmt::Debug;

use ringback::{
    delivery::{DeadReason, Status},
    id::{DeliveryId, EventId},
    store::{DeliveryFilter, EventFilter, EventState, PayloadRead, Span, Store},
    time::Timestamp,
};

use super::house::{Delivery, Event, House, Routed};
use crate::{Random, contract::given};

/// Pages are small, so that there are many.
const PAGE: u32 = 7;

/// What is due, what it counts, and the ledger.
pub(super) async fn glance(store: &dyn Store, house: &House) {
    let due = given::all_due(store).await;
    let mut ids: Vec<_> = due.iter().map(|due| due.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, house.due(), "what is due");
    for due in due {
        let delivery = &house.deliveries[&due.id];
        let refill = delivery.owed.unwrap().attempts_at_refill;
        assert_eq!((due.attempts, due.attempts_at_refill), (delivery.attempts, refill), "{}", due.id);
        let in_order = delivery.ordering_key.as_deref().filter(|_| delivery.status == Status::Pending);
        assert_eq!(due.ordering_key.as_deref(), in_order, "{}", due.id);
        let (marks, before) = (due.marks, delivery.status == Status::Delivered);
        assert_eq!((marks.replay, marks.delivered_before), (delivery.replayed, before), "{}", due.id);
    }
    for tenant in [None, Some("default"), Some("acme")] {
        assert_eq!(store.ledger(tenant, Span::default()).await.unwrap(), house.ledger(tenant), "of {tenant:?}");
    }
}

/// Everything, one by one and in lists.
pub(super) async fn everywhere(store: &dyn Store, house: &House, random: &mut Random) {
    for event in house.events.values() {
        look_at_event(store, event).await;
    }
    for delivery in house.deliveries.values() {
        look_at_delivery(store, house, delivery).await;
    }
    look_at_jobs(store, house).await;
    look_at_counts(store, house).await;
    look_at_lists(store, house, random).await;
}

async fn look_at_event(store: &dyn Store, event: &Event) {
    let id = event.id;
    let row = store.event(id).await.unwrap().unwrap_or_else(|| panic!("{id} is gone"));
    let (state, duplicate_of) = match event.routed {
        Routed::Not(_) => (EventState::Unrouted, None),
        Routed::Unmatched => (EventState::Unmatched, None),
        Routed::Duplicate(of) => (EventState::Duplicate, Some(of)),
        Routed::Deliveries => (EventState::Routed, None),
    };
    assert_eq!((row.state, row.duplicate_of), (state, duplicate_of), "{id}");
    assert_eq!((&row.event.tenant, &row.event.key), (&event.tenant, &event.key), "{id}");
    assert_eq!(row.event.idempotency_key, event.idempotency_key, "{id}");
    assert_eq!((row.expunged_at.is_some(), row.event.destination), (event.expunged, event.destination.clone()), "{id}");
    let payload = if event.expunged {
        PayloadRead::Expunged
    } else if event.faded {
        PayloadRead::Expired
    } else {
        PayloadRead::Bytes(event.payload.clone())
    };
    assert_eq!(store.payload(id).await.unwrap(), payload, "{id}");
}

async fn look_at_delivery(store: &dyn Store, house: &House, delivery: &Delivery) {
    let id = delivery.id;
    let row = store.delivery(id).await.unwrap().unwrap_or_else(|| panic!("{id} is gone"));
    assert_eq!((row.status, row.attempts), (delivery.status, delivery.attempts), "{id}");
    assert_eq!((row.lane, row.endpoint), (delivery.lane, delivery.endpoint), "{id}");
    assert_eq!(row.due_at.is_some(), delivery.owed.is_some(), "{id}");
    assert_eq!(row.reason, delivery.death.map(|death| death.reason), "{id}");
    assert_eq!(row.last_status, delivery.death.and_then(|death| death.last_status), "{delivery:?}");
    // Of old events attempts may have been dropped, or not yet.
    if house.events[&id.event()].days_old == 0 {
        let kept = store.attempts(id).await.unwrap();
        let kept: Vec<_> = kept.iter().map(|it| (it.number, it.at.micros(), it.conclusion)).collect();
        assert_eq!(kept, delivery.tries, "attempts of {id}");
    }
}

async fn look_at_jobs(store: &dyn Store, house: &House) {
    for replay in &house.replays {
        let row = store.replay(replay.id).await.unwrap().unwrap();
        let counts = (row.state, row.released, row.skipped, usize::try_from(row.remaining).unwrap());
        assert_eq!(counts, (replay.state, replay.released, replay.skipped, replay.left.len()), "{}", replay.id);
    }
    for expunge in &house.expunges {
        let row = store.expunge_of_many(expunge.id).await.unwrap().unwrap();
        let counts = (row.state, row.erased.events, row.skipped, usize::try_from(row.remaining).unwrap());
        assert_eq!(counts, (expunge.state, expunge.erased, expunge.skipped, expunge.left.len()), "{}", expunge.id);
    }
}

async fn look_at_counts(store: &dyn Store, house: &House) {
    let of = |status| u32::try_from(house.deliveries.values().filter(|it| it.status == status).count()).unwrap();
    let backlog = store.backlog(10_000).await.unwrap();
    assert_eq!((backlog.pending, backlog.dead), (of(Status::Pending), of(Status::Dead)));
    let asked: Vec<_> =
        house.deliveries.values().map(|it| (it.id, it.attempts - i32::from(it.place % 3 == 0))).collect();
    let expected = house.deliveries.values().filter(|it| it.place % 3 != 0 && it.owed.is_some());
    let mut untried = store.find_untried(&asked).await.unwrap();
    untried.sort_unstable();
    assert_eq!(untried, expected.map(|delivery| delivery.id).collect::<Vec<_>>(), "what was not tried since");
}

async fn look_at_lists(store: &dyn Store, house: &House, random: &mut Random) {
    let tenant = random.percent(50).then(|| "acme".to_owned());
    let endpoint = (random.percent(30) && !house.endpoints.is_empty()).then(|| random.pick(&house.endpoints).stored.id);
    let of_tenant = |id: EventId| tenant.as_ref().is_none_or(|tenant| house.events[&id].tenant == *tenant);

    let mut events: Vec<_> = house.events.keys().copied().filter(|id| of_tenant(*id)).collect();
    events.reverse();
    let filter = EventFilter { tenant: tenant.clone(), ..EventFilter::default() };
    let (mut listed, mut before) = (Vec::new(), None);
    loop {
        let page = store.list_events(&filter, before, PAGE).await.unwrap();
        listed.extend(page.items.into_iter().map(|row| row.event.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    same(&listed, &events, &filter);

    let fits = |delivery: &&Delivery| {
        of_tenant(delivery.id.event()) && endpoint.is_none_or(|endpoint| delivery.endpoint == Some(endpoint))
    };
    let status = *random.pick(&[None, Some(Status::Pending), Some(Status::Delivered), Some(Status::Cancelled)]);
    let filter = DeliveryFilter { tenant: tenant.clone(), endpoint, status, ..DeliveryFilter::default() };
    let found = house.deliveries.values().filter(fits).filter(|it| status.is_none_or(|status| it.status == status));
    let mut deliveries: Vec<_> = found.map(|delivery| delivery.id).collect();
    deliveries.reverse();
    let (mut listed, mut before) = (Vec::new(), None);
    loop {
        let page = store.list_deliveries(&filter, before, PAGE).await.unwrap();
        listed.extend(page.items.into_iter().map(|row| row.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    same(&listed, &deliveries, &filter);

    let reason = *random.pick(&[None, Some(DeadReason::Exhausted), Some(DeadReason::Unroutable)]);
    let filter = DeliveryFilter { tenant: tenant.clone(), endpoint, reason, ..DeliveryFilter::default() };
    let died = house.deliveries.values().filter(fits).filter_map(|it| Some((it.death?, it.id)));
    let mut died: Vec<_> = died.filter(|(death, _)| reason.is_none_or(|reason| death.reason == reason)).collect();
    died.sort_unstable_by_key(|(_, id)| *id);
    let mut listed: Vec<(Timestamp, DeliveryId)> = Vec::new();
    let mut before = None;
    loop {
        let page = store.list_dead_letters(&filter, before, PAGE).await.unwrap();
        listed.extend(page.items.into_iter().map(|row| (row.finished_at.unwrap(), row.id)));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert!(listed.is_sorted_by(|a, b| a > b), "newest death first: {listed:?}");
    listed.sort_unstable_by_key(|(_, id)| *id);
    let (listed, died): (Vec<_>, Vec<_>) =
        (listed.iter().map(|(_, id)| *id).collect(), died.iter().map(|(_, id)| *id).collect());
    same(&listed, &died, &filter);
}

/// Fails unless both lists are the same, and says what one has too much and too little.
fn same<I: PartialEq + Copy + Debug>(listed: &[I], expected: &[I], of: &impl Debug) {
    let without =
        |these: &[I], others: &[I]| these.iter().copied().filter(|id| !others.contains(id)).collect::<Vec<_>>();
    assert!(
        listed == expected,
        "{of:?} lists {:?} too much, {:?} too little, of {}",
        without(listed, expected),
        without(expected, listed),
        expected.len()
    );
}

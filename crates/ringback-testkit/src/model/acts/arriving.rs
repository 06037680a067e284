//! Events arrive: by HTTP, in transactions of their own, and from the outbox.

use std::time::Duration;

use bytes::Bytes;
use ringback::{
    delivery::{DeadReason, LaneId, Status},
    event::NewEvent,
    id::{DeliveryId, EndpointId, EventId},
    store::{Accepted, Group, RoutedEvent, Routing, Store, Verdict},
    time::Timestamp,
};

use super::{
    super::house::{Death, Delivery, Event, House, Owed, Routed},
    TENANTS,
};
use crate::{
    Random,
    contract::given::{self, DAY, WINDOW},
};

/// An endpoint of a tenant, to be sent to; one that is deleted now and then, as a node may not know of it yet.
fn endpoints_of(house: &House, tenant: &str, random: &mut Random) -> Vec<EndpointId> {
    let mut ids: Vec<_> = house.endpoints.iter().filter(|it| it.stored.tenant == tenant && !it.is_deleted()).collect();
    ids.retain(|_| random.percent(50));
    ids.into_iter().take(3).map(|endpoint| endpoint.stored.id).collect()
}

fn days_old(random: &mut Random) -> u32 {
    if random.percent(25) { *random.pick(&[40, 100]) } else { 0 }
}

/// Deliveries of an event that is about to be stored.
fn owe(house: &mut House, event: EventId, endpoints: &[EndpointId], ordering_key: Option<&str>) -> Vec<DeliveryId> {
    let place = house.events[&event].place;
    let mut ids = Vec::new();
    for (&endpoint, number) in endpoints.iter().zip(1_u16..) {
        let ordered = house.endpoint(endpoint).ordered;
        let delivery = Delivery {
            id: event.delivery(number),
            lane: LaneId::of_endpoint(endpoint),
            endpoint: Some(endpoint),
            ordering_key: ordering_key.filter(|_| ordered).map(str::to_owned),
            ..new_delivery(event, place)
        };
        ids.push(delivery.id);
        house.deliveries.insert(delivery.id, delivery);
    }
    ids
}

fn new_delivery(event: EventId, place: u64) -> Delivery {
    Delivery {
        id: event.delivery(1),
        lane: LaneId::of_inline("default", "https", "a.example", 443),
        endpoint: None,
        ordering_key: None,
        place,
        status: Status::Pending,
        death: None,
        owed: Some(Owed { is_due: true, attempts_at_refill: 0 }),
        attempts: 0,
        tries: Vec::new(),
        replayed: false,
    }
}

/// Requests of one to three events, by HTTP as it were.
pub(super) async fn accept(store: &dyn Store, house: &mut House, random: &mut Random) {
    let tenant = *random.pick(&TENANTS);
    let (mut events, mut expected) = (Vec::new(), Vec::new());
    let mut keys = Vec::new();
    let mut refused = false;
    for _ in 0..=random.below(3) {
        let days_old = days_old(random);
        // Ids rise from call to call, the old ones too: choices by their order are then those of the seed.
        let time = Timestamp::now() - DAY * days_old + Duration::from_millis(house.tick());
        let mut event = given::event_with(given::event_id_at(time));
        event.tenant = tenant.to_owned();
        event.payload = Bytes::from(format!("{{\"n\":{}}}", house.tick()));
        event.key = random.percent(60).then(|| format!("call-{}", random.below(5)));
        event.ordering_key = random.percent(50).then(|| format!("order-{}", random.below(2)));
        event.content = [u8::try_from(random.below(2)).unwrap(); 32];
        if days_old == 0 && random.percent(25) {
            let key = format!("once-{}", random.below(6));
            if !keys.contains(&key) {
                keys.push(key.clone());
                event.idempotency_key = Some(key);
            }
        }
        let endpoints = endpoints_of(house, tenant, random);
        event.routing.config_version = i64::MAX >> 8;
        let mut routed = Routed::Deliveries;
        let mut unroutable = false;
        if random.percent(15) {
            let inline = given::inline_event("https://a.example/", "a.example");
            event.destination = Some(sealed(house.tick()));
            event.routing.verdict = inline.routing.verdict;
            if let Verdict::Deliveries(deliveries) = &mut event.routing.verdict {
                deliveries[0].id = event.id.delivery(1);
                unroutable = random.percent(30);
                if unroutable {
                    let (delivery, detail) = (deliveries.remove(0), "no such scheme".to_owned());
                    event.routing.verdict = Verdict::Unroutable { delivery, detail };
                }
            }
        } else if endpoints.is_empty() {
            routed = Routed::Unmatched;
        } else {
            let mut deliveries = given::deliveries(event.id, &endpoints);
            for delivery in &mut deliveries {
                let ordered = house.endpoint(delivery.endpoint.unwrap()).ordered;
                delivery.ordering_key = event.ordering_key.clone().filter(|_| ordered);
            }
            event.routing.verdict = Verdict::Deliveries(deliveries);
        }
        let known = event.idempotency_key.as_ref().and_then(|key| house.keys.get(&(tenant.to_owned(), key.clone())));
        let answer = known.map(|(first, content)| match content {
            Some(content) if *content != event.content => Accepted::Conflict(*first),
            _ => Accepted::Duplicate(*first),
        });
        refused |= matches!(answer, Some(Accepted::Conflict(_)));
        expected.push((answer, routed, unroutable, endpoints, days_old));
        events.push(event);
    }
    house.tell(format!(
        "accept {:?}",
        events.iter().zip(&expected).map(|(event, it)| (event.id, &event.idempotency_key, it)).collect::<Vec<_>>()
    ));
    let answers = store.accept(&[Group { events: events.clone(), record: None, once: None }], WINDOW).await.unwrap();
    let before = house.due();
    for (event, (answer, routed, unroutable, endpoints, days_old)) in events.iter().zip(&expected) {
        if refused || answer.is_some() {
            continue;
        }
        let place = house.tick();
        house.events.insert(
            event.id,
            Event {
                id: event.id,
                tenant: event.tenant.clone(),
                key: event.key.clone(),
                idempotency_key: event.idempotency_key.clone(),
                payload: event.payload.clone(),
                destination: event.destination.clone(),
                routed: *routed,
                expunged: false,
                faded: false,
                place,
                days_old: *days_old,
            },
        );
        if let Some(key) = &event.idempotency_key {
            house.keys.insert((event.tenant.clone(), key.clone()), (event.id, Some(event.content)));
        }
        if event.destination.is_some() {
            let mut delivery = new_delivery(event.id, place);
            if *unroutable {
                delivery.die(Death {
                    reason: DeadReason::Unroutable,
                    last_status: None,
                    blocks: false,
                    when: house.tick(),
                });
            }
            house.deliveries.insert(delivery.id, delivery);
        } else if *routed == Routed::Deliveries {
            owe(house, event.id, endpoints, event.ordering_key.as_deref());
        }
    }
    let due = house.due();
    for ((answer, told), event) in expected.iter().map(|it| &it.0).zip(&answers[0]).zip(&events) {
        match (answer, told) {
            (Some(answer), told) => assert_eq!(answer, told, "{}", event.id),
            (None, Accepted::New(handed_out)) => {
                let wanted = due.iter().filter(|id| id.event() == event.id && !before.contains(id)).copied();
                let wanted: Vec<_> = if refused { Vec::new() } else { wanted.collect() };
                assert_eq!(handed_out.iter().map(|due| due.id).collect::<Vec<_>>(), wanted, "due of {}", event.id);
                house.handed_out.extend(handed_out.iter().cloned());
            }
            (None, other) => panic!("{} is new, not {other:?}", event.id),
        }
    }
}

pub(super) fn sealed(number: u64) -> String {
    format!(r#"{{"url":"https://a.example/","sealed":"{number}"}}"#)
}

/// An event in a transaction of its own, as by SQL.
pub(super) async fn emit(store: &dyn Store, house: &mut House, random: &mut Random) {
    let tenant = *random.pick(&TENANTS);
    let payload = Bytes::from(format!("{{\"n\":{}}}", house.tick()));
    let mut event = NewEvent::new("CALL_ENDED", payload.clone()).tenant(tenant);
    event.key = random.percent(60).then(|| format!("call-{}", random.below(5)));
    event.ordering_key = random.percent(50).then(|| format!("order-{}", random.below(2)));
    event.idempotency_key = random.percent(25).then(|| format!("once-{}", random.below(6)));
    let id = given::emit(store, event.clone()).await;
    house.tell(format!("emit {id} {:?} {:?}", event.ordering_key, event.idempotency_key));
    let place = house.tick();
    house.events.insert(
        id,
        Event {
            id,
            tenant: tenant.to_owned(),
            key: event.key,
            idempotency_key: event.idempotency_key,
            payload,
            destination: None,
            routed: Routed::Not(None),
            expunged: false,
            faded: false,
            place,
            days_old: 0,
        },
    );
}

/// What waits in the outbox goes to somebody; now and then by a page that was read a while ago.
pub(super) async fn route(store: &dyn Store, house: &mut House, random: &mut Random) {
    let waiting = given::unrouted(store).await;
    let expected: Vec<_> = house.events.values().filter(|it| matches!(it.routed, Routed::Not(_))).collect();
    let mut expected: Vec<_> = expected.into_iter().map(|event| (event.place, event.id)).collect();
    expected.sort_unstable();
    let expected: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
    assert_eq!(waiting.iter().map(|it| it.event.id).collect::<Vec<_>>(), expected, "what waits to be routed");
    if random.percent(20) {
        house.tell(format!("read {expected:?}, and keep the page"));
        house.read = waiting;
        return;
    }
    let page = if random.percent(40) { std::mem::take(&mut house.read) } else { waiting };
    let mut routed = Vec::new();
    for unrouted in page.into_iter().take(1 + random.below(8)) {
        let endpoints = endpoints_of(house, &unrouted.event.tenant, random);
        let verdict = if endpoints.is_empty() {
            Verdict::Unmatched
        } else {
            let mut deliveries = given::deliveries(unrouted.event.id, &endpoints);
            for delivery in &mut deliveries {
                let ordered = house.endpoint(delivery.endpoint.unwrap()).ordered;
                delivery.ordering_key = unrouted.event.ordering_key.clone().filter(|_| ordered);
            }
            Verdict::Deliveries(deliveries)
        };
        let routing = Routing { config_version: i64::MAX >> 8, verdict };
        routed.push((RoutedEvent { pointer: unrouted.pointer, event: unrouted.event, routing }, endpoints));
    }
    house.tell(format!("route {:?}", routed.iter().map(|(it, to)| (it.event.id, to)).collect::<Vec<_>>()));
    let rows: Vec<_> = routed.iter().map(|(row, _)| row.clone()).collect();
    let mut handed_out = store.record_routing(&rows, WINDOW).await.unwrap().due;
    handed_out.sort_unstable_by_key(|due| due.id);
    let before = house.due();
    for (row, endpoints) in &routed {
        let id = row.event.id;
        let Some(event) = house.events.get(&id) else { continue };
        if !matches!(event.routed, Routed::Not(_)) {
            continue;
        }
        let (expunged, place) = (event.expunged, event.place);
        let name = event.idempotency_key.clone().map(|key| (event.tenant.clone(), key));
        let verdict = match name.as_ref().and_then(|name| house.keys.get(name)) {
            Some((first, _)) if *first != id => Routed::Duplicate(*first),
            _ if endpoints.is_empty() => Routed::Unmatched,
            _ => Routed::Deliveries,
        };
        if let (Some(name), false) = (name, matches!(verdict, Routed::Duplicate(_))) {
            house.keys.entry(name).or_insert((id, None));
        }
        house.events.get_mut(&id).unwrap().routed = verdict;
        if verdict == Routed::Deliveries {
            let ordering_key = row.event.ordering_key.as_deref();
            for delivery in owe(house, id, endpoints, ordering_key) {
                let delivery = house.deliveries.get_mut(&delivery).unwrap();
                debug_assert_eq!(delivery.place, place);
                if expunged {
                    delivery.cancel();
                }
            }
        }
    }
    let told: Vec<_> = handed_out.iter().map(|due| due.id).collect();
    let now_due = house.due();
    let wanted: Vec<_> = now_due.into_iter().filter(|id| !before.contains(id)).collect();
    assert_eq!(told, wanted, "what became due by routing");
    house.handed_out.extend(handed_out);
}

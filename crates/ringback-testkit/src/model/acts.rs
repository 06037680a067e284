//! One call, chosen by chance: made to the store, and then to the model, which foretells the answer.

use std::time::Duration;

use bytes::Bytes;
use ringback::{
    attempt::Conclusion,
    delivery::{DeadReason, Due, LaneId, Status},
    endpoint::StoredEndpoint,
    event::NewEvent,
    id::{DeliveryId, EndpointId, EventId},
    store::{
        Accepted, Group, Keys, PayloadRead, Recorded, Resealed, Retention, RoutedEvent, Routing, Settlement, Store,
        Verdict,
    },
    time::Timestamp,
};

use super::{
    house::{Death, Delivery, Endpoint, Event, House, Owed, Routed},
    jobs, verdict,
};
use crate::{
    Random,
    contract::given::{self, DAY, WINDOW},
};

const TENANTS: [&str; 2] = ["default", "acme"];
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Makes one call, or the few that belong together.
pub(super) async fn act(store: &dyn Store, house: &mut House, random: &mut Random) {
    match random.below(100) {
        0..=21 => accept(store, house, random).await,
        22..=29 => emit(store, house, random).await,
        30..=37 => route(store, house, random).await,
        38..=62 => record(store, house, random).await,
        63..=68 => replay_one(store, house, random).await,
        69..=76 => jobs::replay(store, house, random).await,
        77..=78 => discard(store, house, random).await,
        79..=81 => expunge(store, house, random).await,
        82..=85 => jobs::expunge(store, house, random).await,
        86..=92 => change_endpoint(store, house, random).await,
        93..=94 => expire(store, house).await,
        95..=97 => keep_house(store, house, random).await,
        _ => reseal(store, house).await,
    }
}

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
async fn accept(store: &dyn Store, house: &mut House, random: &mut Random) {
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

fn sealed(number: u64) -> String {
    format!(r#"{{"url":"https://a.example/","sealed":"{number}"}}"#)
}

/// An event in a transaction of its own, as by SQL.
async fn emit(store: &dyn Store, house: &mut House, random: &mut Random) {
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
async fn route(store: &dyn Store, house: &mut House, random: &mut Random) {
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
    let mut handed_out = store.record_routing(&rows, WINDOW).await.unwrap();
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

/// Outcomes of one to six deliveries: as they are due, as they were once handed out, or once more.
async fn record(store: &dyn Store, house: &mut House, random: &mut Random) {
    let mut due = given::all_due(store).await;
    due.sort_unstable_by_key(|due| due.id);
    house.handed_out.extend(due);
    let excess = house.handed_out.len().saturating_sub(60);
    house.handed_out.drain(..excess);
    if house.handed_out.is_empty() {
        return;
    }
    let mut outcomes = Vec::new();
    for _ in 0..=random.below(6) {
        if random.percent(10) && !house.applied.is_empty() {
            outcomes.push(random.pick(&house.applied).clone());
            continue;
        }
        let due = random.pick(&house.handed_out).clone();
        let outcome = outcome(house, &due, random);
        outcomes.push(outcome);
    }
    house.tell(format!(
        "record {:?}",
        outcomes.iter().map(|it| (it.id, it.fence, &it.settlement, it.attempt.is_some())).collect::<Vec<_>>()
    ));
    let applied = store.record(&outcomes).await.unwrap();
    for (outcome, applied) in outcomes.into_iter().zip(applied) {
        let is_repeated = house.applied.contains(&outcome);
        assert_eq!(applied, is_repeated || apply(house, &outcome), "whether {outcome:?} was applied");
    }
}

/// Something that may have come of a delivery.
fn outcome(house: &mut House, due: &Due, random: &mut Random) -> Recorded {
    let blocks = due.endpoint.is_some_and(|endpoint| house.endpoint(endpoint).blocks);
    let dead = |reason| Settlement::Dead { reason, detail: None, blocks };
    let number = due.attempts + 1;
    let (settlement, attempt) = match random.below(12) {
        0..=4 => (Settlement::Delivered, Some(given::success(number))),
        5 => (Settlement::Retry { after: Duration::ZERO }, Some(given::failure(number))),
        6 => (Settlement::Retry { after: HOUR }, Some(given::failure(number))),
        7 => (Settlement::Keep, Some(given::failure(number))),
        8 => (dead(DeadReason::Unroutable), None),
        9 => (dead(DeadReason::Gone), Some(given::failure(number))),
        _ => (dead(DeadReason::Exhausted), Some(given::failure(number))),
    };
    let mut recorded = given::recorded(due, settlement, attempt);
    if let Some(attempt) = &mut recorded.attempt {
        // No two requests begin at the same moment.
        attempt.at = Timestamp::now() + Duration::from_micros(house.tick());
    }
    recorded
}

/// Applies an outcome to the model unless it is stale, and says so.
fn apply(house: &mut House, outcome: &Recorded) -> bool {
    let when = house.tick();
    let Some(delivery) = house.deliveries.get_mut(&outcome.id) else { return false };
    let fits = delivery.owed.is_some() && delivery.attempts == outcome.fence;
    if let Some(attempt) = &outcome.attempt {
        let conclusion = if fits { attempt.conclusion } else { Conclusion::Stale };
        delivery.tries.push((attempt.number, attempt.at.micros(), conclusion));
        delivery.tries.sort_unstable_by_key(|(number, at, _)| (*number, *at));
    }
    if !fits {
        return false;
    }
    delivery.attempts += i32::from(outcome.attempt.is_some());
    let owed = delivery.owed.as_mut().unwrap();
    match &outcome.settlement {
        Settlement::Delivered => (delivery.status, delivery.owed) = (Status::Delivered, None),
        Settlement::Retry { after } => owed.is_due = after.is_zero(),
        Settlement::Keep => {}
        Settlement::Dead { reason, blocks, .. } => delivery.die(Death {
            reason: *reason,
            last_status: outcome.attempt.as_ref().and_then(|attempt| attempt.status),
            blocks: *blocks && delivery.ordering_key.is_some(),
            when,
        }),
    }
    if outcome.attempt.is_some() && house.events[&outcome.id.event()].days_old == 0 {
        house.applied.push(outcome.clone());
    }
    true
}

/// Some delivery; now and then one that never was.
pub(super) fn some_delivery(house: &House, random: &mut Random) -> DeliveryId {
    let ids: Vec<_> = house.deliveries.keys().collect();
    if ids.is_empty() || random.percent(5) { given::event_id().delivery(1) } else { **random.pick(&ids) }
}

async fn replay_one(store: &dyn Store, house: &mut House, random: &mut Random) {
    let id = some_delivery(house, random);
    let of = *random.pick(&[ringback::store::ReplayOf::Either, ringback::store::ReplayOf::DeadLetter]);
    let expected = verdict::again(house, id, of);
    house.tell(format!("replay {id} {of:?}: {expected:?}"));
    assert_eq!(store.replay_one(id, of, &given::asked()).await.unwrap(), expected);
    if expected == ringback::store::ReplayOne::Released {
        house.deliveries.get_mut(&id).unwrap().release();
    }
}

async fn discard(store: &dyn Store, house: &mut House, random: &mut Random) {
    let id = some_delivery(house, random);
    let is_dead = house.deliveries.get(&id).is_some_and(|delivery| delivery.status == Status::Dead);
    house.tell(format!("discard {id}"));
    assert_eq!(store.discard_dead_letter(id, &given::asked()).await.unwrap(), is_dead);
    if is_dead {
        house.deliveries.get_mut(&id).unwrap().cancel();
    }
}

async fn expunge(store: &dyn Store, house: &mut House, random: &mut Random) {
    let ids: Vec<_> = house.events.keys().copied().collect();
    if ids.is_empty() {
        return;
    }
    let (id, keys) = (*random.pick(&ids), *random.pick(&[Keys::Keep, Keys::Erase]));
    house.tell(format!("expunge {id} {keys:?}"));
    assert!(store.expunge(id, keys, &given::asked()).await.unwrap());
    erase(house, id, keys);
}

/// Erases an event of the model; whether anything of it was left to be erased.
pub(super) fn erase(house: &mut House, id: EventId, keys: Keys) -> bool {
    let event = house.events.get_mut(&id).unwrap();
    let mut was_there = !event.expunged;
    event.expunged = true;
    if event.destination.is_some() {
        event.destination = Some(r#"{"url":"https://a.example/"}"#.to_owned());
    }
    let name = event.idempotency_key.clone().map(|key| (event.tenant.clone(), key));
    if keys == Keys::Erase {
        was_there |= event.key.is_some() || event.idempotency_key.is_some();
        (event.key, event.idempotency_key) = (None, None);
    }
    if let Some(name) = name
        && house.keys.get(&name).is_some_and(|(first, _)| *first == id)
    {
        match keys {
            Keys::Keep => house.keys.get_mut(&name).unwrap().1 = None,
            Keys::Erase => drop(house.keys.remove(&name)),
        }
    }
    house.deliveries.values_mut().filter(|delivery| delivery.id.event() == id).for_each(Delivery::cancel);
    was_there
}

async fn change_endpoint(store: &dyn Store, house: &mut House, random: &mut Random) {
    let live: Vec<_> = (0..house.endpoints.len()).filter(|index| !house.endpoints[*index].is_deleted()).collect();
    if live.len() < 3 || (live.len() < 8 && random.percent(30)) {
        let (ordered, blocks) = (random.percent(60), random.percent(50));
        let on_dead = if blocks { "block" } else { "skip" };
        let spec = format!(r#"{{"url":"https://example.com/hook","ordered":{ordered},"on_dead":"{on_dead}"}}"#);
        let tenant = (*random.pick(&TENANTS)).to_owned();
        let stored = given::create(store, &StoredEndpoint { tenant, spec, ..given::endpoint() }).await;
        house.tell(format!("create {} ordered {ordered} blocks {blocks}", stored.id));
        house.endpoints.push(Endpoint { stored, ordered, blocks });
        return;
    }
    let index = *random.pick(&live);
    let now = house.endpoints[index].stored.clone();
    if random.percent(12) {
        house.tell(format!("delete {}", now.id));
        house.endpoints[index].stored =
            given::done(store.delete_endpoint(now.id, None, &given::asked()).await.unwrap());
        house
            .deliveries
            .values_mut()
            .filter(|it| it.endpoint == Some(now.id) && it.owed.is_some())
            .for_each(|it| if it.status == Status::Pending { it.cancel() } else { it.owed = None });
        return;
    }
    let wanted = StoredEndpoint { paused: random.percent(30), enabled: random.percent(75), ..now.clone() };
    house.tell(format!("change {}: paused {}, enabled {}", now.id, wanted.paused, wanted.enabled));
    house.endpoints[index].stored = given::update(store, &wanted).await;
    if wanted.enabled && !now.enabled {
        for delivery in house.deliveries.values_mut().filter(|delivery| delivery.endpoint == Some(now.id)) {
            if let Some(owed) = &mut delivery.owed {
                *owed = Owed { is_due: true, attempts_at_refill: delivery.attempts };
            }
        }
    }
}

/// What is due where nothing may be sent dies.
async fn expire(store: &dyn Store, house: &mut House) {
    house.tell("expire what is held");
    let mut expired = 0;
    loop {
        match store.expire_held(Duration::ZERO).await.unwrap() {
            0 => break,
            more => expired += more,
        }
    }
    let when = house.tick();
    let held: Vec<_> = house.endpoints.iter().filter(|it| !it.is_deleted()).collect();
    let held: Vec<_> = held.into_iter().filter(|it| it.stored.paused || !it.stored.enabled).collect();
    let held: Vec<_> = held.into_iter().map(|it| (it.stored.id, it.blocks)).collect();
    let mut count = 0;
    for delivery in house.deliveries.values_mut() {
        let Some((_, blocks)) = held.iter().find(|(id, _)| delivery.endpoint == Some(*id)) else { continue };
        if delivery.owed.is_some_and(|owed| owed.is_due) {
            count += 1;
            let last_status = delivery.tries.iter().rev().find(|(_, _, it)| *it != Conclusion::Stale).map(|_| 500);
            let blocks = *blocks && delivery.ordering_key.is_some();
            delivery.die(Death { reason: DeadReason::Expired, last_status, blocks, when });
        }
    }
    assert_eq!(expired, count, "how many expired");
}

/// What is old goes; now and then all that died, however young.
async fn keep_house(store: &dyn Store, house: &mut House, random: &mut Random) {
    let mut kept = Retention::default();
    if random.percent(20) {
        kept.dead_letters = Duration::ZERO;
    }
    house.tell(format!("keep house{}", if kept.dead_letters.is_zero() { ", without the dead" } else { "" }));
    let mut rounds = 0;
    while store.keep_house(&kept).await.unwrap() {
        rounds += 1;
        assert!(rounds < 100, "there is always more to do");
    }
    if kept.dead_letters.is_zero() {
        let dead: Vec<_> = house.deliveries.values().filter(|it| it.status == Status::Dead).map(|it| it.id).collect();
        dead.into_iter().for_each(|id| house.forget_delivery(id));
    }
    // When what is old goes, of what nobody wants, is the store's affair: it may walk over it once a day, or in parts.
    let old: Vec<_> = house.events.values().filter(|event| event.days_old > 0).map(|it| (it.id, it.days_old)).collect();
    for (id, days_old) in old.into_iter().filter(|(id, _)| !house.is_wanted(*id)).collect::<Vec<_>>() {
        if days_old > 90 && store.event(id).await.unwrap().is_none() {
            house.forget_event(id);
        } else if store.payload(id).await.unwrap() == PayloadRead::Expired {
            house.events.get_mut(&id).unwrap().faded = true;
        }
    }
}

/// Every destination that was sealed is sealed anew.
async fn reseal(store: &dyn Store, house: &mut House) {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.sealed_destinations(after, 2).await.unwrap();
        found.extend(page.items);
        let Some(last) = page.last else { break };
        after = Some(last);
    }
    found.sort();
    let is_sealed = |event: &&Event| event.destination.as_deref().is_some_and(|text| text.contains("sealed"));
    let expected: Vec<_> = house.events.values().filter(is_sealed).collect();
    let expected: Vec<_> = expected.into_iter().map(|it| (it.id, it.destination.clone().unwrap())).collect();
    assert_eq!(found, expected, "what is sealed");
    house.tell(format!("reseal {} destinations", found.len()));
    let mut rows = Vec::new();
    for (id, before) in found {
        let after = sealed(house.tick());
        house.events.get_mut(&id).unwrap().destination = Some(after.clone());
        rows.push(Resealed { id, before, after });
    }
    let count = u64::try_from(rows.len()).unwrap();
    assert_eq!(store.reseal_destinations(&rows).await.unwrap(), count);
}

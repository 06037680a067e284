//! What operators do, and what the house does by itself.

use std::time::Duration;

use ringback::{
    attempt::Conclusion,
    delivery::{DeadReason, Status},
    endpoint::StoredEndpoint,
    id::EventId,
    store::{Keys, PayloadRead, Resealed, Retention, Store},
};

use super::{
    super::{
        house::{Death, Delivery, Endpoint, Event, House, Owed},
        verdict,
    },
    TENANTS,
    arriving::sealed,
    some_delivery,
};
use crate::{Random, contract::given};

pub(super) async fn replay_one(store: &dyn Store, house: &mut House, random: &mut Random) {
    let id = some_delivery(house, random);
    let of = *random.pick(&[ringback::store::ReplayOf::Either, ringback::store::ReplayOf::DeadLetter]);
    let expected = verdict::again(house, id, of);
    house.tell(format!("replay {id} {of:?}: {expected:?}"));
    assert_eq!(store.replay_one(id, of, &given::asked()).await.unwrap(), expected);
    if expected == ringback::store::ReplayOne::Released {
        house.deliveries.get_mut(&id).unwrap().release();
    }
}

pub(super) async fn discard(store: &dyn Store, house: &mut House, random: &mut Random) {
    let id = some_delivery(house, random);
    let is_dead = house.deliveries.get(&id).is_some_and(|delivery| delivery.status == Status::Dead);
    house.tell(format!("discard {id}"));
    assert_eq!(store.discard_dead_letter(id, &given::asked()).await.unwrap(), is_dead);
    if is_dead {
        house.deliveries.get_mut(&id).unwrap().cancel();
    }
}

pub(super) async fn expunge(store: &dyn Store, house: &mut House, random: &mut Random) {
    let ids: Vec<_> = house.events.keys().copied().collect();
    if ids.is_empty() {
        return;
    }
    let (id, keys) = (*random.pick(&ids), *random.pick(&[Keys::Keep, Keys::Erase]));
    house.tell(format!("expunge {id} {keys:?}"));
    assert!(store.expunge(id, keys, &given::asked()).await.unwrap().is_some());
    erase(house, id, keys);
}

/// Erases an event of the model; whether anything of it was left to be erased.
pub(in crate::model) fn erase(house: &mut House, id: EventId, keys: Keys) -> bool {
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

pub(super) async fn change_endpoint(store: &dyn Store, house: &mut House, random: &mut Random) {
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
pub(super) async fn expire(store: &dyn Store, house: &mut House) {
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
pub(super) async fn keep_house(store: &dyn Store, house: &mut House, random: &mut Random) {
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
pub(super) async fn reseal(store: &dyn Store, house: &mut House) {
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

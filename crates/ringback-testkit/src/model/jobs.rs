//! Replays and expunges of many, in parts, with other calls in between.

use ringback::{
    delivery::{DeadReason, Status},
    id::{ExpungeId, ReplayId},
    store::{
        ExpungeFilter, ExpungeState, ExpungeToCreate, Keys, ReplayFilter, ReplayOne, ReplayScope, ReplayState,
        ReplayToCreate, Replayed, Span, Store,
    },
    time::Timestamp,
};

use super::{
    acts::erase,
    house::{Expunge, House, Replay},
    verdict,
};
use crate::{Random, contract::given};

/// Makes a replay, lets one go on, or cancels one.
pub(super) async fn replay(store: &dyn Store, house: &mut House, random: &mut Random) {
    let running: Vec<_> =
        (0..house.replays.len()).filter(|index| house.replays[*index].state == ReplayState::Running).collect();
    if running.is_empty() || (running.len() < 3 && random.percent(25)) {
        return make_replay(store, house, random).await;
    }
    let index = *random.pick(&running);
    let id = house.replays[index].id;
    if random.percent(10) {
        house.tell(format!("cancel replay {id}"));
        house.replays[index].state = ReplayState::Cancelled;
        assert_eq!(store.cancel_replay(id, &given::asked()).await.unwrap().unwrap().state, ReplayState::Cancelled);
        return;
    }
    let (scope, count) = (house.replays[index].scope.clone(), 1 + random.below(6));
    house.tell(format!("go on with replay {id} by {count}"));
    let looked_at = store.release_replayed(id, &scope, u32::try_from(count).unwrap()).await.unwrap();
    let left = &mut house.replays[index].left;
    let next: Vec<_> = left.drain(..count.min(left.len())).collect();
    assert_eq!(usize::try_from(looked_at).unwrap(), next.len());
    for delivery in next {
        if verdict::in_its_turn(house, delivery, &scope) == ReplayOne::Released {
            house.deliveries.get_mut(&delivery).unwrap().release();
            house.replays[index].released += 1;
        } else {
            house.replays[index].skipped += 1;
        }
    }
    if house.replays[index].left.is_empty() {
        house.replays[index].state = ReplayState::Completed;
    }
}

async fn make_replay(store: &dyn Store, house: &mut House, random: &mut Random) {
    let mut filter = ReplayFilter::all(*random.pick(&[Replayed::Dead, Replayed::Dead, Replayed::Delivered]));
    filter.tenant = random.percent(50).then(|| "acme".to_owned());
    if filter.status == Replayed::Dead && random.percent(40) {
        filter.reason = Some(*random.pick(&[DeadReason::Exhausted, DeadReason::Expired, DeadReason::Unroutable]));
    }
    if random.percent(30) && !house.endpoints.is_empty() {
        filter.endpoint = Some(random.pick(&house.endpoints).stored.id);
    }
    let found = house.deliveries.values().filter(|delivery| {
        let event = &house.events[&delivery.id.event()];
        let status = if filter.status == Replayed::Dead { Status::Dead } else { Status::Delivered };
        let reason = delivery.death.map(|death| death.reason);
        delivery.status == status
            && filter.tenant.as_ref().is_none_or(|tenant| event.tenant == *tenant)
            && filter.endpoint.is_none_or(|endpoint| delivery.endpoint == Some(endpoint))
            && filter.reason.is_none_or(|wanted| reason == Some(wanted))
    });
    let left: Vec<_> = found.map(|delivery| delivery.id).collect();
    let replay = ReplayToCreate {
        id: ReplayId::new(Timestamp::now()),
        scope: ReplayScope::of(filter),
        rate_per_second: None,
        note: None,
        dry_run: false,
        once: None,
    };
    house.tell(format!("replay {} of {:?}: {left:?}", replay.id, replay.scope.filter));
    let made = given::made(store, &replay).await;
    assert_eq!(usize::try_from(made.matched).unwrap(), left.len());
    let state = if left.is_empty() { ReplayState::Completed } else { ReplayState::Running };
    house.replays.push(Replay { id: replay.id, scope: replay.scope, state, left, released: 0, skipped: 0 });
}

/// Makes an expunge, or lets one go on.
pub(super) async fn expunge(store: &dyn Store, house: &mut House, random: &mut Random) {
    let running = house.expunges.iter().position(|it| it.state == ExpungeState::Running);
    let Some(index) = running else { return make_expunge(store, house, random).await };
    let (id, keys, count) = (house.expunges[index].id, house.expunges[index].keys, 1 + random.below(4));
    house.tell(format!("go on with expunge {id} by {count}"));
    store.expunge_next(id, u32::try_from(count).unwrap()).await.unwrap();
    let left = &mut house.expunges[index].left;
    let next: Vec<_> = left.drain(..count.min(left.len())).collect();
    for event in next {
        // Of what is gone there is nothing left to be erased.
        let was_there = house.events.contains_key(&event) && erase(house, event, keys);
        let expunge = &mut house.expunges[index];
        if was_there { expunge.erased += 1 } else { expunge.skipped += 1 }
    }
    if house.expunges[index].left.is_empty() {
        let mut steps = 0;
        while store.expunge_next(id, 1).await.unwrap() {
            steps += 1;
            assert!(steps < 1_000, "an expunge does not end");
        }
        house.expunges[index].state = ExpungeState::Completed;
    }
}

async fn make_expunge(store: &dyn Store, house: &mut House, random: &mut Random) {
    let tenant = (*random.pick(&["default", "acme"])).to_owned();
    let key = format!("call-{}", random.below(5));
    let keys = *random.pick(&[Keys::Keep, Keys::Erase]);
    let found = house.events.values().filter(|event| event.tenant == tenant && event.key.as_ref() == Some(&key));
    let left: Vec<_> = found.map(|event| event.id).collect();
    let filter = ExpungeFilter { tenant, key: Some(key), event_type: None, accepted: Span::default() };
    let expunge = ExpungeToCreate { id: ExpungeId::new(Timestamp::now()), filter, keys, dry_run: false };
    house.tell(format!("expunge {} of {:?} {keys:?}: {left:?}", expunge.id, expunge.filter));
    let made = store.create_expunge(&expunge, &given::asked()).await.unwrap();
    assert_eq!(usize::try_from(made.matched).unwrap(), left.len());
    let state = if left.is_empty() { ExpungeState::Completed } else { ExpungeState::Running };
    house.expunges.push(Expunge { id: expunge.id, keys, state, left, erased: 0, skipped: 0 });
}

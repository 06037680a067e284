//! Outcomes are recorded: in time, late, and twice.

use std::time::Duration;

use ringback::{
    attempt::Conclusion,
    delivery::{DeadReason, Due, Status},
    store::{Recorded, Settlement, Store},
    time::Timestamp,
};

use super::super::house::{Death, House};
use crate::{Random, contract::given};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Outcomes of one to six deliveries: as they are due, as they were once handed out, or once more.
pub(super) async fn record(store: &dyn Store, house: &mut House, random: &mut Random) {
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

//! Tenants share what can be sent by their weights, and their lanes share alike.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// A tenant's lanes have numbers of their own.
const APART: i64 = 100_000;

impl World {
    fn weighing(weights: &[(&str, u32)]) -> Self {
        let mut world = Self::with_permits(64);
        let weights = weights.iter().map(|&(name, weight)| (name.to_owned(), weight)).collect();
        world.lanes.tenants = Tenants::new(weights);
        world
    }

    /// Rows for a tenant's lanes, `count` each, with their events at hand.
    fn fill_of(&mut self, tenant: &str, first: i64, lanes: i64, count: usize) {
        for lane in first..first + lanes {
            for _ in 0..count {
                let due = self.due(lane);
                let event = model::loaded_of(&due, tenant);
                self.lanes.admit(u64::MAX, vec![(due, Some(event))], &self.directory, self.clock(), self.now);
            }
        }
    }

    /// Picks so many while places are short: each is answered only when all places are taken.
    fn picked_while_busy(&mut self, open: &mut VecDeque<Due>, count: usize) -> Vec<i64> {
        let mut picked = Vec::new();
        while picked.len() < count {
            match self.pick() {
                Some(due) => {
                    picked.push(due.lane.as_i64());
                    open.push_back(due);
                }
                None => {
                    let due = open.pop_front().expect("something is open or may be");
                    self.end(&due, Duration::from_millis(5));
                }
            }
        }
        picked
    }
}

fn shares(picked: &[i64]) -> BTreeMap<i64, usize> {
    let mut shares = BTreeMap::new();
    for lane in picked {
        *shares.entry(lane / APART).or_default() += 1;
    }
    shares
}

#[test]
fn a_campaign_with_ten_thousand_endpoints_gets_no_more_than_a_tenant_with_one() {
    let mut world = World::weighing(&[]);
    world.fill_of("campaign", APART, 10_000, 1);
    world.fill_of("other", 2 * APART, 1, 400);
    let picked = world.picked_while_busy(&mut VecDeque::new(), 600);
    let other = shares(&picked)[&2];
    assert!((200..=400).contains(&other), "{other} of 600");
    let first = picked.iter().position(|lane| lane / APART == 2);
    assert!(first.is_some_and(|first| first <= 16), "and does not wait for its end: {first:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Every tenant has more lanes than the pool has places: a lane alone does not get more than half of it.
    #[test]
    fn shares_are_as_the_weights_and_no_lane_starves(
        weights in prop::collection::vec(1_u32..6, 2..5),
        lanes in prop::collection::vec(40_i64..80, 5),
    ) {
        let names = ["a", "b", "c", "d"];
        let named: Vec<_> = names.iter().copied().zip(weights.iter().copied()).collect();
        let mut world = World::weighing(&named);
        let total: u32 = weights.iter().sum();
        let count = 2_000;
        for (number, (name, _)) in named.iter().enumerate() {
            world.fill_of(name, (number as i64 + 1) * APART, lanes[number], count / 10);
        }
        let mut open = VecDeque::new();
        // Each lane is tried once, whatever its tenant's weight.
        let tried = world.picked_while_busy(&mut open, 600);
        let picked = world.picked_while_busy(&mut open, count);
        for (number, weight) in weights.iter().enumerate() {
            let is = shares(&picked).get(&(number as i64 + 1)).copied().unwrap_or(0) as f64;
            let due = count as f64 * f64::from(*weight) / f64::from(total);
            prop_assert!((is - due).abs() <= due * 0.2 + 64.0, "{is} instead of {due}");
            for lane in 0..lanes[number] {
                let lane = (number as i64 + 1) * APART + lane;
                prop_assert!(tried.contains(&lane) || picked.contains(&lane), "lane {lane} starves");
            }
        }
    }
}

#[test]
fn lanes_of_one_tenant_send_eight_of_the_cheapest_requests_each_before_the_next_has_its_turn() {
    let mut world = World::new();
    for lane in 1..=2 {
        world.prove(lane);
    }
    assert!(world.pick().is_none(), "nobody has anything left of his turn");
    for lane in 1..=2 {
        world.fill(lane, 100);
    }
    let lanes: Vec<_> = std::iter::from_fn(|| world.pick()).map(|due| due.lane.as_i64()).collect();
    assert_eq!(lanes, [[1; 8], [2; 8], [1; 8], [2; 8]].concat());
}

#[test]
fn an_inline_lanes_tenant_is_known_once_one_of_its_events_is() {
    let mut world = World::weighing(&[("acme", 4)]);
    world.fill(1, 2);
    let lane = LaneId::from_i64(1);
    assert_eq!(world.lanes.lanes[&lane].tenant, crate::deliver::lanes::tenants::UNKNOWN);
    world.lanes.learn_tenant(lane, "acme");
    let acme = world.lanes.lanes[&lane].tenant;
    assert!((world.lanes.tenants.weight(acme) - 4.0).abs() < f32::EPSILON);
    assert!(world.pick().is_some(), "also while it stands in another's line");
}

#[test]
fn tenants_without_lanes_cost_no_memory() {
    let mut world = World::weighing(&[]);
    world.fill_of("one", 1, 1, 1);
    world.fill_of("two", 2, 1, 1);
    assert_eq!(world.lanes.tenants.count(), 2);
    while let Some(due) = world.pick() {
        world.end(&due, Duration::from_millis(1));
    }
    world.fill_of("two", 2, 1, 1);
    world.now += PRUNE_EVERY;
    world.pick();
    world.now += PRUNE_EVERY;
    world.pick();
    assert_eq!(world.lanes.tenants.count(), 1);
    world.lanes.remove_lane(LaneId::from_i64(2));
    assert_eq!(world.lanes.tenants.count(), 0);
}

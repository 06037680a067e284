//! Receivers that hang take no places from those that answer, and the node's places are never exceeded.

use proptest::prelude::*;

use super::*;

/// Far more than fit into a pool.
const MANY: i64 = 300;

const TICK: Duration = Duration::from_millis(100);

/// How long the hanging ones hang.
const HANG: Duration = Duration::from_secs(10);

impl World {
    /// What is open, and since when.
    fn tick(&mut self, open: &mut Vec<(Due, Instant)>, hangs: impl Fn(i64) -> bool) -> Vec<i64> {
        let now = self.now;
        let (ended, left): (Vec<_>, Vec<_>) = open.drain(..).partition(|(_, since)| now - *since >= HANG);
        *open = left;
        for (due, _) in ended {
            self.end_as(&due, Ended { symptom: Symptom::Failing, ..answered(HANG) });
        }
        let mut answered_by = Vec::new();
        while let Some(due) = self.pick() {
            if hangs(due.lane.as_i64()) {
                open.push((due, now));
            } else {
                answered_by.push(due.lane.as_i64());
                self.end(&due, Duration::from_millis(5));
            }
        }
        answered_by
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Promise 7. Hanging ones that never answered, however many, and some that have answered all along and begin to
    /// hang together: half as many as the fast pool has places, but for the healthy ones.
    #[test]
    fn whatever_hangs_a_lane_that_answers_and_has_nothing_open_is_sent_at_once(
        places in 16_usize..400,
        turning in 0.0..1.0_f64,
        begins in 0_usize..40,
    ) {
        const HEALTHY: i64 = 3;
        let turning = ((places / 4) as f64 * turning) as i64 - HEALTHY;
        let (healthy, turning) = (1..=HEALTHY, 100..100 + turning.max(0));
        let mut world = World::with_permits(places);
        for lane in healthy.clone().chain(turning.clone()) {
            world.prove(lane);
        }
        for lane in 1_000..1_000 + MANY {
            world.fill(lane, 20);
        }
        let mut open = Vec::new();
        for tick in 0..150 {
            for lane in healthy.clone() {
                world.fill(lane, 1);
            }
            for lane in turning.clone() {
                world.fill(lane, if tick < begins { 1 } else { 20 });
            }
            let hangs = |lane| lane >= 1_000 || (turning.contains(&lane) && tick >= begins);
            let answered_by = world.tick(&mut open, hangs);
            for lane in healthy.clone() {
                prop_assert!(answered_by.contains(&lane), "lane {lane} waits in tick {tick}");
            }
            prop_assert_eq!(world.lanes.open(), open.len());
            prop_assert!(open.len() <= places, "{} of {places} places", open.len());
            world.now += TICK;
        }
        prop_assert!(!open.is_empty());
    }
}

#[test]
fn a_new_lane_is_tried_within_seconds_although_many_hang() {
    let mut world = World::with_permits(64);
    for lane in 1_000..1_020 {
        world.fill(lane, 20);
    }
    let mut open = Vec::new();
    for _ in 0..5 {
        world.tick(&mut open, |_| true);
        world.now += TICK;
    }
    world.fill(1, 1);
    let sent = (0..20).position(|_| {
        world.now += TICK;
        world.tick(&mut open, |lane| lane != 1).contains(&1)
    });
    assert!(sent.is_some(), "what hangs has moved on to the slow pool");
}

#[test]
fn a_place_in_the_slow_pool_is_not_lost_with_a_lane_that_is_held() {
    let mut world = World::with_permits(8);
    // Two lanes that are slow, and two requests that take up the slow pool.
    for lane in 1..=4 {
        world.fill(lane, 1);
        let due = world.pick().unwrap();
        world.end(&due, Duration::from_secs(2));
    }
    world.fill(3, 1);
    world.fill(4, 1);
    let open: Vec<_> = std::iter::from_fn(|| world.pick()).collect();
    assert_eq!(open.len(), 2);
    world.fill(1, 1);
    world.fill(2, 1);
    assert_eq!(world.pick(), None, "two are open, and the last place is for those that turn slow");
    world.ask_for(1, Duration::from_secs(10));
    world.end(&open[1], Duration::from_secs(2));
    assert_eq!(world.pick().map(|due| due.lane.as_i64()), Some(2));
}

#[test]
fn a_lane_that_answers_quickly_again_is_fast_again() {
    let mut world = World::with_permits(64);
    world.prove(1);
    for (took, pool) in [(2_000, Pool::Slow), (5, Pool::Fast), (1_500, Pool::Slow)] {
        world.fill(1, 1);
        let due = world.pick().unwrap();
        world.end(&due, Duration::from_millis(took));
        assert_eq!(world.lanes.lanes[&due.lane].pool(), pool);
    }
}

#[test]
fn a_node_with_one_pool_keeps_no_list_of_what_turned_slow() {
    let mut world = World::with_permits(4);
    world.fill(1, 1);
    world.pick().unwrap();
    world.now += permits::SLOW_AFTER;
    assert_eq!(world.pick(), None);
    assert!(world.lanes.opened.is_empty() && world.lanes.slowed.is_empty(), "nothing could ever move");
}

#[test]
fn a_lane_is_slow_once_a_request_of_it_has_been_open_for_a_second() {
    let mut world = World::with_permits(64);
    world.prove(1);
    world.fill(1, 1);
    let due = world.pick().unwrap();
    world.end(&due, Duration::from_millis(5));
    // Tried again, it is another request: it has not been open for a second when the first would have been.
    world.now += Duration::from_millis(900);
    let again = Due { attempts: 1, ..due };
    world.lanes.admit(u64::MAX, vec![(again.clone(), None)], &world.directory, world.clock(), world.now);
    assert_eq!(world.pick(), Some(again.clone()));
    for (passed, pool) in [(0, Pool::Fast), (100, Pool::Fast), (900, Pool::Slow)] {
        world.now += Duration::from_millis(passed);
        assert_eq!(world.pick(), None);
        assert_eq!(world.lanes.lanes[&again.lane].pool(), pool, "after {passed} ms more");
    }
}

#[test]
fn pools_are_asked_by_turns() {
    let mut world = World::with_permits(64);
    world.prove(1);
    world.fill(1, 10);
    for lane in 2..=4 {
        world.fill(lane, 1);
    }
    let picked: Vec<_> = (0..3).map(|_| world.pick().unwrap().lane.as_i64()).collect();
    assert!(world.lanes.next_pool < Pool::ALL.len(), "the round begins anew");
    assert!(picked.contains(&1) && picked.iter().any(|lane| *lane != 1), "{picked:?}");
}

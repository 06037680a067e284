//! What is picked and when, and how much of it at a time.

use super::*;

#[test]
fn a_delivery_is_never_picked_twice() {
    let mut world = World::new();
    let due = world.due(1);
    for _ in 0..3 {
        world.lanes.admit(u64::MAX, vec![(due.clone(), None)], &world.directory, world.clock(), world.now);
    }
    assert_eq!(world.pick(), Some(due.clone()));
    world.lanes.admit(u64::MAX, vec![(due, None)], &world.directory, world.clock(), world.now);
    assert_eq!(world.pick(), None);
}

#[test]
fn no_more_requests_are_open_than_the_lane_allows() {
    let mut world = World::new();
    world.prove(1);
    world.fill(1, 100);
    let open: Vec<_> = std::iter::from_fn(|| world.pick()).collect();
    assert_eq!(open.len(), 16);
    world.end(&open[0], Duration::from_millis(1));
    assert!(world.pick().is_some());
    assert_eq!(world.pick(), None);
}

#[test]
fn a_long_backlog_does_not_delay_a_neighbour() {
    let mut world = World::new();
    world.prove(1);
    world.fill(1, 1_000);
    world.fill(2, 1);
    let position = std::iter::from_fn(|| world.pick()).position(|due| due.lane.as_i64() == 2);
    assert!(position.is_some_and(|position| position <= 16), "{position:?}");
}

#[test]
fn an_expunged_event_is_not_sent() {
    let mut world = World::new();
    let due = world.due(1);
    world.lanes.admit(u64::MAX, vec![(due.clone(), None)], &world.directory, world.clock(), world.now);
    world.lanes.remove_event(due.id.event());
    assert_eq!(world.pick(), None);
}

#[test]
fn a_lane_that_is_told_of_overload_asks_for_less_at_a_time_and_is_not_held() {
    let mut world = World::new();
    world.prove(1);
    world.fill(1, 100);
    let open: Vec<_> = std::iter::from_fn(|| world.pick()).collect();
    assert_eq!(open.len(), 16);
    for due in &open {
        world.end_as(due, Ended { symptom: Symptom::Overloaded, ..answered(Duration::from_millis(1)) });
    }
    assert_eq!(std::iter::from_fn(|| world.pick()).count(), 8);
}

#[test]
fn of_an_ordering_key_one_delivery_is_open_at_a_time_although_a_replay_comes_before_it() {
    let mut world = World::new();
    world.prove(1);
    let of_key = |world: &mut World, key: &str| Due { ordering_key: Some(key.into()), ..world.due(1) };
    let (later, replayed, other) =
        (of_key(&mut world, "call"), of_key(&mut world, "call"), of_key(&mut world, "another call"));
    let rows = [&later, &replayed, &other].map(|due| (due.clone(), None)).to_vec();
    world.lanes.admit(u64::MAX, rows, &world.directory, world.clock(), world.now);
    let open: Vec<_> = std::iter::from_fn(|| world.pick()).collect();
    assert_eq!(open, [later.clone(), other]);
    world.end(&later, Duration::from_millis(1));
    assert_eq!(world.pick(), Some(replayed.clone()));
    world.lanes.returned(&replayed);
    world.lanes.take_top_ups(1);
    world.lanes.admit(u64::MAX, vec![(replayed.clone(), None)], &world.directory, world.clock(), world.now);
    assert_eq!(world.pick(), Some(replayed), "its key is free again");
}

#[test]
fn a_held_lane_waits_for_its_moment() {
    let mut world = World::new();
    world.fill(1, 1);
    let until = world.now + Duration::from_secs(10);
    world.ask_for(1, Duration::from_secs(10));
    assert_eq!(world.pick(), None);
    assert_eq!(world.lanes.next_timer(), Some(until));
    world.now = until;
    assert!(world.pick().is_some());
}

#[test]
fn an_answer_that_asks_for_less_does_not_end_a_longer_hold() {
    let mut world = World::new();
    world.fill(1, 1);
    for seconds in [10, 1] {
        world.ask_for(1, Duration::from_secs(seconds));
    }
    world.now += Duration::from_secs(2);
    assert_eq!(world.pick(), None);
}

//! What is read again, and what is forgotten.

use super::*;

#[test]
fn what_has_no_room_is_read_again_when_there_is() {
    let mut world = World::new();
    world.prove(1);
    world.fill(1, 2_500);
    assert!(world.lanes.take_top_ups(10).is_empty(), "the lane is full");
    let mut sent = 0;
    while let Some(due) = world.pick() {
        sent += 1;
        world.end(&due, Duration::from_millis(1));
        if sent > 1_100 {
            break;
        }
    }
    let top_ups = world.lanes.take_top_ups(10);
    assert_eq!(top_ups.len(), 1);
    assert!(top_ups[0].1 > Cursor::START);
    assert!(world.lanes.take_top_ups(10).is_empty(), "it is asked for once");
    world.lanes.topped_up(top_ups[0].0, Some(top_ups[0].1));
    assert_eq!(world.lanes.take_top_ups(10).len(), 1, "a full read leaves it behind");
}

#[test]
fn destinations_that_are_done_with_cost_no_memory() {
    let mut world = World::new();
    for lane in 1..=100 {
        world.fill(lane, 1);
    }
    while let Some(due) = world.pick() {
        world.end(&due, Duration::from_millis(1));
    }
    assert_eq!(world.lanes.lanes.len(), 100);
    world.fill(7, 2);
    world.pick();
    world.now += PRUNE_EVERY;
    world.pick();
    assert_eq!(world.lanes.lanes.keys().map(|lane| lane.as_i64()).collect::<Vec<_>>(), [7]);
}

#[test]
fn a_lane_that_is_to_be_read_again_is_read_from_the_beginning() {
    let mut world = World::new();
    world.fill(1, 1);
    let lane = LaneId::from_i64(1);
    world.lanes.read_lane_again(lane);
    assert_eq!(world.lanes.take_top_ups(10), [(lane, Cursor::START)]);
}

#[test]
fn what_is_recorded_is_forgotten_once_the_reads_that_may_show_it_are_applied() {
    let mut world = World::new();
    world.fill(1, 1);
    let read = world.lanes.read_started();
    let due = world.pick().unwrap();
    world.end(&due, TICK);
    let is_known = |world: &World| world.lanes.known.doing(due.id).is_some();
    assert!(is_known(&world), "the read may bring it as it was");
    world.lanes.read_applied(read);
    assert!(!is_known(&world));
}

#[test]
fn whoever_reads_anew_reads_everything_also_what_was_being_read() {
    let mut world = World::new();
    world.prove(1);
    world.fill(1, 2_500);
    let lane = LaneId::from_i64(1);
    while world.lanes.top_ups.is_empty() {
        let due = world.pick().unwrap();
        world.end(&due, Duration::from_millis(1));
    }
    assert_eq!(world.lanes.take_top_ups(10).len(), 1);
    assert!(world.lanes.take_top_ups(10).is_empty(), "it is being read, and comes to nothing");
    world.lanes.read_anew();
    assert_eq!(world.lanes.take_fresh(), (0..SHARDS).collect::<Vec<_>>());
    assert_eq!(world.lanes.take_top_ups(10), [(lane, Cursor::START)]);
}

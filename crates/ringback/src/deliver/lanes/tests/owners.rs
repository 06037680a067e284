//! Shards that come and go, with what their last owner still has open.

use super::*;

#[test]
fn requests_that_another_node_left_open_count() {
    let mut world = World::new();
    world.prove(64);
    world.lanes.drop_shards(&[0], world.now);
    let until = world.now + Duration::from_secs(10);
    let foreign = world.due(64);
    world.lanes.take_shards(&[0], &[left_open(&foreign, until)], &world.directory, world.now);
    world.lanes.admit(u64::MAX, vec![(foreign.clone(), None)], &world.directory, world.clock(), world.now);
    world.fill(64, 1);
    assert_eq!(world.pick(), None, "a fresh lane may open one, and one is open");
    world.now = until;
    assert_ne!(world.pick().map(|due| due.id), Some(foreign.id));
}

#[test]
fn a_request_that_another_node_left_open_gives_up_its_place_once_its_outcome_is_committed() {
    let mut world = World::new();
    world.lanes.drop_shards(&[0], world.now);
    let until = world.now + Duration::from_secs(10);
    let foreign = world.due(64);
    let old_read = world.lanes.read_started();
    world.lanes.take_shards(&[0], &[left_open(&foreign, until)], &world.directory, world.now);
    world.fill(64, 1);
    assert_eq!(world.pick(), None);
    assert_eq!(world.lanes.foreign(), [(foreign.id, 0)]);
    world.lanes.foreign_settled(&[foreign.id].into());
    world.lanes.admit(old_read, vec![(foreign.clone(), None)], &world.directory, world.clock(), world.now);
    assert!(world.pick().is_some_and(|due| due.id != foreign.id), "a read from before shows it, and is an echo");
    world.now = until;
    assert_eq!(world.pick(), None);
}

#[test]
fn a_shard_that_was_given_away_starts_nothing() {
    let mut world = World::new();
    world.fill(65, 3);
    let open = world.pick().unwrap();
    assert_eq!(world.lanes.open(), 1);
    let handed: Vec<DeliveryId> =
        world.lanes.drop_shards(&[1], world.now).into_iter().map(|left| left.delivery).collect();
    assert_eq!(handed, [open.id]);
    assert!(world.lanes.owned_shards().into_iter().eq((0..SHARDS).filter(|shard| *shard != 1)));
    assert_eq!(world.pick(), None);
    world.end(&open, Duration::from_millis(1));
    assert_eq!(world.lanes.open(), 0);
}

#[test]
fn a_node_knows_whether_it_owns_anything() {
    let mut world = World::new();
    assert!(world.lanes.owns_any());
    let all: Vec<_> = (0..SHARDS).collect();
    world.lanes.drop_shards(&all, world.now);
    assert!(!world.lanes.owns_any());
}

#[test]
fn several_shards_come_and_go_together_and_others_stay() {
    let mut world = World::new();
    for lane in [65, 66, 67] {
        world.fill(lane, 2);
    }
    let open = [world.pick().unwrap(), world.pick().unwrap()];
    let unread = world.pick_unread().unwrap().due;
    let mut handed: Vec<_> = world.lanes.drop_shards(&[1, 2, 3], world.now);
    handed.sort_by_key(|left| left.delivery);
    assert_eq!(handed.iter().map(|left| left.delivery).collect::<Vec<_>>(), open.each_ref().map(|due| due.id));
    assert_eq!(world.lanes.open(), 2, "the place of what was being read is free");
    world.fill(68, 1);
    assert_eq!(world.pick().map(|due| due.lane), Some(LaneId::from_i64(68)), "nothing of the other shards is picked");
    // One of them was ours all the time, and nothing about it begins anew.
    world.lanes.take_fresh();
    let until = world.now + Duration::from_secs(10);
    let (foreign, not_asked) = (world.due(65), world.due(68));
    let list = [left_open(&foreign, until), left_open(&not_asked, until)];
    world.lanes.take_shards(&[1, 4], &list, &world.directory, world.now);
    assert_eq!(world.lanes.take_fresh(), [1]);
    assert_eq!(world.lanes.foreign(), [(foreign.id, 0)]);
    assert!(!world.lanes.owns(2) && !world.lanes.owns(3) && !world.lanes.begin(&unread, None, world.now));
}

#[test]
fn what_was_still_being_read_is_the_next_owners_at_once() {
    let mut world = World::with_permits(2);
    world.fill(65, 3);
    let unread = world.pick_unread().unwrap().due;
    assert_eq!(world.lanes.drop_shards(&[1], world.now), [], "nobody has to wait for it");
    assert_eq!(world.lanes.open(), 0, "its place is free");
    assert!(!world.lanes.begin(&unread, None, world.now));
    // The shard comes back, and its turn comes again before the first read has ended.
    world.lanes.take_shards(&[1], &[], &world.directory, world.now);
    assert_eq!((world.lanes.take_fresh(), world.lanes.take_fresh()), (vec![1], vec![]));
    world.lanes.admit(u64::MAX, vec![(unread.clone(), None)], &world.directory, world.clock(), world.now);
    assert_eq!(world.pick_unread().map(|picked| picked.due), Some(unread.clone()));
    assert!(world.lanes.begin(&unread, None, world.now));
    assert!(!world.lanes.begin(&unread, None, world.now), "once");
    world.end(&unread, Duration::from_millis(1));
    assert_eq!(world.lanes.open(), 0);
}

#[test]
fn a_request_of_the_last_owner_that_failed_is_tried_again_when_it_is_due() {
    let mut world = World::new();
    world.lanes.drop_shards(&[0], world.now);
    let foreign = world.due(64);
    let until = world.now + Duration::from_secs(10);
    world.lanes.take_shards(&[0], &[left_open(&foreign, until)], &world.directory, world.now);
    world.lanes.foreign_settled(&[foreign.id].into());
    let retried = Due { attempts: 1, ..foreign };
    world.lanes.take_top_ups(1);
    world.lanes.admit(u64::MAX, vec![(retried.clone(), None)], &world.directory, world.clock(), world.now);
    assert_eq!(world.pick(), Some(retried));
}

#[test]
fn what_a_last_owner_left_open_is_sent_when_its_shard_comes_back() {
    let mut world = World::new();
    world.lanes.drop_shards(&[1], world.now);
    let due = world.due(65);
    let until = world.now + Duration::from_secs(10);
    world.lanes.take_shards(&[1], &[left_open(&due, until)], &world.directory, world.now);
    assert_eq!(world.lanes.drop_shards(&[1], world.now), [left_open(&due, until)], "the next owner has to know");
    world.now = until;
    world.lanes.take_shards(&[1], &[], &world.directory, world.now);
    assert_eq!(world.pick(), None);
    world.lanes.admit(u64::MAX, vec![(due.clone(), None)], &world.directory, world.clock(), world.now);
    let top_ups = world.lanes.take_top_ups(10);
    assert_eq!(top_ups, [(due.lane, Cursor::START)]);
    world.lanes.topped_up(due.lane, None);
    world.lanes.admit(u64::MAX, vec![(due.clone(), None)], &world.directory, world.clock(), world.now);
    assert_eq!(world.pick(), Some(due));
}

#[test]
fn the_next_owner_leaves_alone_what_may_still_run_or_be_recorded() {
    let mut world = World::new();
    let opened = world.now;
    world.fill(65, 1);
    world.fill(129, 1);
    let (ended, open) = (world.pick().unwrap(), world.pick().unwrap());
    let courier = world.courier(ended.lane);
    world.lanes.ended(&ended, &courier, answered(TICK), world.now);
    world.now += TICK;
    let mut left = world.lanes.drop_shards(&[1], world.now);
    left.sort_by_key(|left| left.until);
    let (recorded_by, ended_by) = (world.now + Duration::from_secs(2), opened + Duration::from_secs(60 + 2));
    assert_eq!(left, [left_open(&ended, recorded_by), left_open(&open, ended_by)]);
    // What must have ended by now is nobody's.
    let over = left_open(&world.due(65), world.now);
    world.lanes.take_shards(&[1], &[over], &world.directory, world.now);
    assert_eq!(world.lanes.foreign(), []);
}

#[test]
fn what_a_read_saw_before_its_shard_came_is_not_sent() {
    let mut world = World::new();
    world.lanes.drop_shards(&[1], world.now);
    let before = world.lanes.read_started();
    world.lanes.take_shards(&[1], &[], &world.directory, world.now);
    let (row, now) = (world.due(65), world.now);
    for (read, takes) in [(before, false), (world.lanes.read_started(), true)] {
        let took = world.lanes.admit(read, vec![(row.clone(), None)], &world.directory, world.clock(), now);
        assert_eq!((took.contains(&1), world.pick().is_some()), (takes, takes));
    }
}

//! After an outage: what happens now does not wait for hours of backlog, and the backlog does not wait for ever.

use super::*;
use crate::store::PendingLane;

const MINUTE: i64 = 60_000;

impl World {
    /// Rows of a lane that became due one after the other, the last of them at `clock`.
    fn fill_as_of(&mut self, lane: i64, clock: i64, count: i64) -> Vec<Due> {
        self.next = clock - count;
        self.fill_now(lane, count)
    }

    fn fill_now(&mut self, lane: i64, count: i64) -> Vec<Due> {
        let rows: Vec<_> = (0..count).map(|_| self.due(lane)).collect();
        let admitted = rows.iter().map(|due| (due.clone(), None)).collect();
        self.lanes.admit(u64::MAX, admitted, &self.directory, self.clock(), self.now);
        rows
    }

    fn send(&mut self) -> Due {
        let due = self.pick().expect("something waits");
        self.end(&due, Duration::from_millis(1));
        due
    }
}

#[test]
fn what_became_due_lately_takes_turns_with_the_oldest_of_the_backlog() {
    let mut world = World::new();
    let old = world.fill_as_of(1, 10 * MINUTE, 2_500);
    let fresh = world.fill_as_of(1, 200 * MINUTE, 10);
    let sent: Vec<_> = (0..24).map(|_| world.send()).collect();
    assert!(sent.iter().step_by(2).take(10).eq(&fresh), "oldest first among themselves");
    assert!(sent.iter().skip(1).step_by(2).take(10).eq(&old[..10]));
    assert_eq!(sent[20..], old[10..14], "and the backlog has all turns when nothing is fresh");
}

#[test]
fn a_lane_that_fell_behind_is_read_from_there_on() {
    let mut world = World::new();
    let full = world.fill_as_of(1, 10 * MINUTE, 2_500);
    let (read_to, unread) = (Cursor::at(&full[99]), world.due(2));
    let pending = |due: &Due| PendingLane { lane: due.lane, endpoint: None, due_at: due.due_at };
    for due in [&full[0], &unread] {
        world.lanes.fall_behind(&pending(due), read_to, &world.directory, world.now);
    }
    assert_eq!(world.lanes.take_top_ups(10), [(unread.lane, read_to)], "the other is full for now");
    for _ in 0..1_001 {
        world.send();
    }
    assert_eq!(world.lanes.take_top_ups(10), [(full[0].lane, read_to)]);
    world.lanes.drop_shards(&[3], world.now);
    let foreign = world.due(3);
    world.lanes.fall_behind(&pending(&foreign), read_to, &world.directory, world.now);
    assert_eq!(world.lanes.take_top_ups(10), [], "not ours");
}

#[test]
fn a_lane_that_is_not_late_keeps_the_order_in_which_deliveries_are_due() {
    let mut world = World::new();
    let mut rows = world.fill_as_of(1, 10 * MINUTE, 1_000);
    rows.extend(world.fill_now(1, 1_000));
    assert_eq!((0..2_000).map(|_| world.send()).collect::<Vec<_>>(), rows);
}

#[test]
fn more_than_the_receiver_takes_neither_starves_the_backlog_nor_is_lost() {
    let mut world = World::new();
    let mut database = world.fill_as_of(1, 10 * MINUTE, 3_000);
    world.next = 200 * MINUTE;
    let mut sent = Vec::new();
    for _ in 0..600 {
        database.extend(world.fill_now(1, 2));
        sent.push(world.send());
    }
    let is_old = |due: &&Due| due.due_at < Timestamp::from_millis(100 * MINUTE);
    assert_eq!(sent.iter().filter(is_old).count(), 300);
    let newest = sent.iter().rev().find(|due| !is_old(due)).unwrap();
    let age = world.clock().since(newest.due_at);
    assert!(age < Duration::from_secs(1), "those of the last moments come first: {age:?}");
    // Everything else is read again when there is room.
    while sent.len() < database.len() {
        for (lane, cursor) in world.lanes.take_top_ups(10) {
            let mut rows: Vec<_> = database.iter().filter(|due| Cursor::at(due) > cursor).cloned().collect();
            rows.retain(|due| !sent.contains(due));
            rows.truncate(1_000);
            let rest = if rows.len() == 1_000 { rows.last().map(Cursor::at) } else { None };
            let rows = rows.into_iter().map(|due| (due, None)).collect();
            world.lanes.admit(u64::MAX, rows, &world.directory, world.clock(), world.now);
            world.lanes.topped_up(lane, rest);
        }
        sent.push(world.send());
    }
    let mut ids: Vec<_> = sent.iter().map(|due| due.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), database.len());
}

#[test]
fn the_probe_of_a_failing_receiver_is_the_oldest_however_much_is_fresh() {
    let mut world = World::new();
    let old = world.fill_as_of(1, 10 * MINUTE, 10);
    world.lanes.lanes.get_mut(&old[0].lane).unwrap().health = super::super::health::Health::after_holds(1, world.now);
    world.fill_as_of(1, 200 * MINUTE, 10);
    assert_eq!(world.pick(), Some(old[0].clone()));
}

//! A lane is left alone: because its receiver asked for time, or because it fails.

use super::*;
use crate::{
    endpoint::{Endpoint, StoredEndpoint},
    seal::MasterKeys,
};

fn failed(took: Duration) -> Ended {
    Ended { symptom: Symptom::Failing, ..answered(took) }
}

const MOMENT: Duration = Duration::from_millis(1);

impl World {
    /// Sends what may be sent, to a receiver that is down; how many requests that took.
    fn fail_all(&mut self) -> usize {
        let mut failures = 0;
        while let Some(due) = self.pick() {
            self.end_as(&due, failed(MOMENT));
            failures += 1;
        }
        failures
    }

    fn open_all(&mut self) -> Vec<Due> {
        std::iter::from_fn(|| self.pick()).collect()
    }

    /// Reads what lanes want to have read again from `rows`, the database.
    fn top_up(&mut self, rows: &[Due]) {
        for (lane, cursor) in self.lanes.take_top_ups(10) {
            let rows = rows.iter().filter(|due| due.lane == lane && Cursor::at(due) > cursor);
            let rows = rows.map(|due| (due.clone(), None)).collect();
            self.lanes.admit(u64::MAX, rows, &self.directory, self.clock(), self.now);
            self.lanes.topped_up(lane, None);
        }
    }

    fn reason(&mut self) -> Vec<(HoldReason, u64)> {
        let changed = self.lanes.take_changed_holds();
        let wait = |hold: &ChangedHold| hold.until.saturating_duration_since(self.now).as_secs();
        changed.iter().map(|(_, hold)| (hold.reason, wait(hold))).collect()
    }
}

fn rows(world: &mut World, count: usize) -> Vec<Due> {
    let rows: Vec<_> = (0..count).map(|_| world.due(1)).collect();
    let admitted = rows.iter().map(|due| (due.clone(), None)).collect();
    world.lanes.admit(u64::MAX, admitted, &world.directory, world.clock(), world.now);
    rows
}

#[test]
fn five_failures_in_a_row_park_a_lane_and_the_oldest_delivery_is_the_probe_that_reopens_it() {
    let mut world = World::new();
    let rows = rows(&mut world, 100);
    assert_eq!(world.fail_all(), 5);
    assert_eq!(world.reason(), [(HoldReason::Failing, 30)]);
    assert!(!world.lanes.lanes[&LaneId::from_i64(1)].has_work(), "its rows are let go");
    world.fill(1, 1);
    assert!(!world.lanes.lanes[&LaneId::from_i64(1)].has_work(), "and no others come in");
    assert!(world.lanes.take_top_ups(10).is_empty());

    for (oldest, wait) in [(5, 60), (6, 120)] {
        world.now = world.lanes.next_timer().unwrap();
        assert_eq!(world.pick(), None);
        world.top_up(&rows[oldest..]);
        let probe = world.open_all();
        assert_eq!(probe, [rows[oldest].clone()], "one at a time, the oldest");
        world.end_as(&probe[0], failed(MOMENT));
        assert_eq!(world.reason(), [(HoldReason::Failing, wait)]);
        assert_eq!(world.pick(), None);
    }
    world.now = world.lanes.next_timer().unwrap();
    assert_eq!(world.pick(), None);
    world.top_up(&rows[7..]);
    let probe = world.pick().unwrap();
    world.end(&probe, MOMENT);
    assert_eq!(world.open_all().len(), 2, "it opens with answers");
}

#[test]
fn an_answer_in_between_ends_the_row() {
    let mut world = World::new();
    rows(&mut world, 20);
    for _ in 0..3 {
        for _ in 0..4 {
            let due = world.pick().unwrap();
            world.end_as(&due, failed(MOMENT));
        }
        let due = world.pick().unwrap();
        world.end(&due, MOMENT);
    }
    assert!(world.reason().is_empty());
}

#[test]
fn however_many_requests_were_open_an_outage_is_counted_once() {
    let mut world = World::new();
    world.prove(1);
    rows(&mut world, 100);
    let open = world.open_all();
    assert_eq!(open.len(), 16);
    for due in &open {
        world.end_as(due, failed(Duration::from_secs(10)));
    }
    assert_eq!(world.reason(), [(HoldReason::Failing, 30)]);
}

#[test]
fn a_late_answer_to_a_request_from_before_ends_the_hold() {
    let mut world = World::new();
    world.prove(1);
    let rows = rows(&mut world, 100);
    let open = world.open_all();
    for due in &open[1..] {
        world.end_as(due, failed(Duration::from_secs(10)));
    }
    world.reason();
    world.end(&open[0], Duration::from_secs(11));
    assert_eq!(world.reason(), [(HoldReason::Failing, 0)], "it is written down that it is over");
    world.top_up(&rows[16..]);
    assert!(world.pick().is_some());
}

#[test]
fn a_test_goes_out_while_the_receiver_fails_and_its_answer_reopens_the_lane() {
    let mut world = World::new();
    let rows = rows(&mut world, 100);
    assert_eq!(world.fail_all(), 5);
    world.reason();
    let mut send_test = || {
        let due = Due { marks: Marks { test: true, ..Marks::default() }, ..world.due(1) };
        world.lanes.admit(u64::MAX, vec![(due.clone(), None)], &world.directory, world.clock(), world.now);
        assert_eq!(world.pick(), Some(due.clone()));
        due
    };
    let (first, second) = (send_test(), send_test());
    world.end_as(&first, failed(MOMENT));
    assert!(world.reason().is_empty(), "a test that fails does not lengthen the hold");
    world.end(&second, MOMENT);
    assert_eq!(world.reason(), [(HoldReason::Failing, 0)]);
    world.top_up(&rows[5..]);
    assert!(world.pick().is_some());
}

#[test]
fn a_receiver_that_asked_for_time_gets_no_test_either() {
    let mut world = World::new();
    rows(&mut world, 1);
    world.ask_for(1, Duration::from_secs(5));
    let test = Due { marks: Marks { test: true, ..Marks::default() }, ..world.due(1) };
    world.lanes.admit(u64::MAX, vec![(test, None)], &world.directory, world.clock(), world.now);
    assert_eq!(world.pick(), None);
    world.now += Duration::from_secs(5);
    assert_eq!(world.open_all().len(), 1, "a fresh lane opens one at a time");
}

#[test]
fn a_long_wish_for_time_parks_a_lane_and_a_short_one_does_not() {
    for (seconds, parked) in [(5, false), (30, true)] {
        let mut world = World::new();
        let rows = rows(&mut world, 3);
        let due = world.pick().unwrap();
        let asked = Some(world.now + Duration::from_secs(seconds));
        world.end_as(&due, Ended { asked, ..answered(MOMENT) });
        assert_eq!(world.reason(), [(HoldReason::RetryAfter, seconds)]);
        assert_eq!(world.lanes.lanes[&due.lane].has_work(), !parked);
        world.now += Duration::from_secs(seconds);
        assert_eq!(world.pick().is_some(), !parked);
        world.top_up(&rows[1..]);
        assert!(world.pick().is_some());
    }
}

/// An endpoint of the directory, and its rows.
fn endpoint(world: &mut World, count: usize) -> (Endpoint, Vec<Due>) {
    let endpoint = super::super::model::endpoint(1, None);
    world.directory.put(endpoint.clone());
    let rows: Vec<_> =
        (0..count).map(|_| Due { lane: endpoint.lane(), endpoint: Some(endpoint.id), ..world.due(1) }).collect();
    let admitted = rows.iter().map(|due| (due.clone(), None)).collect();
    world.lanes.admit(u64::MAX, admitted, &world.directory, world.clock(), world.now);
    (endpoint, rows)
}

#[test]
fn an_endpoint_that_cannot_be_read_gets_no_test_either_and_goes_on_once_it_can() {
    let mut world = World::new();
    let (endpoint, rows) = endpoint(&mut world, 3);
    let keys = MasterKeys::parse(&"01".repeat(32), &[]).unwrap();
    let unreadable = Endpoint::open(StoredEndpoint { credentials: Vec::new(), ..endpoint.to_stored(&keys) }, &keys);
    assert!(unreadable.unreadable.is_some());
    world.lanes.reconfigure(&unreadable, world.now);
    let test = Due { marks: Marks { test: true, ..Marks::default() }, ..rows[0].clone() };
    let test = Due { id: world.due(1).id, ..test };
    world.lanes.admit(u64::MAX, vec![(test.clone(), None)], &world.directory, world.clock(), world.now);
    world.top_up(&rows);
    assert_eq!(world.pick(), None);
    world.lanes.reconfigure(&endpoint, world.now);
    world.top_up(&[&rows[..], &[test]].concat());
    let mut sent = 0;
    while let Some(due) = world.pick() {
        world.end(&due, MOMENT);
        sent += 1;
    }
    assert_eq!(sent, 4);
}

#[test]
fn whoever_changes_a_failing_endpoint_has_it_tried_at_once_and_once() {
    let mut world = World::new();
    let (mut endpoint, rows) = endpoint(&mut world, 20);
    assert_eq!(world.fail_all(), 5);
    world.lanes.reconfigure(&endpoint, world.now);
    assert!(world.lanes.take_top_ups(10).is_empty(), "read again, it is no other");
    world.reason();
    endpoint.version += 1;
    world.lanes.reconfigure(&endpoint, world.now);
    assert_eq!(world.reason(), [(HoldReason::Failing, 0)]);
    world.top_up(&rows[5..]);
    assert_eq!(world.fail_all(), 1);
    assert_eq!(world.reason(), [(HoldReason::Failing, 30)]);
}

#[test]
fn what_was_picked_before_its_endpoint_changed_is_known() {
    let mut world = World::new();
    let (mut endpoint, _) = endpoint(&mut world, 1);
    let Picked { due, courier, .. } = world.pick_unread().unwrap();
    assert!(world.lanes.is_as_picked(&due, &courier));
    endpoint.version += 1;
    world.lanes.reconfigure(&endpoint, world.now);
    assert!(!world.lanes.is_as_picked(&due, &courier));
}

#[test]
fn a_wish_for_time_is_the_receivers_and_ends_with_it_alone() {
    for (url, expected) in [("https://hooks.acme-voice.com/", 0), ("https://new.acme-voice.com/", 1)] {
        let mut world = World::new();
        let (mut endpoint, rows) = endpoint(&mut world, 2);
        let due = world.pick().unwrap();
        let asked = Some(world.now + Duration::from_secs(60));
        world.end_as(&due, Ended { asked, ..answered(MOMENT) });
        endpoint.version += 1;
        url.clone_into(&mut endpoint.spec.url);
        world.lanes.reconfigure(&endpoint, world.now);
        world.top_up(&rows[1..]);
        assert_eq!(world.open_all().len(), expected, "{url}");
    }
}

#[test]
fn what_was_sent_to_the_old_url_says_nothing_about_the_new_one() {
    let mut world = World::new();
    let (mut endpoint, rows) = endpoint(&mut world, 20);
    let due = world.pick().unwrap();
    let old = world.courier(due.lane);
    endpoint.version += 1;
    "https://new.acme-voice.com/".clone_into(&mut endpoint.spec.url);
    world.lanes.reconfigure(&endpoint, world.now);
    let asked = Some(world.now + Duration::from_secs(60));
    world.lanes.ended(&due, &old, Ended { asked, ..failed(MOMENT) }, world.now);
    world.lanes.settled([due.id]);
    assert!(world.reason().is_empty());
    world.top_up(&rows[1..]);
    assert_eq!(world.open_all().len(), 1);
}

#[test]
fn a_hold_and_its_streak_come_with_their_shard() {
    let mut world = World::new();
    world.lanes.drop_shards(&[1], world.now);
    world.lanes.take_shards(&[1], &[], &world.directory, world.now);
    let until = world.now + Duration::from_secs(100);
    let hold = ChangedHold { until, reason: HoldReason::Failing, streak: 3 };
    world.lanes.restore_hold(LaneId::from_i64(65), hold, &world.directory, world.now);
    assert!(!world.lanes.has_changed_holds(), "it is written down already");
    let due = world.due(65);
    world.lanes.admit(u64::MAX, vec![(due.clone(), None)], &world.directory, world.clock(), world.now);
    assert_eq!(world.pick(), None);
    world.now = until;
    assert_eq!(world.pick(), None);
    world.top_up(std::slice::from_ref(&due));
    assert_eq!(world.pick(), Some(due.clone()));
    world.end_as(&due, failed(MOMENT));
    assert_eq!(world.reason(), [(HoldReason::Failing, 240)]);
}

#[test]
fn what_could_not_be_written_down_does_not_replace_what_came_after_it() {
    let mut world = World::new();
    rows(&mut world, 5);
    world.fail_all();
    let old = world.lanes.take_changed_holds();
    assert!(!world.lanes.has_changed_holds());
    world.lanes.put_back_changed_holds(old.clone());
    assert!(world.lanes.has_changed_holds());
    assert_eq!(world.lanes.take_changed_holds(), old);
    world.ask_for(1, Duration::from_secs(600));
    world.lanes.put_back_changed_holds(old);
    assert_eq!(world.reason(), [(HoldReason::RetryAfter, 600)]);
}

#[test]
fn a_test_of_a_paused_endpoint_is_still_sent_after_another_change() {
    let mut world = World::new();
    let (mut endpoint, mut rows) = endpoint(&mut world, 3);
    let test = Due { marks: Marks { test: true, ..Marks::default() }, ..rows[2].clone() };
    rows[2] = test.clone();
    for paused in [true, true] {
        endpoint.version += 1;
        endpoint.paused = paused;
        world.lanes.reconfigure(&endpoint, world.now);
        world.top_up(&rows);
    }
    world.lanes.admit(u64::MAX, vec![(test.clone(), None)], &world.directory, world.clock(), world.now);
    endpoint.version += 1;
    world.lanes.reconfigure(&endpoint, world.now);
    world.top_up(&rows);
    assert_eq!(world.open_all(), [test]);
}

#[test]
fn what_may_have_expired_during_a_short_hold_is_read_again_and_not_sent_from_memory() {
    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
    let mut world = World::new();
    let old = rows(&mut world, 2);
    world.next += DAY_MS;
    let fresh = rows(&mut world, 1);
    world.ask_for(1, Duration::from_secs(1));
    world.now += Duration::from_secs(1);
    assert_eq!(world.pick(), None, "it is asked for first");
    world.top_up(&[fresh[0].clone()]);
    assert_eq!(world.open_all(), fresh, "{old:?} are dead by now");
}

#[test]
fn a_pause_is_kept_and_nobody_is_told() {
    let mut world = World::new();
    rows(&mut world, 2);
    let due = world.pick().unwrap();
    let pause = Some(world.now + Duration::from_secs(5));
    world.end_as(&due, Ended { pause, ..answered(MOMENT) });
    assert_eq!((world.pick(), world.reason()), (None, vec![]));
    world.now += Duration::from_secs(5);
    assert!(world.pick().is_some());
}

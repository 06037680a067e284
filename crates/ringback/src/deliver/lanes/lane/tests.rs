use super::*;
use crate::{
    deliver::lanes::{Lanes, Limits, model},
    delivery::{HoldReason, LaneId, Marks},
};

const SECOND: Duration = Duration::from_secs(1);

fn row(due_at: usize) -> Due {
    let due_at = Timestamp::from_millis(due_at as i64);
    Due {
        id: EventId::floor(due_at).delivery(1),
        lane: LaneId::from_i64(1),
        endpoint: None,
        due_at,
        seq: 1,
        attempts: 0,
        attempts_at_refill: 0,
        marks: Marks::default(),
        ordering_key: None,
    }
}

fn waiting(due_at: usize) -> Waiting {
    Waiting { due: row(due_at), event: None }
}

fn lane(now: Instant) -> Lane {
    Lane::new(Arc::new(Courier::inline()), 1, None, now)
}

/// A lane with so many rows in its queue.
fn lane_with_rows(rows: usize, now: Instant) -> Lane {
    let mut lane = lane(now);
    for _ in 0..rows {
        assert!(lane.push(Place::Queue, waiting(1)).is_none());
    }
    lane
}

/// The lane once its receiver has asked for time.
fn held(lane: Lane, time: Duration, now: Instant) -> Lane {
    let mut lanes = Lanes::new(Limits::default());
    let id = LaneId::from_i64(1);
    lanes.lanes.insert(id, lane);
    lanes.hold(id, now + time, HoldReason::RetryAfter, now);
    lanes.lanes.remove(&id).unwrap()
}

fn ended(took: Duration) -> Ended {
    Ended { took, symptom: Symptom::Alive, asked: None, pause: None }
}

#[test]
fn a_rate_is_taken_over_and_another_change_gives_no_token() {
    let now = Instant::now();
    let mut endpoint = model::endpoint(1, Some(1.0));
    let mut lane = Lane::new(Arc::new(Courier::inline()), 1, Some(&endpoint), now);
    let due = row(1);
    let next = Err(Block::Until(now + SECOND));
    assert_eq!((lane.send(&due, now), lane.send(&due, now)), (Ok(()), next));
    lane.configure(&endpoint, now);
    assert_eq!(lane.send(&due, now), next);
    for rate in [Some(2.0), None] {
        endpoint.spec.rate_per_second = rate;
        lane.configure(&endpoint, now);
        assert_eq!(lane.send(&due, now), Ok(()), "{rate:?}");
    }
}

#[test]
fn a_row_whose_event_is_still_to_be_read_asks_the_rate_only_when_it_is_sent() {
    let now = Instant::now();
    let endpoint = model::endpoint(1, Some(1.0));
    let mut lane = Lane::new(Arc::new(Courier::inline()), 1, Some(&endpoint), now);
    assert_eq!(lane.send(&row(1), now), Ok(()));
    lane.push(Place::Queue, waiting(2));
    assert_eq!(lane.blocked(now), None, "it may be read");
    let mut picked = lane.pop().unwrap();
    assert_eq!(lane.send(&picked.due, now), Err(Block::Until(now + SECOND)));
    picked.event = Some(model::loaded_of(&picked.due, "default"));
    lane.put_back(picked);
    assert_eq!((lane.blocked(now), lane.open()), (Some(Block::Until(now + SECOND)), 0));
    assert_eq!(lane.blocked(now + SECOND), None);
}

#[test]
fn a_test_may_be_read_while_the_rate_keeps_waiting_what_has_been_read() {
    let now = Instant::now();
    let endpoint = model::endpoint(1, Some(1.0));
    let mut lane = Lane::new(Arc::new(Courier::inline()), 1, Some(&endpoint), now);
    assert_eq!(lane.send(&row(1), now), Ok(()));
    let event = Some(model::loaded_of(&row(2), "default"));
    lane.push(Place::Queue, Waiting { event, ..waiting(2) });
    assert_eq!(lane.blocked(now), Some(Block::Until(now + SECOND)));
    lane.push(Place::Tests, waiting(3));
    assert_eq!(lane.blocked(now), None, "its turn comes first, and it has still to be read");
}

#[test]
fn what_was_read_for_so_long_that_its_lane_is_held_by_now_is_not_sent() {
    let now = Instant::now();
    let (mut paused, mut stopped) = (lane_with_rows(1, now), lane_with_rows(1, now));
    paused.paused_until = Some(now + SECOND);
    let mut endpoint = model::endpoint(1, None);
    endpoint.paused = true;
    stopped.configure(&endpoint, now);
    let lanes =
        [(paused, Block::Held), (held(lane_with_rows(1, now), SECOND, now), Block::Held), (stopped, Block::Configured)];
    for (mut lane, block) in lanes {
        assert_eq!(lane.send(&row(1), now), Err(block));
    }
}

#[test]
fn a_pause_and_a_hold_last_until_their_moment() {
    let now = Instant::now();
    let mut paused = lane_with_rows(1, now);
    paused.paused_until = Some(now + SECOND);
    for mut lane in [paused, held(lane_with_rows(1, now), SECOND, now)] {
        let at = [Duration::ZERO, SECOND - Duration::from_nanos(1), SECOND, 2 * SECOND];
        let blocks = at.map(|later| lane.blocked(now + later));
        assert_eq!(blocks, [Some(Block::Held), Some(Block::Held), None, None]);
    }
}

#[test]
fn a_narrowed_lane_waits_for_the_requests_that_are_open() {
    let now = Instant::now();
    let mut lane = lane_with_rows(1, now);
    lane.learn(&ended(SECOND), now, now);
    (0..3).for_each(|_| lane.opened_before());
    lane.closed();
    lane.closed();
    assert_eq!((lane.open(), lane.blocked(now)), (1, None), "an answer has made room for two");
    lane.narrow();
    assert_eq!(lane.blocked(now), Some(Block::Full));
    lane.closed();
    assert_eq!((lane.open(), lane.blocked(now)), (0, None));
}

#[test]
fn a_row_is_fresh_if_it_became_due_within_a_minute_and_its_lane_is_late() {
    let clock = Timestamp::from_millis(100_000);
    let mut lane = lane(Instant::now());
    assert_eq!(lane.place_for(&row(40_002), clock), Some(Place::Queue), "nothing waits");
    lane.push(Place::Queue, waiting(40_001));
    assert_eq!(lane.place_for(&row(40_002), clock), Some(Place::Queue), "nothing is late");
    lane.queue.pop_front();
    lane.push(Place::Queue, waiting(40_000));
    let places = [40_000, 40_001].map(|due_at| lane.place_for(&row(due_at), clock));
    assert_eq!(places, [Some(Place::Queue), Some(Place::Fresh)]);
}

#[test]
fn the_oldest_of_too_many_fresh_rows_joins_the_backlog_if_that_has_room_and_is_all_here() {
    let cases = [
        (1_999, None, 2_000, None),
        (2_000, None, 2_000, Some(Cursor::before(&row(2)))),
        (1, Some(Cursor::START), 1, Some(Cursor::START)),
    ];
    for (rows, behind, rows_then, behind_then) in cases {
        let mut lane = lane_with_rows(rows, Instant::now());
        lane.behind = behind;
        let displaced: Vec<_> =
            (2..=258).filter_map(|due_at| lane.push(Place::Fresh, waiting(due_at))).map(|row| row.due).collect();
        assert_eq!((lane.queue.len(), lane.fresh.len(), lane.behind), (rows_then, 256, behind_then));
        assert_eq!(displaced, if rows_then > rows { vec![] } else { vec![row(2)] });
    }
}

#[test]
fn events_are_wanted_once_for_rows_that_lack_them() {
    let mut lane = lane(Instant::now());
    assert!(!lane.wants_events(), "no row waits");
    lane.push(Place::Queue, Waiting { event: Some(model::loaded_of(&row(1), "default")), ..waiting(1) });
    assert!(!lane.wants_events(), "the one that may be sent has its event");
    lane.queue.pop_front();
    lane.push(Place::Queue, waiting(2));
    assert_eq!([lane.wants_events(), lane.wants_events()], [true, false]);
    lane.looked_ahead(1, &HashMap::new());
    assert!(lane.wants_events(), "the read brought nothing");
}

#[test]
fn rows_are_read_again_when_half_of_the_room_is_free_and_the_lane_may_send() {
    let now = Instant::now();
    let behind = |rows| Lane { behind: Some(Cursor::START), ..lane_with_rows(rows, now) };
    assert!(behind(999).wants_top_up());
    assert!(!behind(1_000).wants_top_up());
    assert!(!lane_with_rows(999, now).wants_top_up(), "all is here");
    assert!(!Lane { topping_up: true, ..behind(999) }.wants_top_up());
    assert!(!Lane { stopped: true, ..behind(999) }.wants_top_up());
    assert!(!held(behind(999), 20 * SECOND, now).wants_top_up());
    assert!(held(behind(999), 19 * SECOND, now).wants_top_up(), "what waits here is not let go");
}

#[test]
fn whatever_waits_may_have_been_due_since() {
    let now = Instant::now();
    let places: [fn(&mut Lane, Waiting); 4] = [
        |lane, waiting| lane.queue.push_back(waiting),
        |lane, waiting| lane.fresh.push_back(waiting),
        |lane, waiting| lane.tests.push_back(waiting),
        |lane, waiting| lane.behind_their_key.push(waiting),
    ];
    for put in places {
        let mut lane = lane(now);
        put(&mut lane, waiting(5));
        assert_eq!([4, 5, 6].map(|time| lane.is_due_since(Timestamp::from_millis(time))), [false, true, true]);
    }
}

#[test]
fn what_requests_cost_follows_the_time_that_they_take_slowly_and_within_bounds() {
    let now = Instant::now();
    let mut lane = lane(now);
    assert_eq!(lane.cost(), 1.0);
    lane.learn(&ended(Duration::from_millis(500)), now, now);
    assert_eq!(lane.cost(), 6.25, "an eighth of 500 ms, in units of 10 ms");
    lane.learn(&ended(Duration::from_micros(62_500)), now, now);
    assert_eq!(lane.cost(), 6.25, "as expected");
    lane.learn(&ended(10 * SECOND), now, now);
    assert_eq!(lane.cost(), 32.0);
}

#[test]
fn a_request_of_a_second_makes_a_lane_slow() {
    let now = Instant::now();
    let mut lane = lane(now);
    let mut pool_after = |took| {
        lane.learn(&ended(took), now, now);
        lane.pool()
    };
    let pools = [SECOND, SECOND - Duration::from_nanos(1), 2 * SECOND].map(&mut pool_after);
    assert_eq!(pools, [Pool::Slow, Pool::Fast, Pool::Slow]);
}

#[test]
fn a_lane_is_idle_only_if_nothing_but_its_pace_would_be_lost() {
    let now = Instant::now();
    let is_idle = |lane: Lane| lane.is_idle(now);
    assert!(is_idle(lane(now)));
    assert!(!is_idle(lane_with_rows(1, now)));
    assert!(!is_idle(Lane { in_line: Some((Pool::Fast, 1)), ..lane(now) }));
    assert!(!is_idle(Lane { open: 1, ..lane(now) }));
    assert!(!is_idle(Lane { behind: Some(Cursor::START), ..lane(now) }));
    assert!(!is_idle(Lane { topping_up: true, ..lane(now) }));
    assert!(!is_idle(Lane { rate: Some(Rate::new(1.0, now)), ..lane(now) }));
    let held = held(lane(now), SECOND, now);
    let over = [Duration::ZERO, SECOND - Duration::from_nanos(1), SECOND, 2 * SECOND];
    assert_eq!(over.map(|later| held.is_idle(now + later)), [false, false, true, true]);
}

#[test]
fn parking_lets_go_of_all_that_waits_but_tests() {
    let now = Instant::now();
    type Put = fn(&mut Lane, Waiting);
    let places: [(Put, bool); 4] = [
        (|lane, waiting| lane.queue.push_back(waiting), true),
        (|lane, waiting| lane.fresh.push_back(waiting), true),
        (|lane, waiting| lane.behind_their_key.push(waiting), true),
        (|lane, waiting| lane.tests.push_back(waiting), false),
    ];
    for (put, goes) in places {
        let mut lane = lane(now);
        put(&mut lane, waiting(5));
        assert_eq!(lane.park().len(), usize::from(goes));
        assert_eq!(lane.behind, goes.then_some(Cursor::START), "and is read again if anything went");
    }
}

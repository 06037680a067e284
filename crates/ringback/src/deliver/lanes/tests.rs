//! What lanes promise, with a clock of our own and no database.

use std::time::Duration;

use tokio::time::Instant;

use super::{pick::PRUNE_EVERY, *};
use crate::{
    delivery::{Due, HoldReason, Marks},
    directory::Directory,
    event::Event,
    id::EventId,
    store::Cursor,
    time::Timestamp,
};

mod backlog;
mod holds;
mod places;
mod shares;

/// A moment.
const TICK: Duration = Duration::from_millis(1);

struct World {
    lanes: Lanes,
    directory: Directory,
    now: Instant,
    next: i64,
}

impl World {
    fn with_permits(permits: usize) -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let mut lanes = Lanes::new(Limits { places: permits, expires_after: DAY, ..Limits::default() });
        lanes.owned = [Some(0); SHARDS as usize];
        Self { lanes, directory: Directory::default(), now: Instant::now(), next: 0 }
    }

    fn new() -> Self {
        Self::with_permits(10_000)
    }

    /// A due delivery in an inline lane: 16 requests at a time at most.
    fn due(&mut self, lane: i64) -> Due {
        self.next += 1;
        let due_at = Timestamp::from_millis(self.next);
        Due {
            id: EventId::new(due_at).delivery(1),
            lane: LaneId::from_i64(lane),
            endpoint: None,
            due_at,
            seq: self.next,
            attempts: 0,
            attempts_at_refill: 0,
            marks: Marks::default(),
            ordering_key: None,
        }
    }

    fn fill(&mut self, lane: i64, count: usize) {
        let rows = (0..count).map(|_| (self.due(lane), None)).collect();
        self.lanes.admit(u64::MAX, rows, &self.directory, self.clock(), self.now);
    }

    /// The database's clock: what is made by [`Self::due`] is due by then.
    fn clock(&self) -> Timestamp {
        Timestamp::from_millis(self.next)
    }

    /// What is picked is read at its turn: no read ahead brings anything.
    fn pick(&mut self) -> Option<Due> {
        let Picked { due, event, .. } = self.pick_unread()?;
        assert!(event.is_some() || self.lanes.begin(&due, None, self.now));
        Some(due)
    }

    /// The same, before its event is read.
    fn pick_unread(&mut self) -> Option<Picked> {
        let picked = self.lanes.pick(self.now);
        let ahead = self.lanes.look_ahead();
        self.lanes.looked_ahead(&ahead, &HashMap::new());
        picked
    }

    fn end(&mut self, due: &Due, took: Duration) {
        self.end_as(due, answered(took));
    }

    fn end_as(&mut self, due: &Due, ended: Ended) {
        let courier = self.courier(due.lane);
        self.lanes.ended(due, &courier, ended, self.now);
        self.lanes.settled([due.id]);
    }

    fn courier(&self, lane: LaneId) -> Arc<Courier> {
        self.lanes.lanes.get(&lane).map_or_else(|| Arc::new(Courier::inline()), |lane| Arc::clone(&lane.courier))
    }

    /// The receiver of a lane asks for time.
    fn ask_for(&mut self, lane: i64, time: Duration) {
        self.lanes.hold(LaneId::from_i64(lane), self.now + time, HoldReason::RetryAfter, self.now);
    }

    /// Answers so many requests of a lane at once, so that its window is open.
    fn prove(&mut self, lane: i64) {
        for _ in 0..20 {
            self.fill(lane, 1);
            let due = self.pick().unwrap();
            self.end(&due, Duration::from_millis(1));
        }
    }
}

/// A request for a delivery that a shard's last owner may still have open.
pub(super) fn left_open(due: &Due, until: Instant) -> LeftOpen {
    LeftOpen { delivery: due.id, attempts: due.attempts, lane: due.lane, until }
}

pub(super) fn answered(took: Duration) -> Ended {
    Ended { took, sign: Sign::Alive, asked: None, pause: None }
}

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
fn requests_that_another_node_left_open_count() {
    let mut world = World::new();
    world.prove(64);
    world.lanes.drop_shard(0, world.now);
    let until = world.now + Duration::from_secs(10);
    let foreign = world.due(64);
    world.lanes.take_shard(0, &[left_open(&foreign, until)], &world.directory, world.now);
    world.lanes.admit(u64::MAX, vec![(foreign.clone(), None)], &world.directory, world.clock(), world.now);
    world.fill(64, 1);
    assert_eq!(world.pick(), None, "a fresh lane may open one, and one is open");
    world.now = until;
    assert_ne!(world.pick().map(|due| due.id), Some(foreign.id));
}

#[test]
fn a_request_that_another_node_left_open_gives_up_its_place_once_its_outcome_is_committed() {
    let mut world = World::new();
    world.lanes.drop_shard(0, world.now);
    let until = world.now + Duration::from_secs(10);
    let foreign = world.due(64);
    let old_read = world.lanes.read_started();
    world.lanes.take_shard(0, &[left_open(&foreign, until)], &world.directory, world.now);
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
fn a_long_backlog_does_not_delay_a_neighbour() {
    let mut world = World::new();
    world.prove(1);
    world.fill(1, 1_000);
    world.fill(2, 1);
    let position = std::iter::from_fn(|| world.pick()).position(|due| due.lane.as_i64() == 2);
    assert!(position.is_some_and(|position| position <= 16), "{position:?}");
}

#[test]
fn what_has_no_room_is_read_again_when_there_is() {
    let mut world = World::new();
    world.prove(1);
    world.fill(1, 2_500);
    assert!(world.lanes.take_refills(10).is_empty(), "the lane is full");
    let mut sent = 0;
    while let Some(due) = world.pick() {
        sent += 1;
        world.end(&due, Duration::from_millis(1));
        if sent > 1_100 {
            break;
        }
    }
    let refills = world.lanes.take_refills(10);
    assert_eq!(refills.len(), 1);
    assert!(refills[0].1 > Cursor::START);
    assert!(world.lanes.take_refills(10).is_empty(), "it is asked for once");
    world.lanes.refilled(refills[0].0, Some(refills[0].1));
    assert_eq!(world.lanes.take_refills(10).len(), 1, "a full read leaves it behind");
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
fn an_expunged_event_is_not_sent() {
    let mut world = World::new();
    let due = world.due(1);
    world.lanes.admit(u64::MAX, vec![(due.clone(), None)], &world.directory, world.clock(), world.now);
    world.lanes.remove_event(due.id.event());
    assert_eq!(world.pick(), None);
}

#[test]
fn a_shard_that_was_given_away_starts_nothing() {
    let mut world = World::new();
    world.fill(65, 3);
    let open = world.pick().unwrap();
    assert_eq!(world.lanes.open(), 1);
    let handed: Vec<DeliveryId> = world.lanes.drop_shard(1, world.now).into_iter().map(|left| left.delivery).collect();
    assert_eq!(handed, [open.id]);
    assert!(world.lanes.owned_shards().into_iter().eq((0..SHARDS).filter(|shard| *shard != 1)));
    assert_eq!(world.pick(), None);
    world.end(&open, Duration::from_millis(1));
    assert_eq!(world.lanes.open(), 0);
}

#[test]
fn what_was_still_being_read_is_the_next_owners_at_once() {
    let mut world = World::with_permits(2);
    world.fill(65, 3);
    let unread = world.pick_unread().unwrap().due;
    assert_eq!(world.lanes.drop_shard(1, world.now), [], "nobody has to wait for it");
    assert_eq!(world.lanes.open(), 0, "its place is free");
    assert!(!world.lanes.begin(&unread, None, world.now));
    // The shard comes back, and its turn comes again before the first read has ended.
    world.lanes.take_shard(1, &[], &world.directory, world.now);
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
    world.lanes.drop_shard(0, world.now);
    let foreign = world.due(64);
    let until = world.now + Duration::from_secs(10);
    world.lanes.take_shard(0, &[left_open(&foreign, until)], &world.directory, world.now);
    world.lanes.foreign_settled(&[foreign.id].into());
    let retried = Due { attempts: 1, ..foreign };
    world.lanes.take_refills(1);
    world.lanes.admit(u64::MAX, vec![(retried.clone(), None)], &world.directory, world.clock(), world.now);
    assert_eq!(world.pick(), Some(retried));
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
fn what_a_last_owner_left_open_is_sent_when_its_shard_comes_back() {
    let mut world = World::new();
    world.lanes.drop_shard(1, world.now);
    let due = world.due(65);
    let until = world.now + Duration::from_secs(10);
    world.lanes.take_shard(1, &[left_open(&due, until)], &world.directory, world.now);
    assert_eq!(world.lanes.drop_shard(1, world.now), [left_open(&due, until)], "the next owner has to know");
    world.now = until;
    world.lanes.take_shard(1, &[], &world.directory, world.now);
    assert_eq!(world.pick(), None);
    world.lanes.admit(u64::MAX, vec![(due.clone(), None)], &world.directory, world.clock(), world.now);
    let refills = world.lanes.take_refills(10);
    assert_eq!(refills, [(due.lane, Cursor::START)]);
    world.lanes.refilled(due.lane, None);
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
    let mut left = world.lanes.drop_shard(1, world.now);
    left.sort_by_key(|left| left.until);
    let (recorded_by, ended_by) = (world.now + Duration::from_secs(2), opened + Duration::from_secs(60 + 2));
    assert_eq!(left, [left_open(&ended, recorded_by), left_open(&open, ended_by)]);
    // What must have ended by now is nobody's.
    let over = left_open(&world.due(65), world.now);
    world.lanes.take_shard(1, &[over], &world.directory, world.now);
    assert_eq!(world.lanes.foreign(), []);
}

#[test]
fn what_a_read_saw_before_its_shard_came_is_not_sent() {
    let mut world = World::new();
    world.lanes.drop_shard(1, world.now);
    let before = world.lanes.read_started();
    world.lanes.take_shard(1, &[], &world.directory, world.now);
    let (row, now) = (world.due(65), world.now);
    for (read, takes) in [(before, false), (world.lanes.read_started(), true)] {
        let took = world.lanes.admit(read, vec![(row.clone(), None)], &world.directory, world.clock(), now);
        assert_eq!((took.contains(&1), world.pick().is_some()), (takes, takes));
    }
}

#[test]
fn a_lane_that_is_to_be_read_again_is_read_from_the_beginning() {
    let mut world = World::new();
    world.fill(1, 1);
    let lane = LaneId::from_i64(1);
    world.lanes.read_lane_again(lane);
    assert_eq!(world.lanes.take_refills(10), [(lane, Cursor::START)]);
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
fn payloads_are_kept_up_to_64_mib() {
    let mut world = World::new();
    let kept = |world: &mut World, bytes: usize| {
        let row = world.due(1);
        // Two bytes.
        let event = model::loaded_of(&row, "default");
        world.lanes.event_bytes = bytes;
        world.lanes.admit(u64::MAX, vec![(row, Some(event))], &world.directory, world.clock(), world.now);
        world.lanes.event_bytes - bytes
    };
    assert_eq!((kept(&mut world, (64 << 20) - 2), kept(&mut world, (64 << 20) - 1)), (2, 0));
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

/// The event of a delivery, as a read would bring it.
fn event_of(row: DeliveryId) -> (EventId, Arc<LoadedEvent>) {
    let event = Event {
        id: row.event(),
        seq: 1,
        tenant: "default".to_owned(),
        event_type: "CALL_ENDED".to_owned(),
        key: None,
        ordering_key: None,
        idempotency_key: None,
        occurred_at: Timestamp::default(),
        endpoint_keys: None,
        destination: None,
        test: false,
        unreadable: None,
    };
    (row.event(), Arc::new(LoadedEvent { event, payload: Some("{}".into()) }))
}

#[test]
fn events_of_what_comes_next_are_read_together_and_before_their_turn() {
    let mut world = World::new();
    world.prove(1);
    world.fill(1, 100);
    assert!(world.lanes.pick(world.now).is_some_and(|picked| picked.event.is_none()), "the first was not expected");
    let ahead = world.lanes.look_ahead();
    assert_eq!(ahead[0].1.len(), 64, "four rounds of sixteen requests");
    assert!(world.lanes.look_ahead().is_empty(), "each is asked for once");
    assert!(world.lanes.pick(world.now).is_none(), "what is being read is not read twice");
    world.lanes.looked_ahead(&ahead, &ahead[0].1.iter().map(|&row| event_of(row)).collect());
    assert!(world.lanes.pick(world.now).is_some_and(|picked| picked.event.is_some()));
}

#[test]
fn a_lane_for_which_nothing_can_be_read_ahead_goes_on_by_itself() {
    let mut world = World::new();
    for lane in 1..=40 {
        world.prove(lane);
    }
    for lane in 1..=40 {
        world.fill(lane, 100);
    }
    // All are picked from before anything is read: there is room for the rows of some lanes only.
    let mut open: Vec<_> =
        std::iter::from_fn(|| world.lanes.pick(world.now)).take(40).map(|picked| picked.due.lane).collect();
    let ahead = world.lanes.look_ahead();
    assert!(ahead.len() < 40);
    open.extend(std::iter::from_fn(|| world.pick()).map(|due| due.lane));
    for lane in (1..=40).map(LaneId::from_i64).filter(|lane| ahead.iter().all(|(reading, _)| reading != lane)) {
        assert_eq!(open.iter().filter(|each| **each == lane).count(), 16);
    }
}

#[test]
fn an_event_that_a_read_did_not_bring_is_read_at_its_turn() {
    let mut world = World::new();
    world.prove(1);
    world.fill(1, 3);
    world.lanes.pick(world.now);
    let ahead = world.lanes.look_ahead();
    world.lanes.looked_ahead(&ahead, &HashMap::new());
    assert!(world.lanes.pick(world.now).is_some_and(|picked| picked.event.is_none()));
}

#[test]
fn a_payload_removed_with_its_row_gives_back_its_room() {
    let mut world = World::new();
    world.prove(1);
    world.fill(1, 3);
    world.lanes.pick(world.now);
    let ahead = world.lanes.look_ahead();
    world.lanes.looked_ahead(&ahead, &ahead[0].1.iter().map(|&row| event_of(row)).collect());
    assert_eq!(world.lanes.event_bytes, 4);
    for row in &ahead[0].1 {
        world.lanes.remove_event(row.event());
    }
    assert_eq!(world.lanes.event_bytes, 0);
    assert!(world.pick().is_none());
}

#[test]
fn what_is_read_ahead_is_kept_while_there_are_less_than_64_mib() {
    for (bytes, kept) in [((64 << 20) - 1, 2), (64 << 20, 0)] {
        let mut world = World::new();
        world.fill(1, 1);
        let row = world.lanes.lanes.get_mut(&LaneId::from_i64(1)).unwrap().look_ahead(1)[0];
        world.lanes.event_bytes = bytes;
        world.lanes.looked_ahead(&vec![(LaneId::from_i64(1), vec![row])], &[event_of(row)].into());
        assert_eq!(world.lanes.event_bytes - bytes, kept);
    }
}

#[test]
fn a_lane_is_asked_what_comes_next_only_while_there_is_room_for_it() {
    let mut world = World::new();
    world.fill(1, 1);
    for (bytes, asked) in [(32 << 20, 0), (0, 1)] {
        world.lanes.event_bytes = bytes;
        world.lanes.ask_ahead(LaneId::from_i64(1));
        assert_eq!(world.lanes.hungry.len(), asked);
    }
}

#[test]
fn a_lane_that_is_told_of_overload_asks_for_less_at_a_time_and_is_not_held() {
    let mut world = World::new();
    world.prove(1);
    world.fill(1, 100);
    let open: Vec<_> = std::iter::from_fn(|| world.pick()).collect();
    assert_eq!(open.len(), 16);
    for due in &open {
        world.end_as(due, Ended { sign: Sign::Overloaded, ..answered(Duration::from_millis(1)) });
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
    world.lanes.take_refills(1);
    world.lanes.admit(u64::MAX, vec![(replayed.clone(), None)], &world.directory, world.clock(), world.now);
    assert_eq!(world.pick(), Some(replayed), "its key is free again");
}

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

mod ahead;
mod backlog;
mod holds;
mod owners;
mod places;
mod reads;
mod shares;
mod turns;

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
    Ended { took, symptom: Symptom::Alive, asked: None, pause: None }
}

//! Holds: a lane may not send until a moment. They use up no attempts and survive a restart.
//!
//! | why | for how long | ends early |
//! |---|---|---|
//! | `retry_after` | as long as the receiver asked for | when the endpoint's URL changes |
//! | `failing` | 30 s, doubling to 15 min | with any answer; when the endpoint is changed or resumed |
//! | a 410 whose endpoint is not disabled yet | seconds; not written down | when the endpoint changes |
//!
//! A lane that is held for long is parked: its rows are let go and read again when it may send. So an endpoint that is
//! down costs neither memory nor writes, only its probes. What changed about holds is written down by whoever asks for
//! [`Lanes::take_changed_holds`].

use std::time::Duration;

use tokio::time::Instant;

use super::{Lanes, health::Health};
use crate::{
    delivery::{HoldReason, LaneId},
    directory::Directory,
};

/// A lane that is held for longer lets its rows go: reading them again costs less than keeping them.
const PARKED_FROM: Duration = Duration::from_secs(20);

/// Why and until when a lane may not send.
#[derive(Debug, Clone, Copy)]
pub(super) struct HoldNow {
    pub(super) until: Instant,
    reason: HoldReason,
    /// Whether the lane's rows stay in the database meanwhile.
    pub(super) parks: bool,
}

impl HoldNow {
    /// A test shows whether a receiver that was failing is back; one that asked for time is left alone.
    pub(super) fn lets_tests_pass(self) -> bool {
        self.reason == HoldReason::Failing
    }
}

/// A hold that began, was prolonged or ended early, as it is to be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChangedHold {
    /// Not after now if it ended.
    pub(crate) until: Instant,
    pub(crate) reason: HoldReason,
    /// How many times in a row the lane was held for failing.
    pub(crate) streak: u32,
}

impl Lanes {
    /// A hold as it is written down, of a shard that has just come.
    pub(crate) fn restore_hold(&mut self, id: LaneId, hold: ChangedHold, directory: &Directory, now: Instant) {
        let endpoint = directory.endpoint_of_lane(id);
        if !self.owns(id.shard()) {
            return;
        }
        let Some(lane) = self.lane_or_new(id, endpoint, directory, now) else { return };
        if hold.streak > 0 {
            lane.health = Health::after_holds(hold.streak, hold.until);
            lane.narrow();
        }
        self.keep_held(id, hold.until, hold.reason, now);
    }

    /// Holds a lane and has it written down.
    pub(super) fn hold(&mut self, id: LaneId, until: Instant, reason: HoldReason, now: Instant) {
        if !self.keep_held(id, until, reason, now) {
            return;
        }
        if let Some(lane) = self.lanes.get(&id) {
            self.changed_holds.insert(id, ChangedHold { until, reason, streak: lane.health.streak() });
        }
    }

    /// Lets a lane pause for a moment, without anybody being told.
    pub(super) fn pause(&mut self, id: LaneId, until: Instant) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.paused_until = Some(lane.paused_until.map_or(until, |paused| paused.max(until)));
            self.set_timer(id, until);
        }
    }

    /// Holds a lane; false if it is held for longer already.
    fn keep_held(&mut self, id: LaneId, until: Instant, reason: HoldReason, now: Instant) -> bool {
        let Some(lane) = self.lanes.get_mut(&id) else { return false };
        if lane.held.is_some_and(|held| held.until >= until) {
            return false;
        }
        let parks = until.saturating_duration_since(now) >= PARKED_FROM;
        lane.held = Some(HoldNow { until, reason, parks });
        let parked = if parks { lane.park() } else { Vec::new() };
        self.forget(&parked);
        // A parked lane has nothing in the ring that would come across its hold.
        self.set_timer(id, until);
        true
    }

    /// The moment of a timer has come: a hold that has run out by now is over.
    pub(super) fn end_hold(&mut self, id: LaneId, now: Instant) {
        if self.lanes.get(&id).is_some_and(|lane| lane.held.is_some_and(|held| held.until <= now)) {
            self.let_go(id, now);
        }
        self.ask_top_up(id);
        self.enter_ring(id);
    }

    /// A lane is held no longer. What has been due for so long that it may have expired meanwhile, in the database, is
    /// read again.
    fn let_go(&mut self, id: LaneId, now: Instant) {
        let expired = self.clock_at(now) - self.expires_after;
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        lane.held = None;
        if lane.is_due_since(expired) {
            let doubtful = lane.remove_waiting(|_| true);
            lane.read_again();
            self.forget(&doubtful);
        }
    }

    /// Ends a hold early if it is for one of these reasons, and has that written down.
    pub(super) fn lift_hold(&mut self, id: LaneId, reasons: &[HoldReason], now: Instant) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let Some(held) = lane.held.filter(|held| reasons.contains(&held.reason)) else { return };
        self.changed_holds.insert(id, ChangedHold { until: now, reason: held.reason, streak: 0 });
        self.let_go(id, now);
        self.ask_top_up(id);
        self.enter_ring(id);
    }

    /// What is to be written down about holds since this was last asked.
    pub(crate) fn take_changed_holds(&mut self) -> Vec<(LaneId, ChangedHold)> {
        self.changed_holds.drain().collect()
    }

    /// What could not be written down, and has not changed again since.
    pub(crate) fn put_back_changed_holds(&mut self, holds: Vec<(LaneId, ChangedHold)>) {
        for (id, hold) in holds {
            self.changed_holds.entry(id).or_insert(hold);
        }
    }

    /// Whether anything about holds is to be written down.
    pub(crate) fn has_changed_holds(&self) -> bool {
        !self.changed_holds.is_empty()
    }
}

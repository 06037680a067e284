//! Holds: a lane may not send before a given time. Holds use up no attempts and survive a restart.
//!
//! | why | for how long | ends early |
//! |---|---|---|
//! | `retry_after` | as long as the receiver asked for | when the endpoint's URL changes |
//! | `failing` | 30 s, doubling to 15 min | with any answer; when the endpoint is changed or resumed |
//! | a 410 whose endpoint is not disabled yet | seconds; not stored | when the endpoint changes |
//!
//! A lane that is held for long is parked: its rows are removed from memory and read again when it may send. So an
//! endpoint that is down costs neither memory nor writes, only its probes. The caller of [`Lanes::take_changed_holds`]
//! stores the changes.

use std::time::Duration;

use tokio::time::Instant;

use super::{Lanes, health::Health};
use crate::{
    delivery::{HoldReason, LaneId},
    directory::Directory,
};

/// A lane that is held for at least this long is parked: reading its rows again costs less than keeping them.
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
    /// A test delivery may show that a failing receiver is back; a receiver that asked for time gets no tests either.
    pub(super) fn lets_tests_pass(self) -> bool {
        self.reason == HoldReason::Failing
    }
}

/// A hold that began, was prolonged or ended early, as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChangedHold {
    /// When the hold ends; not in the future if it ended early.
    pub(crate) until: Instant,
    pub(crate) reason: HoldReason,
    /// How many times in a row the lane was held for failing.
    pub(crate) streak: u32,
}

impl Lanes {
    /// Restores a stored hold, of a shard that this node has just taken.
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

    /// Holds a lane and has the hold stored.
    pub(super) fn hold(&mut self, id: LaneId, until: Instant, reason: HoldReason, now: Instant) {
        if !self.keep_held(id, until, reason, now) {
            return;
        }
        if let Some(lane) = self.lanes.get(&id) {
            self.changed_holds.insert(id, ChangedHold { until, reason, streak: lane.health.streak() });
        }
    }

    /// Keeps a lane from sending until `until`, in memory only.
    pub(super) fn pause(&mut self, id: LaneId, until: Instant) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.paused_until = Some(lane.paused_until.map_or(until, |paused| paused.max(until)));
            self.set_timer(id, until);
        }
    }

    /// Holds a lane in memory; false if it is held for as long already.
    fn keep_held(&mut self, id: LaneId, until: Instant, reason: HoldReason, now: Instant) -> bool {
        let Some(lane) = self.lanes.get_mut(&id) else { return false };
        if lane.held.is_some_and(|held| held.until >= until) {
            return false;
        }
        let parks = until.saturating_duration_since(now) >= PARKED_FROM;
        lane.held = Some(HoldNow { until, reason, parks });
        let parked = if parks { lane.park() } else { Vec::new() };
        self.forget(&parked);
        // A parked lane has no work, so it never stands in line: only the timer notices that its hold has ended.
        self.set_timer(id, until);
        true
    }

    /// A lane's timer has run out: ends its hold if that is over, and lets the lane send again.
    pub(super) fn end_hold(&mut self, id: LaneId, now: Instant) {
        if self.lanes.get(&id).is_some_and(|lane| lane.held.is_some_and(|held| held.until <= now)) {
            self.let_go(id, now);
        }
        self.ask_top_up(id);
        self.enter_ring(id);
    }

    /// A lane is held no longer. If one of its rows has been due for so long that the database may have expired it
    /// meanwhile, the lane's rows are read again.
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

    /// Ends a hold early if it is for one of these reasons, and has the end stored.
    pub(super) fn lift_hold(&mut self, id: LaneId, reasons: &[HoldReason], now: Instant) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let Some(held) = lane.held.filter(|held| reasons.contains(&held.reason)) else { return };
        self.changed_holds.insert(id, ChangedHold { until: now, reason: held.reason, streak: 0 });
        self.let_go(id, now);
        self.ask_top_up(id);
        self.enter_ring(id);
    }

    /// Changes of holds since the last call, to be stored.
    pub(crate) fn take_changed_holds(&mut self) -> Vec<(LaneId, ChangedHold)> {
        self.changed_holds.drain().collect()
    }

    /// Takes back changes that could not be stored. A hold that has changed again since keeps the newer change.
    pub(crate) fn put_back_changed_holds(&mut self, holds: Vec<(LaneId, ChangedHold)>) {
        for (id, hold) in holds {
            self.changed_holds.entry(id).or_insert(hold);
        }
    }

    /// Whether a change of a hold is to be stored.
    pub(crate) fn has_changed_holds(&self) -> bool {
        !self.changed_holds.is_empty()
    }
}

//! A picked delivery is settled: its request ends, then its outcome is committed.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{Courier, Lanes, health::Symptom, known::Doing};
use crate::{
    delivery::{Due, HoldReason, LaneId},
    id::DeliveryId,
};

/// How a request ended, as far as its lane is concerned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    /// How long the request was open.
    pub(crate) took: Duration,
    /// What its end says about the receiver.
    pub(crate) symptom: Symptom,
    /// The receiver asked to be sent nothing until then.
    pub(crate) asked: Option<Instant>,
    /// The endpoint is about to be disabled; the lane sends nothing until then.
    pub(crate) pause: Option<Instant>,
}

impl Lanes {
    /// A picked delivery's request has ended, and its outcome is about to be recorded. A hold that follows from it begins
    /// here, before the lane sends anything else, not after the commit.
    pub(crate) fn ended(&mut self, due: &Due, courier: &Arc<Courier>, ended: Ended, now: Instant) {
        let opened = self.give_back(due.id, Doing::Recording);
        let Some(lane) = self.lanes.get_mut(&due.lane) else { return };
        lane.closed();
        lane.release_key(due);
        // A request made under an older configuration says nothing about where requests go now.
        if Arc::ptr_eq(&lane.courier, courier) {
            let opened = opened.unwrap_or(now);
            lane.learn(&ended, opened, now);
            self.judge_health(due.lane, ended.symptom, opened, now);
            if let Some(until) = ended.asked {
                self.hold(due.lane, until, HoldReason::RetryAfter, now);
            }
            if let Some(until) = ended.pause {
                self.pause(due.lane, until);
            }
        }
        self.enter_ring(due.lane);
    }

    /// Holds a lane whose receiver is failing, and ends that hold when the receiver answers.
    fn judge_health(&mut self, id: LaneId, symptom: Symptom, opened: Instant, now: Instant) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        match symptom {
            Symptom::Alive | Symptom::Overloaded => {
                let was_failing = lane.health.is_failing();
                lane.health.answered();
                if was_failing {
                    self.lift_hold(id, &[HoldReason::Failing], now);
                }
            }
            Symptom::Failing => {
                if let Some(until) = lane.health.failed(opened, now) {
                    lane.narrow();
                    self.hold(id, until, HoldReason::Failing, now);
                }
            }
            Symptom::Unknown => {}
        }
    }

    /// A picked delivery turned out to be cancelled: nothing was sent and nothing is to be recorded.
    pub(crate) fn vanished(&mut self, due: &Due) {
        self.give_back(due.id, Doing::Recording);
        self.known.recorded(due.id);
        if let Some(lane) = self.lanes.get_mut(&due.lane) {
            lane.closed();
            lane.release_key(due);
        }
        self.enter_ring(due.lane);
    }

    /// A picked delivery was not sent and is still due: its lane is read again.
    pub(crate) fn returned(&mut self, due: &Due) {
        self.give_back(due.id, Doing::Waiting);
        self.known.forget(due.id);
        if let Some(lane) = self.lanes.get_mut(&due.lane) {
            lane.release_key(due);
        }
        self.reopen(due.lane);
    }

    /// Frees the place of a picked delivery. Returns when its request was opened, if it was.
    pub(super) fn give_back(&mut self, id: DeliveryId, next: Doing) -> Option<Instant> {
        let (pool, since) = match self.known.doing(id)? {
            Doing::Open { pool, since } => (pool, Some(since)),
            Doing::Loading { pool } => (pool, None),
            Doing::Waiting | Doing::Recording | Doing::Foreign { .. } | Doing::Recorded { .. } => return None,
        };
        self.permits.give_back(pool);
        self.known.turn(id, next);
        since
    }

    /// Outcomes are committed.
    pub(crate) fn settled(&mut self, ids: impl IntoIterator<Item = DeliveryId>) {
        for id in ids {
            self.known.recorded(id);
        }
    }
}

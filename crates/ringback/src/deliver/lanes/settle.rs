//! What becomes of a delivery that was picked: its request ends, its outcome is committed.

use std::time::Duration;

use super::{Lanes, known::Doing, permits::Pool};
use crate::{delivery::Due, id::DeliveryId};

impl Lanes {
    /// A picked delivery's request has ended, its outcome is going to be recorded.
    pub(crate) fn ended(&mut self, due: &Due, took: Duration, reachable: bool) {
        self.give_back(due.id, Doing::Recording);
        if let Some(lane) = self.lanes.get_mut(&due.lane) {
            lane.ended(took, reachable);
        }
        self.enter_ring(due.lane);
    }

    /// A picked delivery turned out to be cancelled: nothing was sent and nothing is to be recorded.
    pub(crate) fn vanished(&mut self, due: &Due) {
        self.give_back(due.id, Doing::Recording);
        self.known.recorded(due.id);
        if let Some(lane) = self.lanes.get_mut(&due.lane) {
            lane.closed();
        }
        self.enter_ring(due.lane);
    }

    /// A picked delivery was not sent, and is as due as it was.
    pub(crate) fn returned(&mut self, due: &Due) {
        self.give_back(due.id, Doing::Waiting);
        self.known.forget(due.id);
        self.reopen(due.lane);
    }

    /// The place of a picked delivery's request is free again.
    fn give_back(&mut self, id: DeliveryId, next: Doing) {
        if let Some(Doing::Open { pool, .. }) = self.known.doing(id) {
            self.permits.give_back(pool);
            self.known.turn(id, next);
            if pool == Pool::Slow {
                self.wake_slow(1);
            }
        }
    }

    /// Outcomes are committed.
    pub(crate) fn settled(&mut self, ids: impl IntoIterator<Item = DeliveryId>) {
        for id in ids {
            self.known.recorded(id);
        }
    }
}

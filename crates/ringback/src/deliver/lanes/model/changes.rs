//! What people and receivers change: configuration, events that are expunged or expire, receivers that fall ill.

use std::{collections::BTreeSet, sync::Arc};

use rand::{RngExt as _, seq::IteratorRandom as _};

use super::{EXPIRES_AFTER, Model, endpoint};
use crate::{
    deliver::lanes::ChangedHold,
    delivery::{Due, HoldReason, LaneId},
    endpoint::Endpoint,
};

impl Model {
    pub(super) fn fall_ill_or_recover(&mut self) {
        let lane = if self.chance(0.5) {
            self.endpoints().iter().map(|endpoint| endpoint.lane()).choose(&mut self.rng).unwrap()
        } else {
            LaneId::from_i64(self.rng.random_range(1..30))
        };
        if !self.sick.remove(&lane) {
            self.sick.insert(lane);
        }
    }

    pub(super) fn reconfigure(&mut self) {
        let Some(endpoint) = self.endpoints().into_iter().choose(&mut self.rng) else { return };
        let mut endpoint = Arc::unwrap_or_clone(endpoint);
        match self.rng.random_range(0..4) {
            0 => endpoint.paused ^= true,
            1 => {
                endpoint.enabled ^= true;
                if endpoint.enabled {
                    let clock = self.clock();
                    for row in self.rows.values_mut().filter(|row| row.endpoint == Some(endpoint.id)) {
                        row.due_at = clock;
                        row.attempts_at_refill = row.attempts;
                    }
                    // A read of the state before would bring the old budget; those are over within moments.
                    self.finish_reads();
                }
            }
            _ => endpoint.spec.max_in_flight = self.rng.random_range(1..9),
        }
        self.change(endpoint);
    }

    pub(super) fn change(&mut self, mut endpoint: Endpoint) {
        endpoint.version += 1;
        self.directory.put(endpoint.clone());
        self.lanes.reconfigure(&endpoint, self.now);
        self.hear_of_holds();
    }

    pub(super) fn expunge(&mut self) {
        if let Some(id) = self.rows.keys().copied().choose(&mut self.rng) {
            self.rows.remove(&id);
            self.lanes.remove_event(id.event());
        }
    }

    /// What is due for too long in lanes that are held dies. Reads of the state before are over within moments.
    pub(super) fn expire(&mut self) {
        self.finish_reads();
        let since = self.clock() - EXPIRES_AFTER;
        // A test is not kept back by a receiver that fails: none is ever so late.
        let keeps_back = |row: &Due, hold: &ChangedHold| !row.marks.test || hold.reason == HoldReason::RetryAfter;
        let is_held = |row: &Due| {
            let hold = self.held.get(&row.lane).filter(|hold| hold.until > self.now);
            hold.is_some_and(|hold| keeps_back(row, hold))
        };
        let dead: Vec<_> = self.rows.values().filter(|row| row.due_at <= since && is_held(row)).collect();
        let dead: Vec<_> = dead.into_iter().map(|row| row.id).collect();
        let loading: BTreeSet<_> = self.loading.iter().map(|loading| loading.due.id).collect();
        for id in dead.into_iter().filter(|id| !self.open.contains_key(id) && !loading.contains(id)) {
            self.rows.remove(&id);
            self.expired.insert(id);
        }
    }

    /// An endpoint is deleted and another takes its place.
    pub(super) fn delete(&mut self) {
        let Some(id) = self.endpoints().iter().map(|endpoint| endpoint.id).choose(&mut self.rng) else { return };
        self.rows.retain(|_, row| row.endpoint != Some(id));
        self.directory.remove(id);
        self.lanes.remove_lane(LaneId::of_endpoint(id));
        self.made += 1;
        self.directory.put(endpoint(self.made.unsigned_abs().into(), None));
    }
}

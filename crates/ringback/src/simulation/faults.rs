//! What goes wrong in a simulated life.

use std::time::Duration;

use rand::RngExt as _;

use super::{course::Course, node::GRACE};

/// As long as a node that stands still is waited for.
const LEASE: Duration = Duration::from_secs(12);

/// What goes wrong.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    Kill,
    Freeze,
    FreezeInTransaction,
    Stop,
    Away,
    Still,
    Slow,
    Lossy,
    DeadConnections,
    DatabaseClock,
    NodeClock,
    Restore,
    Defect,
}

pub(super) const FAULTS: [Fault; 13] = [
    Fault::Kill,
    Fault::Freeze,
    Fault::FreezeInTransaction,
    Fault::Stop,
    Fault::Away,
    Fault::Still,
    Fault::Slow,
    Fault::Lossy,
    Fault::DeadConnections,
    Fault::DatabaseClock,
    Fault::NodeClock,
    Fault::Restore,
    Fault::Defect,
];

impl Course {
    /// Lets something go wrong; for how long.
    pub(super) fn strike(&mut self, fault: Fault, now: Duration) -> Duration {
        let Some(node) = self.any_running(now) else { return Duration::ZERO };
        // Locks of a node that stands still must be gone long before it goes on.
        let longest = if matches!(fault, Fault::FreezeInTransaction) { 90.0 } else { 45.0 };
        let lasts = self.seconds(0.5, longest);
        let number = self.nodes[node].number();
        let mut told = format!("{fault:?} of node {number}, {:.3} s", lasts.as_secs_f64());
        let mut world = self.world.lock();
        match fault {
            Fault::Kill => world.witness.excuse_until(now),
            Fault::Freeze => {
                self.freeze_with_something_picked = Some(lasts);
            }
            Fault::FreezeInTransaction => self.freeze_in_transaction = Some(lasts),
            Fault::Stop => {
                drop(world);
                self.nodes[node].tell_to_stop();
                self.tell(&told);
                return GRACE;
            }
            Fault::Away => {
                world.trouble.away = now + lasts;
                world.cut_all();
                world.witness.excuse_until(now + lasts);
            }
            Fault::Still => {
                world.trouble.still = now + lasts;
                world.witness.excuse_until(now + lasts);
            }
            Fault::Slow => {
                let lasts = lasts / 3;
                world.trouble.slow = now + lasts;
                // What was sent last is still on its way then.
                world.witness.excuse_until(now + lasts + Duration::from_secs(4));
            }
            Fault::Lossy => {
                let lasts = lasts / 3;
                world.trouble.lossy = now + lasts;
                world.witness.excuse_until(now + lasts);
            }
            Fault::DeadConnections => {
                world.forget_connections(number);
                // Until a deadline has passed for what waits.
                world.witness.excuse_until(now + Duration::from_secs(20));
            }
            Fault::Defect => {
                let lasts = lasts / 3;
                self.nodes[node].defective_until = now + lasts;
                // What keeps its lease may have panicked last.
                world.witness.excuse_until(now + lasts + LEASE);
            }
            Fault::DatabaseClock => {
                let far = if self.chance.random_bool(0.3) { 3_600 } else { 20 };
                let by = self.chance.random_range(-far..far);
                world.database.ahead += by * 1_000_000;
                world.witness.deceive_until(now + Duration::from_secs(15));
                told = format!("the database's clock jumps by {by} s");
            }
            Fault::NodeClock => {
                let by = self.chance.random_range(-3_600..3_600);
                self.nodes[node].ahead += by * 1_000_000;
                told = format!("the clock of node {number} jumps by {by} s");
            }
            Fault::Restore => {
                let Some((taken, copy)) = self.copy.take() else { return Duration::ZERO };
                world.cut_all();
                let witness = &mut world.witness;
                witness.owed.retain(|_, since| *since <= taken);
                witness.deceive_until(now + Duration::from_secs(15));
                world.database.restore(copy);
                drop(world);
                self.emitting.clear();
                told = format!("the database is restored as it was at {:.3} s", taken.as_secs_f64());
                self.tell(&told);
                return LEASE;
            }
        }
        drop(world);
        self.tell(&told);
        if matches!(fault, Fault::Kill) {
            self.nodes.remove(node).kill();
            self.next_node = now + self.seconds(1.0, 15.0);
            return LEASE;
        }
        lasts
    }

    /// Whoever is to stand still does so between picking a delivery and sending it, if it picks any in good time.
    pub(super) fn freeze_what_has_picked(&mut self, now: Duration) {
        let Some(still_for) = self.freeze_with_something_picked else { return };
        let Some(node) = self.any_running(now) else { return };
        let turns = self.chance.random_range(0..60);
        if self.nodes[node].live_until_picked(turns) {
            self.nodes[node].frozen_until = now + still_for;
            self.freeze_with_something_picked = None;
            let mut world = self.world.lock();
            world.witness.excuse_until(now + still_for.min(LEASE));
            world.witness.stood_still = now + still_for;
            drop(world);
            self.tell(&format!("node {} stands still with something picked", self.nodes[node].number()));
        }
    }

    /// Whoever is to stand still in the middle of a transaction does so as soon as it is in one.
    pub(super) fn freeze_what_is_in_a_transaction(&mut self, now: Duration) {
        let Some(still_for) = self.freeze_in_transaction else { return };
        let mut world = self.world.lock();
        let mut found = None;
        for (index, node) in self.nodes.iter_mut().enumerate() {
            if node.runs(now) && world.database.has_transaction(node.number()) {
                node.frozen_until = now + still_for;
                world.witness.excuse_until(now + still_for.min(LEASE));
                found = Some(index);
                break;
            }
        }
        drop(world);
        if let Some(index) = found {
            self.freeze_in_transaction = None;
            self.tell(&format!("node {} stands still in a transaction for {still_for:?}", self.nodes[index].number()));
        }
    }
}

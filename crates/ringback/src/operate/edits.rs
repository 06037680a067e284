//! Edits of one endpoint take turns, so that none is refused because another came first.
//!
//! A change is made to the version that was read, and only if that is still the present one. Within this process edits
//! of an endpoint wait for one another; what another node changes meanwhile is read again, and the edit is made on top
//! of it. A caller that names no version therefore never hears of a version.

use std::{
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    time::Duration,
};

use tokio::sync::{Mutex, MutexGuard};

use crate::{Engine, id::EndpointId};

/// How often a change is made again because another node came first. With one edit at a time in each node, each round
/// that is lost is another node's won.
pub(super) const ROUNDS_MAX: u32 = 100;

/// Rounds that follow one another at once.
const ROUNDS_AT_ONCE: u32 = 3;

/// Longest wait before a later round.
const WAIT_MAX: Duration = Duration::from_millis(20);

/// Endpoints share this many turns: a bounded number, whatever the number of endpoints.
const TURNS: usize = 64;

/// Whose turn it is, by endpoint.
#[derive(Debug)]
pub(crate) struct Turns([Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Turns {
    fn of(&self, id: EndpointId) -> &Mutex<()> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(id);
        // The remainder is below `TURNS`, so the cast cannot lose anything.
        &self.0[(hash % TURNS as u64) as usize]
    }
}

impl Engine {
    /// Waits until no other edit of this endpoint is under way in this process; the next one waits for the guard.
    pub(super) async fn turn_of(&self, id: EndpointId) -> MutexGuard<'_, ()> {
        self.turns().of(id).lock().await
    }
}

/// Lets other nodes finish before a later round, each for another time.
pub(super) async fn wait_before(round: u32) {
    if round >= ROUNDS_AT_ONCE {
        tokio::time::sleep(WAIT_MAX.mul_f64(rand::random())).await;
    }
}

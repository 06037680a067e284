//! Edits of one endpoint take turns, so that none is refused because another came first.
//!
//! An edit changes the version that was read, and is written only if that is still the present one. Within this process
//! edits of an endpoint wait for one another. If another node changes the endpoint meanwhile, it is read again, and the edit
//! is made on top of that. So a caller that names no version is never refused for one.

use std::{
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    time::Duration,
};

use tokio::sync::{Mutex, MutexGuard};

use crate::{Engine, id::EndpointId};

/// How often an edit is tried again because another node came first. With one edit at a time in each node, another node
/// succeeds in each round that this one loses.
pub(super) const ROUNDS_MAX: u32 = 100;

/// The first so many rounds follow one another without a wait.
const ROUNDS_AT_ONCE: u32 = 3;

/// Longest wait before a later round.
const WAIT_MAX: Duration = Duration::from_millis(20);

/// Endpoints share this many locks, so that their number does not grow with the endpoints.
const TURNS: usize = 64;

/// The locks under which endpoints are edited, chosen by the endpoint's id.
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

/// Lets other nodes finish before a later round, for a random time, so that nodes do not collide again.
pub(super) async fn wait_before(round: u32) {
    if round >= ROUNDS_AT_ONCE {
        tokio::time::sleep(WAIT_MAX.mul_f64(rand::random())).await;
    }
}

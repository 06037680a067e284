//! The rows that are passed to the statements of recording.

use ringback::{attempt::Attempt, id::DeliveryId};
use serde::Serialize;
use uuid::Uuid;

use crate::batch::{Heap, Hex};

/// An attempt's duration in the stored unit.
pub(super) fn micros(attempt: &Attempt) -> i64 {
    i64::try_from(attempt.duration.as_micros()).unwrap_or(i64::MAX)
}

/// Where an attempt's documents are in the heap.
#[derive(Serialize)]
pub(super) struct Bytes {
    detail_at: usize,
    detail_size: usize,
    body_at: usize,
    body_size: usize,
}

impl Bytes {
    pub(super) fn keep(heap: &mut Heap, attempt: &Attempt) -> Self {
        let (detail_at, detail_size) = heap.keep(&attempt.detail);
        let (body_at, body_size) = heap.keep(&attempt.response_body);
        Self { detail_at, detail_size, body_at, body_size }
    }
}

/// An outcome that may have been recorded before.
#[derive(Serialize)]
pub(super) struct RepeatedRow {
    delivery: Hex,
    number: i32,
    at: i64,
    duration: i64,
    conclusion: i16,
}

impl RepeatedRow {
    pub(super) fn of(id: DeliveryId, attempt: &Attempt) -> Self {
        Self {
            delivery: Hex(id.uuid()),
            number: attempt.number,
            at: attempt.at.micros(),
            duration: micros(attempt),
            conclusion: attempt.conclusion.code(),
        }
    }
}

/// A delivery that was delivered.
#[derive(Serialize)]
pub(super) struct FinishedRow {
    pub(super) id: Hex,
    pub(super) attempts: i32,
    pub(super) number: i32,
    pub(super) answered: Option<u16>,
    pub(super) at: i64,
    pub(super) duration: i64,
    #[serde(flatten)]
    pub(super) bytes: Bytes,
}

/// Given up.
#[derive(Serialize)]
pub(super) struct DeadRow {
    pub(super) id: Hex,
    pub(super) attempts: i32,
    pub(super) reason: i16,
    pub(super) blocks: bool,
    pub(super) last_status: Option<u16>,
    pub(super) last_error: Option<i16>,
    pub(super) detail: Option<String>,
}

/// A delivery that is tried again at `due_at`; without `due_at` it stays due as it was.
#[derive(Serialize)]
pub(super) struct AgainRow {
    pub(super) id: Hex,
    pub(super) attempts: i32,
    pub(super) due_at: Option<i64>,
}

/// An attempt that is a row of its own.
#[derive(Serialize)]
pub(super) struct AttemptRow {
    pub(super) delivery: Hex,
    pub(super) at: i64,
    pub(super) duration: i64,
    pub(super) number: i32,
    pub(super) answered: Option<u16>,
    pub(super) conclusion: i16,
    pub(super) error: Option<i16>,
    pub(super) phase: Option<i16>,
    pub(super) ambiguous: bool,
    #[serde(flatten)]
    pub(super) bytes: Bytes,
}

/// The present number of attempts of a delivered delivery that was replayed.
#[derive(Serialize)]
pub(super) struct CountRow {
    pub(super) id: Hex,
    pub(super) attempts: i32,
}

/// The outcome of a replay's delivery: 1 delivered, 2 dead.
#[derive(Serialize)]
pub(crate) struct ReplayedRow {
    pub(super) id: Hex,
    pub(super) outcome: i16,
}

impl ReplayedRow {
    /// Given up.
    pub(crate) fn dead(id: Uuid) -> Self {
        Self { id: Hex(id), outcome: 2 }
    }
}

//! Emitting through the engine: an event is checked, routed and committed, in one batch with others that arrive meanwhile.
//!
//! Callers with a transaction of their own do not use this: `ringback_postgres::emit`, `ringback_sqlite::emit` and
//! `SELECT ringback.emit(…)` write the event and an outbox pointer, and the router does the rest.

mod commit;
mod fold;
mod intake;
mod lint;
mod prepare;

pub use self::lint::lint_payload;
pub(crate) use self::{
    intake::Intake,
    prepare::{Prepared, effort, prepare_all, prepare_own, prepare_test},
};
use crate::{
    id::EventId,
    invalid::{Invalid, Warning},
    store,
};

/// An event that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emitted {
    /// Its id; for a duplicate, the first event's.
    pub id: EventId,
    /// The same content came before under the same idempotency key; nothing was stored.
    pub duplicate: bool,
    /// What was accepted but is probably a mistake.
    pub warnings: Vec<Warning>,
}

/// Why the events of a request were not accepted: none of them was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields are wrong; pointers begin with the event's index: `/0/type`.
    #[error("{0}")]
    Invalid(Invalid),
    /// Other content came before under the same idempotency key.
    #[error("the idempotency key was used before for other content, by {of}")]
    IdempotencyConflict {
        /// The index of the event in the request.
        index: usize,
        /// The event that came before under the key.
        of: EventId,
    },
    /// The request was carried out before, under its key.
    #[error("the request was carried out before")]
    DoneBefore(store::DoneBefore),
    /// The store could not take them.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The engine is shutting down.
    #[error("the engine is shutting down")]
    Closed,
}

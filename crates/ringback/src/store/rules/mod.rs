//! Decisions that both stores must make alike: pure functions of what a store has read in the transaction that acts on the
//! decision.

pub mod acceptance;
pub mod addressing;
pub mod admission;
pub mod erasing;
pub mod gaps;
pub mod health;
pub mod host;
pub mod idempotency;
pub mod ingest;
pub mod keys;
pub mod missing;
pub mod nodes;
pub mod page;
pub mod standing;

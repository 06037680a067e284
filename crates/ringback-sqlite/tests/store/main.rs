//! The SQLite store on real files: what is its own. What every store keeps is the shared contract's to test.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod fixture;

mod backup;
mod causes;
mod closing;
mod emit;
mod erased;
mod gate;
mod presence;
mod processes;
mod statements;
mod strangers;
mod upkeep;

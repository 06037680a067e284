//! The SQLite store on real files: what is its own. What every store keeps is the shared contract's to test.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod fixture;

mod configuration;
mod emit;
mod gate;
mod ledger;
mod life;
mod lists;
mod order;
mod processes;
mod replay;
mod retention;
mod statements;

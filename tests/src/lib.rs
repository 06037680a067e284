//! What the end-to-end tests stand on. They drive the real binary from outside, as its users do: over HTTP, through
//! the command line, and through SQL in the caller's own transaction.
//!
//! ```text
//! stores      which database a promise is tried on: each on both
//! cluster     a PostgreSQL server of a test's own: stopped, killed, followed by a standby
//! disk        a small file system that can be full
//! database    a fresh database that goes away with its test
//! told        whether a secret stands in what a thief would hold
//! server      a `ringback serve` process: started, stopped, frozen, killed
//! embedded    the engine inside this very process, as a Rust platform has it
//! command     every other command, run to its end
//! help        what a command says that it takes
//! slips       command lines with one thing wrong
//! api         the admin API as a client sees it
//! differential  one random sequence of calls against both stores
//! document    what the API says of itself, and which values that allows
//! refusal     what every refusal has to be
//! wrong       input that it does not allow, made from it
//! browser     headless Chromium, told what to do
//! receiver    a customer of our own: counts, answers as told, holds requests open
//! outside     customers who share no code with Ringback
//! scraper     monitoring, with the parsers of those who made the formats
//! samples     what platforms say when a call ends
//! crashed     what a crash explains
//! history     a long history, made by one statement for each table
//! until       waiting for what must come true, within a bound
//! verifier    a customer's own check of a request, by the vendors' documents
//! settled     waiting until nothing more can arrive, to count what has
//! fleet       two nodes on one database, and when a change has reached both
//! ```

pub mod api;
pub mod browser;
pub mod cluster;
pub mod command;
pub mod crashed;
pub mod database;
pub mod differential;
pub mod disk;
pub mod document;
pub mod embedded;
pub mod faketime;
pub mod fleet;
pub mod help;
pub mod history;
pub mod outside;
pub mod pgbouncer;
pub mod receiver;
pub mod refusal;
pub mod samples;
pub mod scraper;
pub mod server;
pub mod settled;
pub mod slips;
pub mod snapshot;
pub mod stores;
pub mod told;
pub mod until;
pub mod verifier;
pub mod wire;
pub mod wrong;

/// The README's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

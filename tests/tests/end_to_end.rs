//! Ringback from outside, one file per promise or stage. What each stands for is on its first line;
//! `crates/README.md` lists the promises with the tests that would miss them.

// What it is for.
mod main_job;
mod vendors;

// The promises of the design, in its order.
mod transaction; // 1
mod bytes; // 2
mod ids; // 3
mod crash; // 4
mod ledger; // 4
mod no_open_transaction; // 5
mod fence; // 6
mod isolation; // 7
mod egress; // 8
mod secrets; // 9
mod signing_time; // 10
mod limits; // 11
mod takeover; // 11
mod control; // 12

// What receivers and operators are told beside them.
mod commands;
mod demo;
mod idempotency;
mod order;
mod shutdown;
mod why_not;

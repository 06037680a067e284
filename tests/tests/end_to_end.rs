//! Ringback from outside, one file per promise or stage. What each stands for is on its first line;
//! `crates/README.md` lists the promises with the tests that would miss them.

// What it is for.
mod main_job;
mod vendors;

// 1: owed if and only if the caller's transaction committed.
mod transaction;

// 2: the bytes emitted are the bytes sent.
mod bytes;

// 3: at least once, under one id.
mod ids;

// 2, 3, 9 and 10 for every scheme and preset.
mod schemes;

// 4: nothing vanishes.
mod clocks;
mod crash;
mod elsewhere;
mod late_commits;
mod ledger;
mod lost_answers;
mod refused;
mod replay;

// 5: no transaction is open while a receiver is being spoken to.
mod no_open_transaction;

// 6: a stale outcome changes nothing.
mod fence;

// 7: a slow receiver delays nobody else.
mod isolation;
mod outage;

// 8: only vetted addresses are dialled.
mod client_certificates;
mod egress;
mod oauth;

// 9: no secret is logged or stored in the clear.
mod keys;
mod secrets;

// 10: signed at attempt time.
mod signing_time;

// 11: limits are exact, and a dead node's lanes move.
mod limits;
mod takeover;

// 12: changes reach every node within a second.
mod control;
mod large_replay;
mod recall;
mod slow_questions;

// The house itself.
mod house;
mod shown;
mod snapshots;
mod ways;

// 13: nobody gains by emitting what he may not read.
mod authority;
mod authorize;
mod inheritance;

// 14: what one caller asks for is bounded, and what cannot be processed waits alone.
mod bounds;
mod locked_keys;

// 15: a node that holds shards works, or loses them.
mod damage;
mod full;
mod liveness;

// 16: erased means unreadable everywhere.
mod erasing;

// What is carried out beside each other.
mod jobs;

// Who did what.
mod audit;
mod sessions;
mod tokens;

// What operators are told and see, and what they show to others.
mod console;
mod dashboard;
mod figures;
mod gaps;
mod journey;
mod links;
mod live;
mod metrics;
mod night;
mod pictures;
mod script;
mod streams;
mod told;
mod traces;

// What receivers and operators are told beside them.
mod advice;
mod bad_flags;
mod bad_input;
mod bodies;
mod commands;
mod differential;
mod edits;
mod embedded;
mod filters;
mod find;
mod flat_cost;
mod idempotency;
mod large;
mod nodes;
mod openapi;
mod order;
mod policy;
mod promises;
mod rotation;
mod shutdown;
mod upgrades;
mod walk;
mod why_not;

//! Ringback's store for PostgreSQL 15 and later.
//!
//! [`emit`] writes an event in the caller's own transaction; [`Postgres`] is the store that the engine works with,
//! on a small pool of its own. Everything lives in one schema, by default `ringback`, and every statement is
//! qualified with it: nothing depends on `search_path`, and the host application's tables and migrations are left
//! alone.
//!
//! Each statement is one file of `sql/`, named by what it does. Statements of the pipeline are prepared once for each
//! connection, with plans that do not depend on the size of tables at that moment; operators' questions are planned for
//! their values.

#[cfg(test)]
extern crate self as ringback_postgres;

#[cfg(test)]
#[path = "../tests/fresh/mod.rs"]
mod fresh;

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod error;
mod open;
mod printed;
mod rows;
mod schema;
mod sql;

mod emit;
mod idempotency;
mod intake;
mod outbox;
mod routed;

mod work;

mod leases;
mod links;
mod liveness;
mod once;

mod configuration;
mod sealed;

mod expunging;
mod figures;
mod operations;

mod audit;
mod sessions;
mod tokens;

mod upkeep;

pub use self::{
    emit::{Error as EmitError, emit, emit_in},
    open::Postgres,
    printed::schema_text,
    schema::DEFAULT_SCHEMA,
};

//! The webhook engine. Its modules follow the life of a delivery:
//!
//! ```text
//! emit      an event is stored, in the caller's transaction or in one of the engine's
//! route     outbox pointer -> deliveries for every matching destination, or a kept "why not"
//! deliver   shards, feed, lanes, sign, send, judge, record
//! operate   replay, retention, pause: what operators do afterwards
//! ```
//!
//! The engine depends on no database and no web framework: it calls a [`store::Store`], and hosts call [`Engine`].

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

// The words of the field, and their rules.
pub mod attempt;
pub mod audit;
pub mod delivery;
pub mod egress;
pub mod endpoint;
pub mod event;
pub mod id;
pub mod invalid;
pub mod link;
pub mod metadata;
pub mod schedule;
pub mod seal;
pub mod time;
pub mod token;
pub mod told;
pub mod trace;
pub mod word;

// What a host asks for, through `Engine`.
pub mod emit;
pub mod metrics;
pub mod operate;

// What a store is asked for: for whoever writes one.
pub mod store;

// Ringback's own crates use these. They are no promise to anybody else, and may change with every release.
#[doc(hidden)]
pub mod compute;
#[doc(hidden)]
pub mod deliver;
#[doc(hidden)]
pub mod document;
#[doc(hidden)]
pub mod verify;

mod chance;
mod directory;
mod engine;
mod route;
mod run;
mod settings;

#[cfg(test)]
mod simulation;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;

pub use self::{
    directory::Directory,
    engine::{Engine, OpenError, TestError},
    run::Sending,
    settings::{Operations, Settings},
};

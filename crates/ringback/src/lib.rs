//! The webhook engine: what one delivery lives through, in the order in which it does.
//!
//! ```text
//! emit      an event is accepted, in the caller's transaction or in one of ours
//! route     outbox pointer -> deliveries for every matching destination, or a kept "why not"
//! deliver   shards, feed, lanes, sign, send, judge, record
//! operate   replay, retention, pause: what operators do afterwards
//! ```
//!
//! The engine knows no database and no web framework: it asks a [`store::Store`], and is asked through
//! [`Engine`].

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod attempt;
pub mod audit;
pub mod delivery;
pub mod document;
pub mod egress;
pub mod endpoint;
pub mod event;
pub mod id;
pub mod invalid;
pub mod seal;
pub mod time;
pub mod token;
pub mod word;

pub mod emit;
mod route;

pub mod deliver;
pub mod operate;

mod chance;
pub mod compute;
mod directory;
mod engine;
pub mod metrics;
mod run;
mod settings;
pub mod store;

#[cfg(test)]
mod simulation;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;

pub use self::{
    directory::Directory,
    engine::{Engine, OpenError, TestError},
    run::Sending,
    settings::Settings,
};

//! What tests of the engine, of its stores and of its users' own code are written with.
//!
//! A [`Receiver`] does on a real socket whatever a test scripts it to do, and hands over what it was sent:
//!
//! ```no_run
//! # async fn example() {
//! use ringback_testkit::{Receiver, Reply};
//!
//! let receiver = Receiver::start(|request| Reply::status(if request.nth == 1 { 503 } else { 204 })).await;
//! // … send something to `receiver.url()` …
//! let request = receiver.next().await;
//! assert_eq!(request.header("content-type"), Some("application/json"));
//! # }
//! ```
//!
//! A [`NameServer`] does the same for names, and [`Names`] is a resolver without a network. A [`Faulty`] store loses
//! connections and answers when a test wants it to. Whoever writes a store holds it to the [`contract`] and to the [`model`].

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod authority;
pub mod contract;
mod faulty;
mod gate;
pub mod model;
pub mod name_server;
mod random;
pub mod receiver;
mod resolver;

pub use self::{
    authority::Authority,
    faulty::{Fault, Faulty},
    gate::Gate,
    name_server::{Answer, Kind, NameServer, Question},
    random::Random,
    receiver::{Received, Receiver, Reply},
    resolver::Names,
};

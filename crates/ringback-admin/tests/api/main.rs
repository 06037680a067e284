//! The admin API as a caller meets it: the router, an engine and a real store; no socket.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod app;
mod browser;

mod auth;
mod dashboard;
mod dead_letters;
mod deliveries;
mod endpoints;
mod events;
mod health;
mod lists;
mod live;
mod metrics;
mod openapi;
mod payloads;
mod refusals;
mod replays;
mod rotation;
mod routing;
mod sessions;

//! The admin API as a caller meets it: the router, an engine and a real store; no socket.

mod app;

mod auth;
mod dead_letters;
mod deliveries;
mod endpoints;
mod events;
mod health;
mod lists;
mod payloads;
mod refusals;
mod replays;
mod routing;

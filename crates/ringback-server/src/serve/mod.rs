//! Turns the engine and the router into a server: sockets, signals, limits, logs.

mod door;
mod impatient;
pub(crate) mod listen;
pub(crate) mod log;
pub(crate) mod open_files;
mod ours;
mod places;
mod refusing;
pub(crate) mod signals;
pub(crate) mod spans;

//! One command, one file. Each reads its arguments, asks the API through [`crate::client`] and prints.

pub(crate) mod backup;
pub(crate) mod check_config;
pub(crate) mod completions;
pub(crate) mod dead_letters;
pub(crate) mod deliveries;
pub(crate) mod demo;
pub(crate) mod emit;
pub(crate) mod endpoints;
pub(crate) mod explain;
pub(crate) mod expunge;
mod filter;
pub(crate) mod find;
pub(crate) mod gaps;
mod header;
mod input;
pub(crate) mod listen;
pub(crate) mod migrate;
mod page;
pub(crate) mod rekey;
pub(crate) mod replay;
pub(crate) mod replays;
mod scheme;
pub(crate) mod serve;
pub(crate) mod token;
mod value;
pub(crate) mod verify;
mod whole;

//! One command, one file. Each reads its arguments, asks the API through [`crate::client`] and prints.

pub(crate) mod dead_letters;
pub(crate) mod demo;
pub(crate) mod emit;
mod filter;
pub(crate) mod find;
pub(crate) mod migrate;
pub(crate) mod replay;
pub(crate) mod serve;
pub(crate) mod token;

//! Printing for people. Programs get the API's own JSON instead.
//!
//! Texts that a caller or receiver chose (types, keys, URLs, response bodies) go through [`plain()`] before they reach a
//! terminal.

pub(crate) mod moment;
mod out;
mod paint;
mod plain;
mod size;
mod table;

pub(crate) use self::{
    out::{again, line, note, raw},
    paint::{Paint, Tone},
    plain::{disturbs_terminal, plain},
    size::bytes,
    table::Table,
};

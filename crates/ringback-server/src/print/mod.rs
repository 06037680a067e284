//! How results look to people. Programs get the API's own JSON instead.
//!
//! Whatever a caller or receiver chose (types, keys, URLs, response bodies) goes through [`plain()`] before it
//! reaches a terminal.

pub(crate) mod moment;
mod note;
mod out;
mod paint;
mod plain;
mod size;
mod table;

pub(crate) use self::{
    note::{again, note},
    out::{line, raw},
    paint::Paint,
    plain::plain,
    size::bytes,
    table::Table,
};

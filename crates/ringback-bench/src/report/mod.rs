//! What a run says: a table for people, and the same as JSON.

pub(crate) mod document;
pub(crate) mod plot;
pub(crate) mod row;
pub(crate) mod table;

pub(crate) use self::{plot::Plot, row::Row};

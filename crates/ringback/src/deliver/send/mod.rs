//! One signed request to one receiver, and what came of it.

mod address;
mod host;
mod ranges;

pub use self::{
    address::{AllowEntry, Blocked, Egress, MalformedEntry},
    host::is_canonical_literal,
};

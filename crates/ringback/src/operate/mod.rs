//! What happens to deliveries afterwards: replay, expunging, expiry, retention; and what operators do to endpoints and
//! tokens.

pub mod clocks;
pub(crate) mod edits;
pub mod endpoints;
mod expunge;
pub mod figures;
pub mod held;
mod housekeeping;
mod jobs;
pub mod once;
pub(crate) mod readiness;
pub mod rekey;
mod replay;
pub mod rotate;
pub mod routing;
pub mod tally;
pub mod tokens;

pub use self::readiness::NotReady;
pub(crate) use self::{expunge::expunge, housekeeping::keep_house, replay::replay};

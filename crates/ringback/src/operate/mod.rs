//! What happens to deliveries afterwards: replay, expiry, retention; and what operators do to endpoints and tokens.

pub mod endpoints;
pub mod figures;
pub mod held;
mod housekeeping;
mod replay;
pub mod rotate;
pub mod routing;
pub mod tally;
pub mod tokens;

pub(crate) use self::{housekeeping::keep_house, replay::replay};

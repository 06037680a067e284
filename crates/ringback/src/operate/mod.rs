//! What happens to deliveries afterwards: replay, expiry, retention; and what operators do to endpoints.

mod housekeeping;
mod replay;

pub(crate) use self::{housekeeping::keep_house, replay::replay};

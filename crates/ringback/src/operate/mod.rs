//! What happens to deliveries after they were sent: replay, expunging, expiry, retention; and all that operators look up and
//! do, as methods of [`Engine`](crate::Engine). These write changes to the audit log, in the name of the
//! [`Actor`](crate::audit::Actor) who asks for them.

pub mod alarms;
mod changes;
pub mod clocks;
pub mod dead_letters;
mod deliveries;
pub(crate) mod edits;
pub mod elsewhere;
mod endpoint_lists;
pub mod endpoints;
pub mod events;
mod expunge;
pub mod expunges;
pub mod figures;
pub mod filters;
pub mod find;
pub mod flow;
pub mod gaps;
pub mod health;
pub mod held;
mod housekeeping;
mod jobs;
pub mod links;
mod nodes;
pub mod once;
pub(crate) mod readiness;
pub(crate) mod refresh;
pub mod rekey;
mod replay;
pub mod replays;
pub mod rotate;
pub mod routing;
pub mod sent;
mod sessions;
pub mod signatures;
pub mod stamp;
mod summing;
pub mod tally;
pub mod tokens;
mod verifying;

pub use self::readiness::NotReady;
pub(crate) use self::{expunge::expunge, housekeeping::keep_house, replay::replay, summing::sum_up};

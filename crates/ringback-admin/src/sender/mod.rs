//! From where a request comes, as far as that can be believed.
//!
//! The address at the other end of the connection is known; what `X-Forwarded-For` and `X-Forwarded-Proto` say is only
//! what somebody wrote. They are believed from the addresses that the operator names as [`TrustedProxies`], and from
//! nobody else: whoever could choose the address could have another counted as the one who guesses at tokens.

mod forwarded;
mod network;
mod proxies;

pub(crate) use self::forwarded::Way;
pub use self::{network::Network, proxies::TrustedProxies};

//! Where a request comes from, as far as that can be trusted.
//!
//! The address at the other end of the connection is certain; `X-Forwarded-For` and `X-Forwarded-Proto` may be forged. They
//! are believed only from the addresses that the operator names as [`TrustedProxies`]: a caller that could choose its
//! address could have its guesses at tokens counted as another's.

mod forwarded;
mod network;
mod proxies;

pub(crate) use self::forwarded::Way;
pub use self::{network::Network, proxies::TrustedProxies};

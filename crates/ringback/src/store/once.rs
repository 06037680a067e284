//! Requests that carry an `Idempotency-Key`: each is carried out once.

use std::time::Duration;

use uuid::Uuid;

/// How long a key stands for what its first request made.
pub const ONCE_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// A request that is to be carried out once, as a store keeps it. Taking its key is the first statement of the
/// transaction that makes the object: where that is refused, the key is free again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// What the key counts within.
    pub name: OnceName,
    /// A digest of the request's body, sealed.
    pub content: Vec<u8>,
    /// What the request makes: an endpoint, a replay, or a test event.
    pub object: Uuid,
}

/// What makes two requests the same one. Ordered, so that two nodes that take several keys cannot deadlock.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OnceName {
    /// The tenant that the caller is bound to; empty if none.
    pub binding: String,
    /// The tenant of what is made; empty if that is all tenants'.
    pub tenant: String,
    /// The operation, with the ids of its path.
    pub route: String,
    /// The caller's key.
    pub key: String,
}

/// What an earlier request under the same key had made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoneBefore {
    /// The digest of its body, sealed.
    pub content: Vec<u8>,
    /// What it made.
    pub object: Uuid,
}

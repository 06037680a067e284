//! Requests that carry an `Idempotency-Key`: each is carried out once.

use std::time::Duration;

use uuid::Uuid;

/// For how long a key counts, from its first request on.
pub const ONCE_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// A request that is to be carried out once, as a store keeps it. The transaction that creates the object takes the key
/// with its first statement: if it is rolled back, the key is free again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// The key, with all that it counts within.
    pub name: OnceName,
    /// A digest of the request's body, sealed.
    pub content: Vec<u8>,
    /// The object that the request creates: an endpoint, a replay, or a test event.
    pub object: Uuid,
}

/// What makes two requests the same one. Ordered, so that two nodes that take several keys cannot deadlock.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OnceName {
    /// The tenant that the caller is bound to; empty if none.
    pub binding: String,
    /// The tenant of the object; empty if it belongs to all tenants.
    pub tenant: String,
    /// The operation, with the ids of its path.
    pub route: String,
    /// The caller's key.
    pub key: String,
}

/// An earlier request under the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoneBefore {
    /// The digest of its body, sealed.
    pub content: Vec<u8>,
    /// The object that it created.
    pub object: Uuid,
}

//! Reading and replacing sealed values row by row, to change the master key while nodes run.
//!
//! Replacing is optimistic. A row that no longer has the value that was read was changed meanwhile and stays as it is; the
//! caller reads it again. No version is raised: the plain value stays the same, only the key differs.

use super::{OnceName, Result};
use crate::{
    audit::Entry,
    id::{EndpointId, EventId},
};

/// One row's sealed value, and the same value sealed anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resealed<I, V> {
    /// The row.
    pub id: I,
    /// Its value when it was read.
    pub before: V,
    /// Its new value.
    pub after: V,
}

/// Events that were looked at for inline destinations with sealed credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SealedDestinations {
    /// The last event that was looked at; `None` if there was none.
    pub last: Option<EventId>,
    /// The events with such a destination, and the stored document. An event that is being moved may appear twice.
    pub items: Vec<(EventId, String)>,
}

/// Reads and replaces sealed values.
#[async_trait::async_trait]
pub trait Sealed {
    /// Sealed credentials of endpoints after this id, in order, deleted ones included, at most `limit`.
    async fn sealed_endpoints(&self, after: Option<EndpointId>, limit: u32) -> Result<Vec<(EndpointId, Vec<u8>)>>;

    /// Replaces the credentials that still equal `before`. Returns how many rows it replaced.
    async fn reseal_endpoints(&self, rows: &[Resealed<EndpointId, Vec<u8>>]) -> Result<u64>;

    /// Looks at the `limit` events after this id, in order, for inline destinations with sealed credentials.
    async fn sealed_destinations(&self, after: Option<EventId>, limit: u32) -> Result<SealedDestinations>;

    /// Replaces the destinations that still equal `before`. Returns how many rows it replaced.
    async fn reseal_destinations(&self, rows: &[Resealed<EventId, String>]) -> Result<u64>;

    /// Sealed digests of requests after this one, in order of their names, at most `limit`.
    async fn sealed_requests(&self, after: Option<&OnceName>, limit: u32) -> Result<Vec<(OnceName, Vec<u8>)>>;

    /// Replaces the digests that still equal `before`. Returns how many rows it replaced.
    async fn reseal_requests(&self, rows: &[Resealed<OnceName, Vec<u8>>]) -> Result<u64>;

    /// Replaces the value stored under `name` if it still equals `before`, and writes `record`, if there is one; true if it
    /// did.
    async fn replace_setting(&self, name: &str, before: &[u8], after: &[u8], record: Option<&Entry>) -> Result<bool>;
}

//! Endpoints, their versions, and the log of changes that every node follows.
//!
//! One row holds the configuration version; each change raises it and locks that row until its commit, so versions become
//! visible in order, and reading "everything after version v" misses nothing.

use super::{DoneBefore, Once, Result};
use crate::{
    audit::Entry,
    endpoint::StoredEndpoint,
    id::{DeliveryId, EndpointId, EventId},
};

/// Which endpoints to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointFilter {
    /// All that are not deleted.
    Live,
    /// These, deleted ones included.
    Ids(Vec<EndpointId>),
    /// Newest first, not deleted, before this id.
    Page {
        /// Of this tenant only.
        tenant: Option<String>,
        /// Smaller ids only.
        before: Option<EndpointId>,
        /// At most so many.
        limit: u32,
    },
}

/// Something every node must know within a second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An endpoint was created, changed, paused, resumed, disabled or deleted: load it again, drop its connections.
    Endpoint(EndpointId),
    /// An event's payload was expunged: its deliveries are cancelled.
    EventExpunged(EventId),
    /// A delivery was put back (a replay), or no longer blocks its ordering key: look at its lane again.
    DeliveryReleased(DeliveryId),
}

/// Changes after a version.
#[derive(Debug, Clone)]
pub struct Changes {
    /// The version of the last change in `items`; ask again from here.
    pub version: i64,
    /// In order.
    pub items: Vec<Change>,
    /// The log no longer reaches back to the version asked for: load everything again.
    pub truncated: bool,
}

/// The result of changing an endpoint.
#[derive(Debug, Clone)]
pub enum Updated {
    /// The endpoint as it is now.
    Done(Box<StoredEndpoint>),
    /// The endpoint as it is now that it is deleted, and how many deliveries that cancelled.
    Deleted(Box<StoredEndpoint>, u64),
    /// Another endpoint of the tenant has this key.
    KeyTaken,
    /// The request was carried out before, and created this.
    Before(DoneBefore),
    /// The tenant has as many endpoints as it may.
    TooMany,
    /// The endpoint has changed since the version that the caller saw.
    VersionMismatch,
    /// There is no such endpoint, or it is deleted.
    Absent,
}

/// An endpoint as routing saw it at a configuration version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointAsOf {
    /// Its id.
    pub id: EndpointId,
    /// Its key then.
    pub key: Option<String>,
    /// Its selectors then.
    pub event_types: Vec<String>,
    /// The text of its filter then.
    pub filter: Option<String>,
}

/// Reads and changes endpoints.
#[async_trait::async_trait]
pub trait Configuration {
    /// At most 1,000 changes after `version`, in order. One cheap read: it is made several times a second.
    async fn changes_since(&self, version: i64) -> Result<Changes>;

    /// The endpoints that a filter names, newest first.
    async fn load_endpoints(&self, filter: &EndpointFilter) -> Result<Vec<StoredEndpoint>>;

    /// The live endpoint of this tenant with this key.
    async fn endpoint_by_key(&self, tenant: &str, key: &str) -> Result<Option<StoredEndpoint>>;

    /// Stores a new endpoint and its first version, unless the tenant has `tenant_max` live endpoints already. If the
    /// request is to be carried out `once` and was before, nothing is stored.
    async fn create_endpoint(
        &self,
        endpoint: &StoredEndpoint,
        tenant_max: u32,
        once: Option<&Once>,
        record: &Entry,
    ) -> Result<Updated>;

    /// Replaces everything of an endpoint except `id`, `tenant` and `created_at`, if its version still is
    /// `endpoint.version`; `updated_at` becomes the database's time. If the change makes a paused or disabled endpoint able
    /// to send again, its pending deliveries are due at once with a refilled budget.
    async fn update_endpoint(&self, endpoint: &StoredEndpoint, record: &Entry) -> Result<Updated>;

    /// Deletes: pending deliveries become cancelled, dead letters stay. `version` as in `If-Match`.
    async fn delete_endpoint(&self, id: EndpointId, version: Option<i64>, record: &Entry) -> Result<Updated>;

    /// Disables an endpoint that answered 410 to a request made under `version`: sets `enabled` to false and
    /// `disabled_reason` to `gone`, and tells every node. Does nothing if the endpoint has changed since, or is disabled or
    /// deleted already.
    async fn disable_endpoint(&self, endpoint: EndpointId, version: i64, reason: &str, record: &Entry) -> Result<()>;

    /// The tenant's endpoints as routing saw them at a version, by id, at most `limit`.
    async fn endpoints_as_of(&self, tenant: &str, version: i64, limit: u32) -> Result<Vec<EndpointAsOf>>;

    /// Stores `value` under `name`, for the whole installation, unless a value is stored there; returns the stored value.
    /// Such is the master key's check.
    async fn keep_setting(&self, name: &str, value: &[u8]) -> Result<Vec<u8>>;

    /// Stores `value` under `name`, replacing the old value: for notes of the engine itself.
    async fn put_setting(&self, name: &str, value: &[u8]) -> Result<()>;

    /// The value stored under `name`, if there is one.
    async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>>;
}

//! Links that open pages without a login.

use super::Result;
use crate::{audit::Entry, id::LinkId, link::Link};

/// Keeps links.
#[async_trait::async_trait]
pub trait Links {
    /// Stores a new link.
    async fn create_link(&self, link: &Link, record: &Entry) -> Result<()>;

    /// The link with this id, whatever has become of it.
    async fn link(&self, id: LinkId) -> Result<Option<Link>>;

    /// The same if it is neither revoked nor, by the database's clock, expired. One cheap read: it is made for every page
    /// that a link opens.
    async fn valid_link(&self, id: LinkId) -> Result<Option<Link>>;

    /// Notes that a link has become a session. True the first time and never again; false for one that is not valid.
    async fn open_link(&self, id: LinkId, record: &Entry) -> Result<bool>;

    /// Revokes a link, unless it is revoked already. False if there is none.
    async fn revoke_link(&self, id: LinkId, record: &Entry) -> Result<bool>;
}

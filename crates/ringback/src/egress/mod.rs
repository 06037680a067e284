//! What a node may dial, and which certificates it trusts: one rule for registered endpoints, inline destinations and the
//! sender.
//!
//! ```text
//! address    networks that may be dialled; vetting of URLs, of resolved addresses, of the peer of a connection
//! ranges     which addresses and ports belong to the public internet
//! host       checks of a URL's name or IP literal before anything is resolved
//! resolve    from a name to its addresses
//! roots      which certificate authorities are trusted
//! identity   the client certificate and the authorities of one endpoint
//! ```
//!
//! Nothing here dials: [`crate::deliver::send`] does.

mod address;
mod host;
mod identity;
mod ranges;
mod resolve;
mod roots;

pub use self::{
    address::{AllowEntry, Blocked, Egress, MalformedEntry},
    host::is_canonical_literal,
    identity::{Identity, UnusablePem, certificates},
    resolve::{Resolve, ResolveError, SystemResolver},
    roots::{OfHost, Roots, UnusableRoots},
};
pub(crate) use self::{
    host::without_root,
    identity::{certified, validity},
    resolve::{addresses, literal},
};

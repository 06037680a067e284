//! The portal: the pages of one tenant, for its own people, at `/portal`.
//!
//! They are the pages of the dashboard, for a [`Visitor`](super::visitor::Visitor) who is bound to the tenant: a page cannot
//! forget to narrow what it shows for one of the two alone. A link opens the portal once, and becomes a session that ends
//! with the link.

pub(super) mod leave;
pub(super) mod look;
pub(super) mod open;
pub(super) mod session;

pub(super) use self::look::Look;

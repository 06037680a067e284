//! Links that open pages without a login.

use ringback::{id::LinkId, time::Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::values;

/// A link; its text is told this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkMade {
    #[schema(value_type = values::LinkId)]
    pub(crate) id: LinkId,
    /// Whoever has it sees what it opens.
    pub(crate) url: String,
    #[schema(value_type = values::Time)]
    pub(crate) expires_at: Timestamp,
}

//! One page of a list.

use serde::Serialize;
use utoipa::ToSchema;

/// A page, newest first, and where the next one begins.
#[derive(Serialize, ToSchema)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
    /// Absent places are written as null: the last page says so.
    #[schema(required)]
    pub(crate) next_cursor: Option<String>,
}

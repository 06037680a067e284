//! Replays of many deliveries.

use ringback::{
    id::ReplayId,
    store::{ReplayFilter, ReplayRow, ReplayState},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::{requests, values};

/// A replay and its counts.
#[derive(Serialize, ToSchema)]
pub(crate) struct Replay {
    #[schema(required, value_type = Option<values::ReplayId>)]
    id: Option<ReplayId>,
    #[schema(value_type = values::ReplayState)]
    state: ReplayState,
    #[schema(value_type = requests::ReplayFilter)]
    filter: ReplayFilter,
    matched: i64,
    released: i64,
    skipped: i64,
    remaining: i64,
    delivered: i64,
    dead: i64,
    bytes: i64,
    #[schema(required)]
    rate_per_second: Option<f64>,
    #[schema(required)]
    note: Option<String>,
    /// The older name of `note`.
    #[schema(required)]
    reason: Option<String>,
    #[schema(value_type = values::Time)]
    created_at: Timestamp,
    #[schema(required, value_type = Option<values::Time>)]
    finished_at: Option<Timestamp>,
}

impl From<ReplayRow> for Replay {
    fn from(row: ReplayRow) -> Self {
        Self {
            id: row.id,
            state: row.state,
            filter: row.filter,
            matched: row.matched,
            released: row.released,
            skipped: row.skipped,
            remaining: row.remaining,
            delivered: row.delivered,
            dead: row.dead,
            bytes: row.bytes,
            rate_per_second: row.rate_per_second,
            note: row.note.clone(),
            reason: row.note,
            created_at: row.created_at,
            finished_at: row.finished_at,
        }
    }
}

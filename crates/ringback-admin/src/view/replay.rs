//! Replays of many deliveries.

use ringback::{
    id::ReplayId,
    store::{ReplayRow, ReplayState},
    time::Timestamp,
};
use serde::Serialize;

/// A replay and its counts.
#[derive(Serialize)]
pub(crate) struct Replay {
    id: Option<ReplayId>,
    state: ReplayState,
    matched: i64,
    released: i64,
    skipped: i64,
    remaining: i64,
    delivered: i64,
    dead: i64,
    bytes: i64,
    rate_per_second: Option<f64>,
    reason: Option<String>,
    created_at: Timestamp,
    finished_at: Option<Timestamp>,
}

impl From<ReplayRow> for Replay {
    fn from(row: ReplayRow) -> Self {
        Self {
            id: row.id,
            state: row.state,
            matched: row.matched,
            released: row.released,
            skipped: row.skipped,
            remaining: row.remaining,
            delivered: row.delivered,
            dead: row.dead,
            bytes: row.bytes,
            rate_per_second: row.rate_per_second,
            reason: row.reason,
            created_at: row.created_at,
            finished_at: row.finished_at,
        }
    }
}

//! Expunges of many events, and their receipts.

use ringback::{
    id::ExpungeId,
    store::{ExpungeFilter, ExpungeRow, ExpungeState, Keys},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::{answers, values};

/// An expunge and its counts: `matched = expunged + skipped + remaining`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Expunge {
    #[schema(required, value_type = Option<values::ExpungeId>)]
    id: Option<ExpungeId>,
    #[schema(value_type = values::Tenant)]
    tenant: String,
    #[schema(value_type = values::ExpungeState)]
    state: ExpungeState,
    #[schema(value_type = answers::ExpungeFilter)]
    filter: ExpungeFilter,
    /// Whether keys are erased, too.
    erases_keys: bool,
    matched: i64,
    expunged: i64,
    /// Had been expunged before, or were removed by retention meanwhile.
    skipped: i64,
    remaining: i64,
    /// Payload bytes of the matched.
    bytes: i64,
    #[schema(value_type = values::Time)]
    created_at: Timestamp,
    #[schema(required, value_type = Option<values::Time>)]
    finished_at: Option<Timestamp>,
    #[schema(required)]
    receipt: Option<Receipt>,
}

/// What was erased.
#[derive(Serialize, ToSchema)]
pub(crate) struct Receipt {
    /// Events of which something was erased.
    events: i64,
    payload_bytes: i64,
    /// Pending deliveries and dead letters that became `cancelled`.
    deliveries_cancelled: i64,
    /// Attempts whose answers were removed.
    attempts: i64,
    /// SHA-256 over the ids of all matched events as they are printed, in ascending order, each with a line feed.
    ids_sha256: String,
    #[schema(value_type = values::Time)]
    at: Timestamp,
    /// Who asked for it, as in the audit log.
    actor: String,
}

impl From<ExpungeRow> for Expunge {
    fn from(row: ExpungeRow) -> Self {
        let receipt = row.digest.filter(|_| row.state == ExpungeState::Completed).zip(row.finished_at);
        Self {
            id: row.id,
            tenant: row.filter.tenant.clone(),
            state: row.state,
            filter: row.filter,
            erases_keys: row.keys == Keys::Erase,
            matched: row.matched,
            expunged: row.erased.events,
            skipped: row.skipped,
            remaining: row.remaining,
            bytes: row.bytes,
            created_at: row.created_at,
            finished_at: row.finished_at,
            receipt: receipt.map(|(ids_sha256, at)| Receipt {
                events: row.erased.events,
                payload_bytes: row.erased.payload_bytes,
                deliveries_cancelled: row.erased.cancelled,
                attempts: row.erased.attempts,
                ids_sha256,
                at,
                actor: row.by,
            }),
        }
    }
}

//! The conservation ledger: all counts are of one snapshot.

use ringback::{
    store::{Ledger, LedgerDeliveries, LedgerEvents, Span},
    time::Timestamp,
};
use sqlx::{Row as _, SqliteConnection};

use super::scan::Range;

/// Microseconds of a UTC day.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// Counts what is stored and adds what retention has dropped.
pub(super) async fn count(
    connection: &mut SqliteConnection,
    tenant: Option<&str>,
    accepted: Span,
) -> sqlx::Result<Ledger> {
    let range = Range::accepted(accepted);
    let statement =
        if tenant.is_some() { sql!("figures/count_ledger_of_tenant") } else { sql!("figures/count_ledger") };
    let row = sqlx::query(statement)
        .bind(range.low.as_bytes().as_slice())
        .bind(range.high.as_bytes().as_slice())
        .bind(accepted.since.map_or(i64::MIN, day_of))
        .bind(accepted.until.map_or(i64::MAX, |until| day_of(until - std::time::Duration::from_micros(1))))
        .bind(tenant)
        .fetch_one(connection)
        .await?;
    let count = |column| row.try_get::<i64, _>(column);
    let deliveries = LedgerDeliveries {
        owed: 0,
        pending: count("pending")?,
        delivered: count("delivered")?,
        dead: count("dead")?,
        cancelled: count("cancelled")?,
    };
    Ok(Ledger {
        events: LedgerEvents {
            accepted: count("accepted")?,
            unrouted: count("unrouted")?,
            duplicate: count("duplicate")?,
            unmatched: count("unmatched")?,
            routed: count("routed")?,
        },
        deliveries: LedgerDeliveries {
            owed: deliveries.pending + deliveries.delivered + deliveries.dead + deliveries.cancelled,
            ..deliveries
        },
    })
}

/// The UTC day of a moment, counted from the epoch. Dropped rows are counted by whole days: all days that the span touches
/// are included.
fn day_of(time: Timestamp) -> i64 {
    time.micros().div_euclid(DAY)
}

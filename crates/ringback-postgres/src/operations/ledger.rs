//! The conservation ledger: all counts are of one snapshot.

use ringback::{
    store::{Ledger, LedgerDeliveries, LedgerEvents, Result, Span},
    time::Timestamp,
};

use super::scan;
use crate::{Postgres, error::from_sqlx, rows, sql::query};

/// Microseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// No event is further from 1970 than so many days; well within the range of PostgreSQL's `date`.
const DAYS_MAX: i32 = 1_000_000;

pub(super) async fn count(store: &Postgres, tenant: Option<&str>, accepted: Span) -> Result<Ledger> {
    let (from, to) = scan::ids(accepted);
    // Dropped rows are counted by whole days: all days that the span touches are included.
    let first = accepted.since.map_or(-DAYS_MAX, |since| day(since.micros().div_euclid(DAY)));
    let end =
        accepted.until.map_or(DAYS_MAX, |until: Timestamp| day(until.micros().saturating_add(DAY - 1).div_euclid(DAY)));
    let statement = if tenant.is_some() { &store.sql().count_ledger_of_tenant } else { &store.sql().count_ledger };
    let mut count = query(statement).bind(from).bind(to).bind(first).bind(end);
    if let Some(tenant) = tenant {
        count = count.bind(tenant);
    }
    let row = count.fetch_one(&mut *store.desk().await?).await.map_err(from_sqlx)?;
    let get = |column: &str| rows::get::<i64, _>(&row, column);
    let (pending, delivered) = (get("pending")?, get("delivered")?);
    let (dead, cancelled) = (get("dead")?, get("cancelled")?);
    Ok(Ledger {
        events: LedgerEvents {
            accepted: get("accepted")?,
            unrouted: get("unrouted")?,
            duplicate: get("duplicate")?,
            unmatched: get("unmatched")?,
            routed: get("routed")?,
        },
        deliveries: LedgerDeliveries {
            owed: pending + delivered + dead + cancelled,
            pending,
            delivered,
            dead,
            cancelled,
        },
    })
}

fn day(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(DAYS_MAX).clamp(-DAYS_MAX, DAYS_MAX)
}

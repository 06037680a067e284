//! Counting dropped rows, so that the ledger still balances.

use std::collections::HashMap;

use ringback::id::EventId;
use serde::Serialize;
use sqlx::SqliteConnection;

use crate::batch::json;

/// Milliseconds of a UTC day.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// Counts of the dropped rows of one tenant and day.
#[derive(Debug, Default, Serialize)]
pub(super) struct Counts {
    pub(super) accepted: i64,
    pub(super) duplicate: i64,
    pub(super) unmatched: i64,
    pub(super) routed: i64,
    pub(super) delivered: i64,
    pub(super) dead: i64,
    pub(super) cancelled: i64,
}

impl Counts {
    fn add(&mut self, more: &Self) {
        self.accepted += more.accepted;
        self.duplicate += more.duplicate;
        self.unmatched += more.unmatched;
        self.routed += more.routed;
        self.delivered += more.delivered;
        self.dead += more.dead;
        self.cancelled += more.cancelled;
    }
}

/// Counts by (day of the event's acceptance, tenant).
#[derive(Default)]
pub(super) struct Past(HashMap<(i64, String), Counts>);

#[derive(Serialize)]
struct Row<'a> {
    day: i64,
    tenant: &'a str,
    #[serde(flatten)]
    counts: &'a Counts,
}

impl Past {
    pub(super) fn add(&mut self, event: EventId, tenant: String, counts: &Counts) {
        let day = event.accepted_at().millis().div_euclid(DAY);
        self.0.entry((day, tenant)).or_default().add(counts);
    }

    /// Adds the counts to `ledger_past`; must be called in the transaction that drops the counted rows.
    pub(super) async fn write(&self, tx: &mut SqliteConnection) -> sqlx::Result<()> {
        let rows: Vec<_> = self.0.iter().map(|((day, tenant), counts)| Row { day: *day, tenant, counts }).collect();
        sqlx::query(sql!("upkeep/record_past")).bind(json(&rows)?).execute(tx).await?;
        Ok(())
    }
}

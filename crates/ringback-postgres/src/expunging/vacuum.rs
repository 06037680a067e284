//! Removing the dead rows that an expunge left: until then the erased bytes are in the database's files, though no
//! statement can read them.
//!
//! It is done where it is cheap, and on a best effort: what is left is autovacuum's, and the copies that archives and
//! standbys hold are their keepers'.

use std::time::{Duration, Instant};

use ringback::id::EventId;

use crate::{
    Postgres,
    upkeep::partitions::{list, run},
};

/// Larger partitions are left to autovacuum, in bytes.
const BYTES_MAX: i64 = 1 << 30;

/// No further table is begun after so long. A table takes ten minutes at most, by the time-out of upkeep's statements, and the
/// whole step must end before its caller takes it for lost and begins it anew.
const BEGUN_WITHIN: Duration = Duration::from_secs(60);

/// Tables that are no partitions and hold something of every event that is owed or dead.
const PLAIN: [&str; 3] = ["delivery", "dead_letter", "idempotency"];

/// Vacuums what holds anything of the events from `first` to `last`.
pub(super) async fn touched(store: &Postgres, first: EventId, last: EventId) {
    if let Err(error) = vacuum(store, first, last).await {
        tracing::warn!(%error, "dead rows of an expunge are left to autovacuum");
    }
}

async fn vacuum(store: &Postgres, first: EventId, last: EventId) -> ringback::store::Result<()> {
    let begun = Instant::now();
    let mut connection = store.house().await?;
    let partitions = list(store, &mut connection).await?;
    let touched = partitions.iter().filter(|partition| {
        partition.bytes <= BYTES_MAX
            && partition.upper.is_none_or(|upper| upper > first.uuid())
            && partition.lower.is_none_or(|lower| lower <= last.delivery(u16::MAX).uuid())
    });
    for table in touched.map(|partition| &*partition.name).chain(PLAIN) {
        if begun.elapsed() > BEGUN_WITHIN {
            tracing::info!(table, "dead rows of an expunge are left to autovacuum, from this table on");
            break;
        }
        let statement = format!("VACUUM (SKIP_LOCKED) {}.{table}", store.schema());
        run(&mut connection, &statement).await.map_err(crate::error::from_sqlx)?;
    }
    Ok(())
}

//! Removing the dead rows that an expunge left: until then the erased bytes are in the database's files, though no
//! statement can read them.
//!
//! Only small tables are vacuumed, on a best effort: autovacuum does the rest. Whoever operates archives and standbys must
//! remove the copies there.

use std::time::{Duration, Instant};

use ringback::id::EventId;

use crate::{
    Postgres,
    upkeep::partitions::{list, run},
};

/// Larger partitions are left to autovacuum, in bytes.
const BYTES_MAX: i64 = 1 << 30;

/// No further table is begun after so long. One table takes at most ten minutes, the time-out of upkeep's statements, and
/// the whole step must end before its call reaches its deadline and is begun anew.
const BEGUN_WITHIN: Duration = Duration::from_secs(60);

/// Tables without partitions that have rows of events with pending deliveries, dead letters or idempotency keys.
const PLAIN: [&str; 3] = ["delivery", "dead_letter", "idempotency"];

/// Vacuums the tables and partitions that have rows of the events from `first` to `last`.
pub(super) async fn touched(store: &Postgres, first: EventId, last: EventId) {
    if let Err(error) = vacuum(store, first, last, BEGUN_WITHIN).await {
        tracing::warn!(%error, "dead rows of an expunge are left to autovacuum");
    }
}

async fn vacuum(
    store: &Postgres,
    first: EventId,
    last: EventId,
    begun_within: Duration,
) -> ringback::store::Result<()> {
    let begun = Instant::now();
    let mut connection = store.house().await?;
    let partitions = list(store, &mut connection).await?;
    let touched = partitions.iter().filter(|partition| {
        partition.bytes <= BYTES_MAX
            && partition.upper.is_none_or(|upper| upper > first.uuid())
            && partition.lower.is_none_or(|lower| lower <= last.delivery(u16::MAX).uuid())
    });
    for table in touched.map(|partition| &*partition.name).chain(PLAIN) {
        if begun.elapsed() > begun_within {
            tracing::info!(table, "dead rows of an expunge are left to autovacuum, from this table on");
            break;
        }
        let statement = format!("VACUUM (SKIP_LOCKED) {}.{table}", store.schema());
        run(&mut connection, &statement).await.map_err(crate::error::from_sqlx)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ringback::time::Timestamp;
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::fresh;

    #[tokio::test]
    async fn no_table_is_begun_when_the_time_is_over() {
        let (store, schema) = fresh::migrated().await;
        let now = EventId::new(Timestamp::now());
        let vacuumed = async || {
            let count =
                format!("SELECT count(*) FROM pg_stat_all_tables WHERE schemaname = '{schema}' AND vacuum_count > 0");
            let count = sqlx::query_scalar::<_, i64>(AssertSqlSafe(count));
            count.fetch_one(&mut fresh::connection().await).await.unwrap()
        };
        vacuum(&store, now, now, Duration::ZERO).await.unwrap();
        assert_eq!(vacuumed().await, 0);
        vacuum(&store, now, now, BEGUN_WITHIN).await.unwrap();
        assert!(vacuumed().await > i64::try_from(PLAIN.len()).unwrap(), "those without partitions, and some with");
        fresh::remove(&store, &schema).await;
    }
}

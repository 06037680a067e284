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
    if let Err(error) = vacuum(store, first, last, BYTES_MAX, BEGUN_WITHIN).await {
        tracing::warn!(%error, "dead rows of an expunge are left to autovacuum");
    }
}

async fn vacuum(
    store: &Postgres,
    first: EventId,
    last: EventId,
    bytes_max: i64,
    begun_within: Duration,
) -> ringback::store::Result<()> {
    let begun = Instant::now();
    let mut connection = store.house().await?;
    let partitions = list(store, &mut connection).await?;
    let touched = partitions.iter().filter(|partition| {
        partition.bytes <= bytes_max
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

    /// The schema's tables that were vacuumed.
    async fn vacuumed(schema: &str) -> Vec<String> {
        let names = format!(
            "SELECT relname::text FROM pg_stat_all_tables WHERE schemaname = '{schema}' AND vacuum_count > 0 ORDER BY 1"
        );
        let names = sqlx::query_scalar(AssertSqlSafe(names));
        names.fetch_all(&mut fresh::connection().await).await.unwrap()
    }

    #[tokio::test]
    async fn no_table_is_begun_when_the_time_is_over() {
        let (store, schema) = fresh::migrated().await;
        let now = EventId::new(Timestamp::now());
        vacuum(&store, now, now, BYTES_MAX, Duration::ZERO).await.unwrap();
        assert!(vacuumed(&schema).await.is_empty());
        vacuum(&store, now, now, BYTES_MAX, BEGUN_WITHIN).await.unwrap();
        assert!(vacuumed(&schema).await.len() > PLAIN.len(), "those without partitions, and some with");
        fresh::remove(&store, &schema).await;
    }

    #[tokio::test]
    async fn a_large_partition_is_left_to_autovacuum() {
        let (store, schema) = fresh::migrated().await;
        let now = EventId::new(Timestamp::now());
        let verdict =
            format!("INSERT INTO {schema}.verdict (event_id, config_version, kind) VALUES ('{}', 0, 1)", now.uuid());
        sqlx::query(AssertSqlSafe(verdict)).execute(&mut fresh::connection().await).await.unwrap();
        vacuum(&store, now, now, 0, BEGUN_WITHIN).await.unwrap();
        let left = vacuumed(&schema).await;
        assert!(left.iter().any(|table| table.starts_with("event")), "empty ones are small enough: {left:?}");
        assert!(!left.iter().any(|table| table.starts_with("verdict")), "has rows: {left:?}");
        vacuum(&store, now, now, BYTES_MAX, BEGUN_WITHIN).await.unwrap();
        assert!(vacuumed(&schema).await.iter().any(|table| table.starts_with("verdict")));
        fresh::remove(&store, &schema).await;
    }
}

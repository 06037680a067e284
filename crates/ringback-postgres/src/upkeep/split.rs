//! Splitting the open-ended newest partition ahead of time, while it is still empty.
//!
//! The newest partition begins in the future, so splitting it means reading an empty table. It has rows only after the
//! engine was away for long. Then its end is put a week ahead and first proved with a check constraint, so that no
//! transaction waits for the proof. If upkeep ends between the two, events still have room for a week.

use std::time::Duration;

use ringback::{
    store::{Error, Result, Retention, Upkeep as _},
    time::Timestamp,
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::partitions::{Family, Partition, begin, boundary, list, name, run, time_of, unless_in_use};
use crate::{Postgres, error::from_sqlx, rows};

/// A partition larger than this is not read under a lock, in bytes.
const BYTES_READ_UNDER_LOCK_MAX: i64 = 16 * 1024 * 1024;

/// Most partitions of one table: every statement over the whole table locks all of them, and the host shares PostgreSQL's
/// lock table. A retention is cut into fewer; the number is reached only if partitions cannot be dropped for weeks.
const PARTITIONS_MAX: usize = 64;

/// How far ahead the end of a partition that has rows is put.
const ROOM: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Splits a family's newest partition if it is time; always false, because the next call comes soon enough.
///
/// # Errors
/// [`Error::Refused`] if that partition has ids too far ahead of the database's clock: it cannot be ended before them. It
/// stays without an end, so inserts go on.
pub(super) async fn ahead(store: &Postgres, family: Family, retention: &Retention) -> Result<bool> {
    let partitions = list(store, &mut *store.house().await?).await?;
    let now = store.clock().await?;
    let period = family.period(retention);
    let count = partitions.iter().filter(|partition| partition.table == family.head()).count();
    if count >= PARTITIONS_MAX {
        // Not an error: the newest partition has no end, so inserts go on.
        tracing::warn!(table = family.head(), count, "no further partition is opened until one is dropped");
        return Ok(false);
    }
    if let Some(lower) = newest(&partitions, family) {
        // Half a period before it is needed: enough time for many tries.
        if time_of(lower) < now + period / 2 {
            split(store, family, lower, &partitions, now.max(time_of(lower)) + period).await?;
        }
    }
    Ok(false)
}

/// The lower bound of a family's open-ended partition.
fn newest(partitions: &[Partition], family: Family) -> Option<Uuid> {
    partitions
        .iter()
        .find(|partition| partition.table == family.head() && partition.upper.is_none())
        .and_then(|partition| partition.lower)
}

/// Ends the newest partition of each of the family's tables at `end` and opens the next.
pub(super) async fn split(
    store: &Postgres,
    family: Family,
    lower: Uuid,
    partitions: &[Partition],
    end: Timestamp,
) -> Result<()> {
    let open = partitions.iter().filter(|partition| {
        family.tables.contains(&&*partition.table) && partition.upper.is_none() && partition.lower == Some(lower)
    });
    let is_large = open.clone().any(|partition| partition.bytes > BYTES_READ_UNDER_LOCK_MAX);
    let now = store.clock().await?;
    let end = if is_large { boundary(end.max(now + ROOM)) } else { boundary(end) };
    for partition in open.clone() {
        if let Some(last) = last_id(store, partition).await?.filter(|last| *last >= end) {
            return Err(ahead_of_clock(partition, last, now));
        }
    }
    if is_large {
        for partition in open {
            if !prove(store, partition, end).await? {
                return Ok(());
            }
        }
    }
    let Some(mut transaction) = begin(store).await? else {
        return Ok(());
    };
    if newest(&list(store, &mut transaction).await?, family) != Some(lower) {
        return Ok(());
    }
    let schema = store.schema();
    let locked = family.tables.iter().map(|table| format!("{schema}.{table}")).collect::<Vec<_>>().join(", ");
    let mut statements = format!("LOCK TABLE {locked} IN ACCESS EXCLUSIVE MODE;");
    for table in family.tables {
        let (old, new) = (name(table, lower), name(table, end));
        statements += &format!(
            "ALTER TABLE {schema}.{table} DETACH PARTITION {schema}.{old};
             ALTER TABLE {schema}.{table} ATTACH PARTITION {schema}.{old} FOR VALUES FROM ('{lower}') TO ('{end}');
             CREATE TABLE {schema}.{new} PARTITION OF {schema}.{table} FOR VALUES FROM ('{end}') TO (MAXVALUE);
             ALTER TABLE {schema}.{old} DROP CONSTRAINT IF EXISTS ends;"
        );
    }
    if unless_in_use(run(&mut transaction, &statements).await)?.is_some() {
        transaction.commit().await.map_err(from_sqlx)?;
    }
    Ok(())
}

/// The greatest id of a partition.
async fn last_id(store: &Postgres, partition: &Partition) -> Result<Option<Uuid>> {
    let (schema, name, column) = (store.schema(), &partition.name, id_column(&partition.table));
    let text = format!("SELECT {column} AS last FROM {schema}.{name} ORDER BY {column} DESC LIMIT 1");
    let row = sqlx::query(AssertSqlSafe(text))
        .persistent(false)
        .fetch_optional(&mut *store.house().await?)
        .await
        .map_err(from_sqlx)?;
    row.map(|row| rows::get(&row, "last")).transpose()
}

/// The error for an id that a wrong clock made: that of a node of an earlier version, or the database's before it was set
/// back.
fn ahead_of_clock(partition: &Partition, last: Uuid, now: Timestamp) -> Error {
    let (name, last) = (&partition.name, time_of(last));
    Error::Refused(
        format!(
            "the partition {name} holds an id of {last}, and the database's clock shows {now}: a clock was wrong when it \
             was made; no further partition is opened before that time has come near"
        )
        .into(),
    )
}

/// Proves with a check constraint that a partition has no row from `end` on, while others write; false if the table was in
/// use.
async fn prove(store: &Postgres, partition: &Partition, end: Uuid) -> Result<bool> {
    let (schema, name) = (store.schema(), &partition.name);
    let column = id_column(&partition.table);
    let Some(mut transaction) = begin(store).await? else {
        return Ok(false);
    };
    let add = format!(
        "ALTER TABLE {schema}.{name} DROP CONSTRAINT IF EXISTS ends;
         ALTER TABLE {schema}.{name} ADD CONSTRAINT ends CHECK ({column} < '{end}') NOT VALID;"
    );
    if unless_in_use(run(&mut transaction, &add).await)?.is_none() {
        return Ok(false);
    }
    transaction.commit().await.map_err(from_sqlx)?;
    let validate = format!("ALTER TABLE {schema}.{name} VALIDATE CONSTRAINT ends;");
    run(&mut *store.house().await?, &validate).await.map_err(from_sqlx)?;
    Ok(true)
}

/// The column that a table is partitioned by.
pub(super) fn id_column(table: &str) -> &'static str {
    match table {
        "verdict" => "event_id",
        "attempt" => "delivery_id",
        _ => "id",
    }
}

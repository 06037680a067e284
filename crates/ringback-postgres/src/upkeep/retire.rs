//! Dropping the oldest partitions, after saving the survivors: events that are unrouted, or have pending deliveries or dead
//! letters.
//!
//! ```text
//! save      copy survivors into `moving_event`, a bounded number in each call, outside of any lock
//! refresh   an earlier try may have failed to get its lock: update the copies that it made
//! count     the rows that will be dropped, by day and tenant
//! swap      under a short lock: `moving_event` becomes `kept_event`, whose range now includes the dropped partition's
//! ```
//!
//! All code that copies, removes or prunes events of that age holds the lock of `partitions::begin`. So a copy can differ
//! from its event only by an expunge, which is looked for under the swap's lock. The counts cannot change either: rows that
//! still can change belong to survivors, and if a delivery was put back or created meanwhile, retiring begins again.

use ringback::{
    id::EventId,
    store::{Result, Retention, Upkeep as _},
};
use sqlx::{PgConnection, Postgres as Db, SqlStr, Transaction};
use uuid::Uuid;

use super::{
    partitions::{ATTEMPTS, EVENTS, Family, Partition, begin, list, run, unless_in_use},
    split::id_column,
};
use crate::{Postgres, error::from_sqlx, rows, sql::query};

/// Most events copied in one call.
const COPIED: i64 = 2_000;

/// Retires the oldest partition of a family if it is too old by the database's clock; true if there may be another.
pub(super) async fn oldest(store: &Postgres, family: Family, retention: &Retention) -> Result<bool> {
    let cutoff = EventId::floor(store.clock().await? - family.retention(retention)).uuid();
    let partitions = list(store, &mut *store.house().await?).await?;
    let Some((lower, upper)) = droppable(&partitions, family, cutoff) else { return Ok(false) };
    if family.tables == EVENTS.tables {
        retire_events(store, lower, upper).await
    } else {
        retire_attempts(store, lower, upper).await
    }
}

/// The range of the oldest partition after the kept one, if it ends before `cutoff`.
pub(super) fn droppable(partitions: &[Partition], family: Family, cutoff: Uuid) -> Option<(Uuid, Uuid)> {
    partitions
        .iter()
        .filter(|partition| partition.table == family.head())
        .find_map(|partition| Some((partition.lower?, partition.upper)))
        .and_then(|(lower, upper)| Some((lower, upper?)))
        .filter(|(_, upper)| *upper <= cutoff)
}

/// True if there is more to do now; false also if a table was in use.
async fn retire_events(store: &Postgres, lower: Uuid, upper: Uuid) -> Result<bool> {
    if !bound_kept(store, &["moving_event", "kept_verdict", "kept_finished"], upper).await? {
        return Ok(false);
    }
    match copy_survivors(store, upper).await? {
        None => return Ok(false),
        Some(0) => {}
        Some(_) => return Ok(true),
    }
    match count(store, lower, upper).await? {
        Some(counted) => swap(store, counted).await,
        None => Ok(false),
    }
}

/// A range of events whose survivors are copied, with counts of the rows that will be dropped. Its transaction keeps other
/// nodes from changing partitions.
pub(super) struct Counted {
    transaction: Transaction<'static, Db>,
    lower: Uuid,
    upper: Uuid,
    dropped: Counts,
}

/// `None` if another node changes partitions, or a table is in use.
pub(super) async fn count(store: &Postgres, lower: Uuid, upper: Uuid) -> Result<Option<Counted>> {
    let Some(mut transaction) = begin(store).await? else { return Ok(None) };
    if droppable(&list(store, &mut transaction).await?, EVENTS, upper) != Some((lower, upper)) {
        return Ok(None);
    }
    let refreshed = query(&store.sql().refresh_survivors).bind(upper).execute(&mut *transaction).await;
    if unless_in_use(refreshed)?.is_none() {
        return Ok(None);
    }
    let dropped = Counts::read(&mut transaction, &store.sql().count_dropped, lower, upper).await?;
    Ok(Some(Counted { transaction, lower, upper, dropped }))
}

/// Drops the rows that were counted; true if there is more to do now.
pub(super) async fn swap(store: &Postgres, counted: Counted) -> Result<bool> {
    let Counted { mut transaction, lower, upper, dropped } = counted;
    let schema = store.schema();
    let lock = format!("LOCK TABLE {schema}.event, {schema}.verdict, {schema}.finished IN ACCESS EXCLUSIVE MODE");
    if unless_in_use(run(&mut transaction, &lock).await)?.is_none() {
        return Ok(false);
    }
    let late = query(&store.sql().find_late_survivors).bind(upper).fetch_optional(&mut *transaction).await;
    if late.map_err(from_sqlx)?.is_some() {
        return Ok(true);
    }
    query(&store.sql().settle_survivors).bind(upper).execute(&mut *transaction).await.map_err(from_sqlx)?;
    let of_survivors = Counts::read(&mut transaction, &store.sql().count_survivors_past, lower, upper).await?;
    if unless_in_use(run(&mut transaction, &swap_events(schema, lower, upper)).await)?.is_none() {
        return Ok(false);
    }
    for counts in [dropped, of_survivors] {
        counts.record(store, &mut transaction).await?;
    }
    transaction.commit().await.map_err(from_sqlx)?;
    Ok(true)
}

async fn retire_attempts(store: &Postgres, lower: Uuid, upper: Uuid) -> Result<bool> {
    if !bound_kept(store, &["kept_attempt"], upper).await? {
        return Ok(false);
    }
    let Some(mut transaction) = begin(store).await? else {
        return Ok(false);
    };
    if droppable(&list(store, &mut transaction).await?, ATTEMPTS, upper) != Some((lower, upper)) {
        return Ok(true);
    }
    let schema = store.schema();
    let statements =
        format!("LOCK TABLE {schema}.attempt IN ACCESS EXCLUSIVE MODE;") + &widen_kept(schema, "attempt", lower, upper);
    if unless_in_use(run(&mut transaction, &statements).await)?.is_none() {
        return Ok(false);
    }
    transaction.commit().await.map_err(from_sqlx)?;
    Ok(true)
}

/// Adds a check constraint to tables that are about to be attached below `upper`, so that attaching them need not read them.
async fn bound_kept(store: &Postgres, tables: &[&str], upper: Uuid) -> Result<bool> {
    let schema = store.schema();
    for table in tables {
        let column = id_column(table.trim_start_matches("kept_"));
        let Some(mut transaction) = begin(store).await? else {
            return Ok(false);
        };
        let add = format!(
            "ALTER TABLE {schema}.{table} DROP CONSTRAINT IF EXISTS bound;
             ALTER TABLE {schema}.{table} ADD CONSTRAINT bound CHECK ({column} < '{upper}') NOT VALID;"
        );
        if unless_in_use(run(&mut transaction, &add).await)?.is_none() {
            return Ok(false);
        }
        transaction.commit().await.map_err(from_sqlx)?;
        let validate = format!("ALTER TABLE {schema}.{table} VALIDATE CONSTRAINT bound;");
        run(&mut *store.house().await?, &validate).await.map_err(from_sqlx)?;
    }
    Ok(true)
}

/// How many events were copied; `None` if another node changes partitions.
pub(super) async fn copy_survivors(store: &Postgres, upper: Uuid) -> Result<Option<u64>> {
    let Some(mut transaction) = begin(store).await? else { return Ok(None) };
    let copied = query(&store.sql().copy_survivors).bind(upper).bind(COPIED).execute(&mut *transaction).await;
    let copied = copied.map_err(from_sqlx)?.rows_affected();
    transaction.commit().await.map_err(from_sqlx)?;
    Ok(Some(copied))
}

fn swap_events(schema: &str, lower: Uuid, upper: Uuid) -> String {
    let dropped = super::partitions::name("event", lower);
    format!(
        "ALTER TABLE {schema}.event DETACH PARTITION {schema}.kept_event;
         ALTER TABLE {schema}.event DETACH PARTITION {schema}.{dropped};
         DROP TABLE {schema}.kept_event, {schema}.{dropped};
         ALTER TABLE {schema}.moving_event RENAME TO kept_event;
         ALTER TABLE {schema}.event ATTACH PARTITION {schema}.kept_event FOR VALUES FROM (MINVALUE) TO ('{upper}');
         ALTER TABLE {schema}.kept_event DROP CONSTRAINT bound;
         CREATE TABLE {schema}.moving_event (LIKE {schema}.event INCLUDING ALL);"
    ) + &widen_kept(schema, "verdict", lower, upper)
        + &widen_kept(schema, "finished", lower, upper)
}

/// Drops the partition that begins at `lower` and extends the kept one up to `upper`.
fn widen_kept(schema: &str, table: &str, lower: Uuid, upper: Uuid) -> String {
    let dropped = super::partitions::name(table, lower);
    format!(
        "ALTER TABLE {schema}.{table} DETACH PARTITION {schema}.kept_{table};
         ALTER TABLE {schema}.{table} DETACH PARTITION {schema}.{dropped};
         DROP TABLE {schema}.{dropped};
         ALTER TABLE {schema}.{table} ATTACH PARTITION {schema}.kept_{table} FOR VALUES FROM (MINVALUE) TO ('{upper}');
         ALTER TABLE {schema}.kept_{table} DROP CONSTRAINT bound;"
    )
}

/// Counts by day and tenant, one array for each column.
#[derive(Default)]
struct Counts {
    day: Vec<i32>,
    tenant: Vec<String>,
    columns: [Vec<i64>; 6],
}

impl Counts {
    const COLUMNS: [&'static str; 6] = ["accepted", "duplicate", "unmatched", "routed", "delivered", "cancelled"];

    async fn read(connection: &mut PgConnection, statement: &SqlStr, lower: Uuid, upper: Uuid) -> Result<Self> {
        let rows = query(statement).bind(lower).bind(upper).fetch_all(connection).await.map_err(from_sqlx)?;
        let mut counts = Self::default();
        for row in &rows {
            counts.day.push(rows::get(row, "day")?);
            counts.tenant.push(rows::get(row, "tenant")?);
            for (values, column) in counts.columns.iter_mut().zip(Self::COLUMNS) {
                values.push(rows::get(row, column)?);
            }
        }
        Ok(counts)
    }

    async fn record(self, store: &Postgres, connection: &mut PgConnection) -> Result<()> {
        let mut record = query(&store.sql().record_past).bind(self.day).bind(self.tenant);
        for values in self.columns {
            record = record.bind(values);
        }
        record.execute(connection).await.map_err(from_sqlx)?;
        Ok(())
    }
}

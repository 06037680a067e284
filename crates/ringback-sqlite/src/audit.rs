//! The log of who changed what: each change writes it in its own transaction; it is read newest first.

use ringback::{
    audit::Entry,
    store::{Audit, AuditFilter, AuditPosition, AuditRow, Page, Result},
    time::Timestamp,
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use crate::{
    Sqlite,
    read::{now, time},
};

/// Writes the record of a change, in the change's transaction.
pub(crate) async fn write(tx: &mut SqliteConnection, record: &Entry) -> sqlx::Result<()> {
    sqlx::query(sql!("audit/insert_record"))
        .bind(now())
        .bind(record.by.who.to_string())
        .bind(record.action.as_str())
        .bind(record.object.as_str())
        .bind(record.tenant.as_deref())
        .bind(record.by.request_id.as_deref())
        .bind(record.before.as_ref().map(ToString::to_string))
        .bind(record.after.as_ref().map(ToString::to_string))
        .execute(tx)
        .await?;
    Ok(())
}

/// Runs a statement that changes the one object with this id now, or none, and writes the record if it did.
pub(crate) async fn change(
    tx: &mut SqliteConnection,
    statement: &'static str,
    id: Uuid,
    record: Entry,
) -> sqlx::Result<bool> {
    let done = sqlx::query(statement).bind(id.as_bytes().as_slice()).bind(now()).execute(&mut *tx).await?;
    let changed = done.rows_affected() == 1;
    if changed {
        write(tx, &record).await?;
    }
    Ok(changed)
}

#[async_trait::async_trait]
impl Audit for Sqlite {
    async fn list_audit(
        &self,
        filter: &AuditFilter,
        before: Option<AuditPosition>,
        limit: u32,
    ) -> Result<Page<AuditRow, AuditPosition>> {
        let mut snapshot = self.snapshot().await?;
        list(&mut snapshot, filter, before, limit).await.map_err(|error| self.error(error))
    }
}

async fn list(
    connection: &mut SqliteConnection,
    filter: &AuditFilter,
    before: Option<AuditPosition>,
    limit: u32,
) -> sqlx::Result<Page<AuditRow, AuditPosition>> {
    let end = filter.at.until.map_or((i64::MAX, i64::MAX), |until| (until.micros(), i64::MIN));
    let (at, seq) = before.map_or(end, |before| end.min((before.at.micros(), before.seq)));
    let (all, of_tenant) = (sql!("audit/list_audit"), sql!("audit/list_audit_of_tenant"));
    let rows = sqlx::query(if filter.tenant.is_some() { of_tenant } else { all })
        .bind(at)
        .bind(seq)
        .bind(filter.at.since.map_or(i64::MIN, Timestamp::micros))
        .bind(limit)
        .bind(filter.who.as_deref())
        .bind(filter.action.as_deref())
        .bind(filter.object.as_deref())
        .bind(filter.tenant.as_deref())
        .fetch_all(connection)
        .await?;
    let items = rows.iter().map(read).collect::<sqlx::Result<Vec<_>>>()?;
    let next = items.last().filter(|_| items.len() == limit as usize).map(|last| last.position);
    Ok(Page { items, next })
}

fn read(row: &SqliteRow) -> sqlx::Result<AuditRow> {
    Ok(AuditRow {
        position: AuditPosition { at: time(row, "at")?, seq: row.try_get("seq")? },
        who: row.try_get("who")?,
        action: row.try_get("action")?,
        object: row.try_get("object")?,
        tenant: row.try_get("tenant")?,
        request_id: row.try_get("request_id")?,
        before: row.try_get("before")?,
        after: row.try_get("after")?,
    })
}

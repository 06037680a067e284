//! The log of who changed what: each change writes it in its own transaction; it is read newest first.

use ringback::{
    audit::Entry,
    store::{Audit, AuditFilter, AuditPosition, AuditRow, Page, Result},
    time::Timestamp,
};
use sqlx::{PgConnection, postgres::PgRow};

use crate::{Postgres, error::from_sqlx, rows, sql::query};

/// Writes the record of a change, in the change's transaction.
pub(crate) async fn write(store: &Postgres, connection: &mut PgConnection, record: &Entry) -> Result<()> {
    query(&store.sql().insert_record)
        .bind(record.by.who.to_string())
        .bind(record.action.as_str())
        .bind(&*record.object)
        .bind(record.tenant.as_deref())
        .bind(record.by.request_id.as_deref())
        .bind(record.before.as_ref().map(ToString::to_string))
        .bind(record.after.as_ref().map(ToString::to_string))
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
    Ok(())
}

#[async_trait::async_trait]
impl Audit for Postgres {
    async fn list_audit(
        &self,
        filter: &AuditFilter,
        before: Option<AuditPosition>,
        limit: u32,
    ) -> Result<Page<AuditRow, AuditPosition>> {
        let end = filter.at.until.map_or((i64::MAX, i64::MAX), |until| (until.micros(), i64::MIN));
        let (at, seq) = before.map_or(end, |before| end.min((before.at.micros(), before.seq)));
        let statement = if filter.tenant.is_some() { &self.sql().list_audit_of_tenant } else { &self.sql().list_audit };
        let mut list = query(statement)
            .bind(at)
            .bind(seq)
            .bind(filter.at.since.map_or(i64::MIN, Timestamp::micros))
            .bind(i64::from(limit))
            .bind(filter.who.as_deref())
            .bind(filter.action.as_deref())
            .bind(filter.object.as_deref());
        if let Some(tenant) = &filter.tenant {
            list = list.bind(&**tenant);
        }
        let rows = list.fetch_all(&mut *self.desk().await?).await.map_err(from_sqlx)?;
        let items = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        let next = items.last().filter(|_| items.len() == limit as usize).map(|last| last.position);
        Ok(Page { items, next })
    }
}

fn read(row: &PgRow) -> Result<AuditRow> {
    Ok(AuditRow {
        position: AuditPosition { at: rows::time(row, "at")?, seq: rows::get(row, "seq")? },
        who: rows::get(row, "who")?,
        action: rows::get(row, "action")?,
        object: rows::get(row, "object")?,
        tenant: rows::get(row, "tenant")?,
        request_id: rows::get(row, "request_id")?,
        before: rows::get(row, "before")?,
        after: rows::get(row, "after")?,
    })
}

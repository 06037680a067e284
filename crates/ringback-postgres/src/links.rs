//! Links that open pages without a login.

use ringback::{
    audit::Entry,
    id::LinkId,
    link::{Link, Opens},
    store::{Error, Links, Result},
};
use sqlx::{PgConnection, SqlStr, postgres::PgRow};

use crate::{Postgres, audit, error::from_sqlx, rows, sql::query};

#[async_trait::async_trait]
impl Links for Postgres {
    async fn create_link(&self, link: &Link, record: &Entry) -> Result<()> {
        let mut transaction = self.begin().await?;
        query(&self.sql().insert_link)
            .bind(link.id.uuid())
            .bind(link.opens.word())
            .bind(&link.tenant)
            .bind(link.opens.subject())
            .bind(&link.digest[..])
            .bind(link.created_at.micros())
            .bind(link.expires_at.micros())
            .execute(&mut *transaction)
            .await
            .map_err(from_sqlx)?;
        audit::write(self, &mut transaction, record).await?;
        transaction.commit().await.map_err(from_sqlx)
    }

    async fn link(&self, id: LinkId) -> Result<Option<Link>> {
        find(&mut *self.look().await?, &self.sql().find_link, id).await
    }

    async fn valid_link(&self, id: LinkId) -> Result<Option<Link>> {
        find(&mut *self.look().await?, &self.sql().find_valid_link, id).await
    }

    async fn open_link(&self, id: LinkId, record: &Entry) -> Result<bool> {
        change(self, &self.sql().open_link, id, record).await
    }

    async fn revoke_link(&self, id: LinkId, record: &Entry) -> Result<bool> {
        change(self, &self.sql().revoke_link, id, record).await
    }
}

/// Runs a statement that changes one link or none, and records it in the audit log if it did.
async fn change(store: &Postgres, statement: &SqlStr, id: LinkId, record: &Entry) -> Result<bool> {
    let mut transaction = store.begin().await?;
    let done = query(statement).bind(id.uuid()).execute(&mut *transaction).await.map_err(from_sqlx)?;
    let changed = done.rows_affected() == 1;
    if changed {
        audit::write(store, &mut transaction, record).await?;
    }
    transaction.commit().await.map_err(from_sqlx)?;
    Ok(changed)
}

async fn find(connection: &mut PgConnection, statement: &SqlStr, id: LinkId) -> Result<Option<Link>> {
    let row = query(statement).bind(id.uuid()).fetch_optional(connection).await.map_err(from_sqlx)?;
    row.as_ref().map(read).transpose()
}

fn read(row: &PgRow) -> Result<Link> {
    let digest: &[u8] = rows::get(row, "digest")?;
    let opens = Opens::read(rows::get(row, "opens")?, rows::get(row, "subject")?);
    Ok(Link {
        id: LinkId::from_uuid(rows::get(row, "id")?),
        opens: opens.ok_or_else(|| Error::corrupt("a link that opens nothing known"))?,
        tenant: rows::get(row, "tenant")?,
        digest: digest.try_into().map_err(Error::corrupt)?,
        created_at: rows::time(row, "created_at")?,
        expires_at: rows::time(row, "expires_at")?,
        opened_at: rows::time_or_none(row, "opened_at")?,
        revoked_at: rows::time_or_none(row, "revoked_at")?,
    })
}

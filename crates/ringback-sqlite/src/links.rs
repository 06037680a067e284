//! Links that open pages without a login.

use ringback::{
    audit::Entry,
    id::LinkId,
    link::{Link, Opens},
    store::{Links, Result},
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use crate::{
    Sqlite, audit,
    error::corrupt,
    read::{now, time, time_or_none, uuid, uuid_or_none},
};

#[async_trait::async_trait]
impl Links for Sqlite {
    async fn create_link(&self, link: &Link, record: &Entry) -> Result<()> {
        let (link, record) = (link.clone(), record.clone());
        self.apply(move |tx| Box::pin(create(tx, link, record))).await
    }

    async fn link(&self, id: LinkId) -> Result<Option<Link>> {
        self.find(sqlx::query(sql!("links/find_link")).bind(id.uuid().as_bytes().to_vec()), read).await
    }

    async fn valid_link(&self, id: LinkId) -> Result<Option<Link>> {
        let valid = sqlx::query(sql!("links/find_valid_link")).bind(id.uuid().as_bytes().to_vec()).bind(now());
        self.find(valid, read).await
    }

    async fn open_link(&self, id: LinkId, record: &Entry) -> Result<bool> {
        let record = record.clone();
        self.apply(move |tx| Box::pin(audit::change(tx, sql!("links/open_link"), id.uuid(), record))).await
    }

    async fn revoke_link(&self, id: LinkId, record: &Entry) -> Result<bool> {
        let record = record.clone();
        self.apply(move |tx| Box::pin(audit::change(tx, sql!("links/revoke_link"), id.uuid(), record))).await
    }
}

async fn create(tx: &mut SqliteConnection, link: Link, record: Entry) -> sqlx::Result<()> {
    sqlx::query(sql!("links/insert_link"))
        .bind(link.id.uuid().as_bytes().as_slice())
        .bind(link.opens.word())
        .bind(&link.tenant)
        .bind(link.opens.subject().map(|id| id.as_bytes().to_vec()))
        .bind(link.digest.as_slice())
        .bind(link.created_at.micros())
        .bind(link.expires_at.micros())
        .execute(&mut *tx)
        .await?;
    audit::write(tx, &record).await
}

fn read(row: &SqliteRow) -> sqlx::Result<Link> {
    let digest: &[u8] = row.try_get("digest")?;
    let opens = Opens::read(row.try_get("opens")?, uuid_or_none(row, "subject")?);
    Ok(Link {
        id: LinkId::from_uuid(uuid(row, "id")?),
        opens: opens.ok_or_else(|| corrupt("a link that opens nothing known"))?,
        tenant: row.try_get("tenant")?,
        digest: digest.try_into().map_err(corrupt)?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
        opened_at: time_or_none(row, "opened_at")?,
        revoked_at: time_or_none(row, "revoked_at")?,
    })
}

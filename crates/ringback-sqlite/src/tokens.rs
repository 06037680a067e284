//! Tokens in the database, in addition to the one in the configuration.

use std::time::Duration;

use ringback::{
    audit::Entry,
    id::TokenId,
    store::{Result, Tokens},
    time::Timestamp,
    token::Token,
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use crate::{
    Sqlite, audit,
    error::corrupt,
    read::{now, time, time_or_none, uuid},
};

/// How often a token's use is noted.
const NOTED_EVERY: Duration = Duration::from_secs(60);

#[async_trait::async_trait]
impl Tokens for Sqlite {
    async fn create_token(&self, token: &Token, record: &Entry) -> Result<()> {
        let (token, record) = (token.clone(), record.clone());
        self.apply(move |tx| Box::pin(create(tx, token, record))).await
    }

    async fn list_tokens(&self) -> Result<Vec<Token>> {
        let mut snapshot = self.snapshot().await?;
        let rows = sqlx::query(sql!("tokens/list_tokens"))
            .fetch_all(&mut *snapshot)
            .await
            .map_err(|error| self.error(error))?;
        rows.iter().map(read).collect::<sqlx::Result<_>>().map_err(|error| self.error(error))
    }

    async fn valid_token(&self, id: TokenId) -> Result<Option<Token>> {
        let valid = sqlx::query(sql!("tokens/find_valid_token")).bind(id.uuid().as_bytes().to_vec()).bind(now());
        self.find(valid, read).await
    }

    async fn revoke_token(&self, id: TokenId, record: &Entry) -> Result<Option<Token>> {
        let record = record.clone();
        self.apply(move |tx| Box::pin(revoke(tx, id, record))).await
    }

    async fn note_token_use(&self, id: TokenId) -> Result<()> {
        self.apply(move |tx| Box::pin(note_use(tx, id))).await
    }
}

async fn create(tx: &mut SqliteConnection, token: Token, record: Entry) -> sqlx::Result<()> {
    sqlx::query(sql!("tokens/insert_token"))
        .bind(token.id.uuid().as_bytes().as_slice())
        .bind(token.scope.name())
        .bind(token.tenant.as_deref())
        .bind(token.name.as_deref())
        .bind(token.digest.as_slice())
        .bind(token.created_at.micros())
        .bind(token.expires_at.map(Timestamp::micros))
        .execute(&mut *tx)
        .await?;
    audit::write(tx, &record).await
}

async fn revoke(tx: &mut SqliteConnection, id: TokenId, record: Entry) -> sqlx::Result<Option<Token>> {
    audit::change(tx, sql!("tokens/revoke_token"), id.uuid(), record).await?;
    let row = sqlx::query(sql!("tokens/find_token")).bind(id.uuid().as_bytes().as_slice()).fetch_optional(tx).await?;
    row.as_ref().map(read).transpose()
}

async fn note_use(tx: &mut SqliteConnection, id: TokenId) -> sqlx::Result<()> {
    let now = Timestamp::from_micros(now());
    sqlx::query(sql!("tokens/note_token_use"))
        .bind(id.uuid().as_bytes().as_slice())
        .bind(now.micros())
        .bind((now - NOTED_EVERY).micros())
        .execute(tx)
        .await?;
    Ok(())
}

fn read(row: &SqliteRow) -> sqlx::Result<Token> {
    let digest: &[u8] = row.try_get("digest")?;
    Ok(Token {
        id: TokenId::from_uuid(uuid(row, "id")?),
        scope: row.try_get::<&str, _>("scope")?.parse().map_err(corrupt)?,
        tenant: row.try_get("tenant")?,
        name: row.try_get("name")?,
        digest: digest.try_into().map_err(corrupt)?,
        created_at: time(row, "created_at")?,
        expires_at: time_or_none(row, "expires_at")?,
        last_used_at: time_or_none(row, "last_used_at")?,
        revoked_at: time_or_none(row, "revoked_at")?,
    })
}

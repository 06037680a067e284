//! Tokens in the database, in addition to the one in the configuration.

use std::time::Duration;

use ringback::{
    audit::Entry,
    id::TokenId,
    store::{Error, Result, Tokens},
    token::Token,
};
use sqlx::{PgConnection, SqlStr, postgres::PgRow};

use crate::{Postgres, audit, error::from_sqlx, rows, sql::query};

/// How often a token's use is noted.
const NOTED_EVERY: Duration = Duration::from_secs(60);

#[async_trait::async_trait]
impl Tokens for Postgres {
    async fn create_token(&self, token: &Token, record: &Entry) -> Result<()> {
        let mut transaction = self.begin().await?;
        query(&self.sql().insert_token)
            .bind(token.id.uuid())
            .bind(token.scope.name())
            .bind(token.tenant.as_deref())
            .bind(token.name.as_deref())
            .bind(&token.digest[..])
            .bind(token.created_at.micros())
            .bind(token.expires_at.map(|at| at.micros()))
            .execute(&mut *transaction)
            .await
            .map_err(from_sqlx)?;
        audit::write(self, &mut transaction, record).await?;
        transaction.commit().await.map_err(from_sqlx)
    }

    async fn list_tokens(&self) -> Result<Vec<Token>> {
        let rows = query(&self.sql().list_tokens).fetch_all(&mut *self.desk().await?).await.map_err(from_sqlx)?;
        rows.iter().map(read).collect()
    }

    async fn valid_token(&self, id: TokenId) -> Result<Option<Token>> {
        find(&mut *self.look().await?, &self.sql().find_valid_token, id).await
    }

    async fn revoke_token(&self, id: TokenId, record: &Entry) -> Result<Option<Token>> {
        let mut transaction = self.begin().await?;
        let done =
            query(&self.sql().revoke_token).bind(id.uuid()).execute(&mut *transaction).await.map_err(from_sqlx)?;
        if done.rows_affected() == 1 {
            audit::write(self, &mut transaction, record).await?;
        }
        let token = find(&mut transaction, &self.sql().find_token, id).await?;
        transaction.commit().await.map_err(from_sqlx)?;
        Ok(token)
    }

    async fn note_token_use(&self, id: TokenId) -> Result<()> {
        query(&self.sql().note_token_use)
            .bind(id.uuid())
            .bind(rows::micros(NOTED_EVERY))
            .execute(&mut *self.look().await?)
            .await
            .map_err(from_sqlx)?;
        Ok(())
    }
}

async fn find(connection: &mut PgConnection, statement: &SqlStr, id: TokenId) -> Result<Option<Token>> {
    let row = query(statement).bind(id.uuid()).fetch_optional(connection).await.map_err(from_sqlx)?;
    row.as_ref().map(read).transpose()
}

fn read(row: &PgRow) -> Result<Token> {
    let digest: &[u8] = rows::get(row, "digest")?;
    Ok(Token {
        id: TokenId::from_uuid(rows::get(row, "id")?),
        scope: rows::get::<&str, _>(row, "scope")?.parse().map_err(Error::corrupt)?,
        tenant: rows::get(row, "tenant")?,
        name: rows::get(row, "name")?,
        digest: digest.try_into().map_err(Error::corrupt)?,
        created_at: rows::time(row, "created_at")?,
        expires_at: rows::time_or_none(row, "expires_at")?,
        last_used_at: rows::time_or_none(row, "last_used_at")?,
        revoked_at: rows::time_or_none(row, "revoked_at")?,
    })
}

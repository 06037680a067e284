//! Sessions of the dashboard that were ended before their time.

use ringback::{
    id::SessionId,
    store::{Result, Sessions},
    time::Timestamp,
};

use crate::{Postgres, error::from_sqlx, rows, sql::query};

#[async_trait::async_trait]
impl Sessions for Postgres {
    async fn end_session(&self, id: SessionId, until: Timestamp) -> Result<()> {
        query(&self.sql().end_session)
            .bind(id.uuid())
            .bind(until.micros())
            .execute(&mut *self.desk().await?)
            .await
            .map_err(from_sqlx)?;
        Ok(())
    }

    async fn is_session_ended(&self, id: SessionId) -> Result<bool> {
        let row = query(&self.sql().find_ended_session).bind(id.uuid()).fetch_one(&mut *self.look().await?).await;
        rows::get(&row.map_err(from_sqlx)?, "ended")
    }
}

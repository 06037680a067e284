//! Sessions of the dashboard that were ended before their time.

use std::time::Duration;

use ringback::{
    id::SessionId,
    store::{Result, Sessions},
    time::Timestamp,
};
use sqlx::{Row as _, SqliteConnection};

use crate::{Sqlite, read::now};

/// How long after its time an ended session is forgotten: clocks of processes that share the file may differ.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

#[async_trait::async_trait]
impl Sessions for Sqlite {
    async fn end_session(&self, id: SessionId, until: Timestamp) -> Result<()> {
        self.apply(move |tx| Box::pin(end(tx, id, until))).await
    }

    async fn is_session_ended(&self, id: SessionId) -> Result<bool> {
        let mut snapshot = self.snapshot().await?;
        let row = sqlx::query(sql!("sessions/find_ended_session"))
            .bind(id.uuid().as_bytes().as_slice())
            .fetch_one(&mut *snapshot)
            .await;
        row.and_then(|row| row.try_get("ended")).map_err(|error| self.error(error))
    }
}

async fn end(tx: &mut SqliteConnection, id: SessionId, until: Timestamp) -> sqlx::Result<()> {
    let over = Timestamp::from_micros(now()) - KEPT;
    sqlx::query(sql!("sessions/forget_ended_sessions")).bind(over.micros()).execute(&mut *tx).await?;
    sqlx::query(sql!("sessions/end_session"))
        .bind(id.uuid().as_bytes().as_slice())
        .bind(until.micros())
        .execute(tx)
        .await?;
    Ok(())
}

//! Whether the database answers, and takes writes.

use std::time::Instant;

use ringback::store::{Liveness, Result};

use crate::{Postgres, error::from_sqlx, sql::query};

#[async_trait::async_trait]
impl Liveness for Postgres {
    fn distrust(&self, asked: Instant) {
        self.replace_connections(asked);
    }

    async fn probe(&self) -> Result<()> {
        query(&self.sql().probe).execute(&mut *self.look().await?).await.map_err(from_sqlx)?;
        Ok(())
    }
}

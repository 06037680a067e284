//! Whether the file takes writes.

use std::time::Instant;

use ringback::store::{Liveness, Result};

use crate::{Sqlite, read::now};

#[async_trait::async_trait]
impl Liveness for Sqlite {
    /// Does nothing: a connection to a file cannot be dead.
    fn distrust(&self, _: Instant) {}

    async fn probe(&self) -> Result<()> {
        self.apply(|tx| {
            Box::pin(async move {
                sqlx::query(sql!("liveness/probe")).bind(now().to_string().into_bytes()).execute(tx).await?;
                Ok(())
            })
        })
        .await
    }
}

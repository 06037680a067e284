//! Keeping house: what keeps the tables small and every statement's cost flat.
//!
//! Every step is bounded and can be called again at any time. Steps that need a table for themselves wait for it
//! only [`partitions::LOCK_TIMEOUT`] and are left for the next call otherwise: whoever emits must not queue.

mod partitions;
mod retire;
mod split;
mod sweep;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ringback::store::{Kept, Result, Upkeep};

use crate::{Postgres, error::from_sqlx, rows, sql::query};

/// Most deliveries that one call expires.
const EXPIRED_MAX: i64 = 2_000;

#[async_trait::async_trait]
impl Upkeep for Postgres {
    async fn expire_held(&self, expires_after: Duration) -> Result<u64> {
        let row = query(&self.sql().expire_held)
            .bind(rows::micros(expires_after))
            .bind(EXPIRED_MAX)
            .fetch_one(&mut *self.desk().await?)
            .await
            .map_err(from_sqlx)?;
        Ok(u64::try_from(rows::get::<i64, _>(&row, 0)?).unwrap_or(0))
    }

    async fn keep_house(&self, kept: &Kept) -> Result<bool> {
        let mut more = split::ahead(self, kept).await?;
        more |= sweep::stragglers(self).await?;
        more |= sweep::forgotten(self, kept).await?;
        more |= sweep::dead_letters(self, kept).await?;
        more |= sweep::payloads(self, kept).await?;
        more |= sweep::kept(self, kept).await?;
        more |= retire::oldest(self, kept).await?;
        Ok(more)
    }
}

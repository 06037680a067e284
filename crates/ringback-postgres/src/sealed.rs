//! Reading and replacing sealed values, row by row.

use ringback::{
    audit::Entry,
    id::{EndpointId, EventId},
    store::{OnceName, Resealed, Result, Sealed, SealedDestinations},
};
use sqlx::{AssertSqlSafe, Executor as _};
use uuid::Uuid;

use crate::{Postgres, audit, error::from_sqlx, rows, sql::query};

#[async_trait::async_trait]
impl Sealed for Postgres {
    async fn sealed_endpoints(&self, after: Option<EndpointId>, limit: u32) -> Result<Vec<(EndpointId, Vec<u8>)>> {
        let rows = query(&self.sql().find_sealed_endpoints)
            .bind(after.map_or(Uuid::nil(), |id| id.uuid()))
            .bind(i64::from(limit))
            .fetch_all(&mut *self.desk().await?)
            .await
            .map_err(from_sqlx)?;
        rows.iter()
            .map(|row| Ok((EndpointId::from_uuid(rows::get(row, "id")?), rows::get(row, "credentials")?)))
            .collect()
    }

    async fn reseal_endpoints(&self, rows: &[Resealed<EndpointId, Vec<u8>>]) -> Result<u64> {
        let ids: Vec<_> = rows.iter().map(|row| row.id.uuid()).collect();
        let (before, after): (Vec<_>, Vec<_>) = rows.iter().map(|row| (&*row.before, &*row.after)).unzip();
        let done = query(&self.sql().reseal_endpoints)
            .bind(ids)
            .bind(before)
            .bind(after)
            .execute(&mut *self.desk().await?)
            .await
            .map_err(from_sqlx)?;
        Ok(done.rows_affected())
    }

    async fn sealed_destinations(&self, after: Option<EventId>, limit: u32) -> Result<SealedDestinations> {
        let rows = query(&self.sql().find_sealed_destinations)
            .bind(after.map_or(Uuid::nil(), |id| id.uuid()))
            .bind(i64::from(limit))
            .fetch_all(&mut *self.desk().await?)
            .await
            .map_err(from_sqlx)?;
        let mut found = SealedDestinations::default();
        for row in &rows {
            let id = EventId::from_uuid(rows::get(row, "id")?);
            match rows::get(row, "destination")? {
                Some(destination) => found.items.push((id, destination)),
                None => found.last = Some(id),
            }
        }
        Ok(found)
    }

    async fn reseal_destinations(&self, rows: &[Resealed<EventId, String>]) -> Result<u64> {
        let ids: Vec<_> = rows.iter().map(|row| row.id.uuid()).collect();
        let (before, after): (Vec<_>, Vec<_>) = rows.iter().map(|row| (&*row.before, &*row.after)).unzip();
        let mut transaction = self.begin().await?;
        // Waits for a copy to `moving_event` that is under way: it has read the old text and would bring it back later.
        // The locks are taken in the same order as by `retire::swap`, so that the two cannot deadlock.
        let schema = self.schema();
        let locks =
            format!("LOCK TABLE {schema}.event IN ROW EXCLUSIVE MODE; LOCK TABLE {schema}.moving_event IN SHARE MODE");
        transaction.execute(AssertSqlSafe(locks)).await.map_err(from_sqlx)?;
        let mut replaced = 0;
        for statement in [&self.sql().reseal_destinations, &self.sql().reseal_moving_destinations] {
            let done = query(statement).bind(&ids).bind(&before).bind(&after).execute(&mut *transaction).await;
            replaced += done.map_err(from_sqlx)?.rows_affected();
        }
        transaction.commit().await.map_err(from_sqlx)?;
        Ok(replaced)
    }

    async fn sealed_requests(&self, after: Option<&OnceName>, limit: u32) -> Result<Vec<(OnceName, Vec<u8>)>> {
        // No key is empty, so four empty texts come before every name.
        let OnceName { binding, tenant, route, key } = after.cloned().unwrap_or_default();
        let rows = query(&self.sql().find_sealed_requests)
            .bind(binding)
            .bind(tenant)
            .bind(route)
            .bind(key)
            .bind(i64::from(limit))
            .fetch_all(&mut *self.desk().await?)
            .await
            .map_err(from_sqlx)?;
        let name = |row| -> Result<OnceName> {
            Ok(OnceName {
                binding: rows::get(row, "binding")?,
                tenant: rows::get(row, "tenant")?,
                route: rows::get(row, "route")?,
                key: rows::get(row, "key")?,
            })
        };
        rows.iter().map(|row| Ok((name(row)?, rows::get(row, "content")?))).collect()
    }

    async fn reseal_requests(&self, rows: &[Resealed<OnceName, Vec<u8>>]) -> Result<u64> {
        let column = |of: fn(&OnceName) -> &str| rows.iter().map(|row| of(&row.id)).collect::<Vec<_>>();
        let (before, after): (Vec<_>, Vec<_>) = rows.iter().map(|row| (&*row.before, &*row.after)).unzip();
        let done = query(&self.sql().reseal_requests)
            .bind(column(|name| &name.binding))
            .bind(column(|name| &name.tenant))
            .bind(column(|name| &name.route))
            .bind(column(|name| &name.key))
            .bind(before)
            .bind(after)
            .execute(&mut *self.desk().await?)
            .await
            .map_err(from_sqlx)?;
        Ok(done.rows_affected())
    }

    async fn replace_setting(&self, name: &str, before: &[u8], after: &[u8], record: Option<&Entry>) -> Result<bool> {
        let mut transaction = self.begin().await?;
        let done =
            query(&self.sql().replace_setting).bind(name).bind(before).bind(after).execute(&mut *transaction).await;
        if done.map_err(from_sqlx)?.rows_affected() == 0 {
            return Ok(false);
        }
        if let Some(record) = record {
            audit::write(self, &mut transaction, record).await?;
        }
        transaction.commit().await.map_err(from_sqlx)?;
        Ok(true)
    }
}

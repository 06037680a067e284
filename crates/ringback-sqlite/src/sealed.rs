//! Reading and replacing sealed values, row by row.

use ringback::{
    audit::Entry,
    id::{EndpointId, EventId},
    store::{OnceName, Resealed, Result, Sealed, SealedDestinations},
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use crate::{
    Sqlite, audit,
    read::{owned_or_none, uuid},
};

#[async_trait::async_trait]
impl Sealed for Sqlite {
    async fn sealed_endpoints(&self, after: Option<EndpointId>, limit: u32) -> Result<Vec<(EndpointId, Vec<u8>)>> {
        let after = after.map_or(Uuid::nil(), |id| id.uuid());
        let rows = sqlx::query(sql!("sealed/find_sealed_endpoints"))
            .bind(after.as_bytes().as_slice())
            .bind(limit)
            .fetch_all(&mut *self.snapshot().await?)
            .await
            .map_err(|error| self.error(error))?;
        let read = |row: &SqliteRow| Ok((EndpointId::from_uuid(uuid(row, "id")?), row.try_get("credentials")?));
        rows.iter().map(read).collect::<sqlx::Result<_>>().map_err(|error| self.error(error))
    }

    async fn reseal_endpoints(&self, rows: &[Resealed<EndpointId, Vec<u8>>]) -> Result<u64> {
        let rows = rows.to_vec();
        self.apply(move |tx| Box::pin(reseal_endpoints(tx, rows))).await
    }

    async fn sealed_destinations(&self, after: Option<EventId>, limit: u32) -> Result<SealedDestinations> {
        let after = after.map_or(Uuid::nil(), |id| id.uuid());
        let rows = sqlx::query(sql!("sealed/find_sealed_destinations"))
            .bind(after.as_bytes().as_slice())
            .bind(limit)
            .fetch_all(&mut *self.snapshot().await?)
            .await
            .map_err(|error| self.error(error))?;
        found(&rows).map_err(|error| self.error(error))
    }

    async fn reseal_destinations(&self, rows: &[Resealed<EventId, String>]) -> Result<u64> {
        let rows = rows.to_vec();
        self.apply(move |tx| Box::pin(reseal_destinations(tx, rows))).await
    }

    async fn sealed_requests(&self, after: Option<&OnceName>, limit: u32) -> Result<Vec<(OnceName, Vec<u8>)>> {
        // No key is empty, so four empty texts come before every name.
        let OnceName { binding, tenant, route, key } = after.cloned().unwrap_or_default();
        let rows = sqlx::query(sql!("sealed/find_sealed_requests"))
            .bind(binding)
            .bind(tenant)
            .bind(route)
            .bind(key)
            .bind(limit)
            .fetch_all(&mut *self.snapshot().await?)
            .await
            .map_err(|error| self.error(error))?;
        rows.iter().map(request).collect::<sqlx::Result<_>>().map_err(|error| self.error(error))
    }

    async fn reseal_requests(&self, rows: &[Resealed<OnceName, Vec<u8>>]) -> Result<u64> {
        let rows = rows.to_vec();
        self.apply(move |tx| Box::pin(reseal_requests(tx, rows))).await
    }

    async fn replace_setting(&self, name: &str, before: &[u8], after: &[u8], record: Option<&Entry>) -> Result<bool> {
        let (name, before, after) = (name.to_owned(), before.to_owned(), after.to_owned());
        let record = record.cloned();
        self.apply(move |tx| Box::pin(replace_setting(tx, name, before, after, record))).await
    }
}

fn found(rows: &[SqliteRow]) -> sqlx::Result<SealedDestinations> {
    let mut found = SealedDestinations::default();
    for row in rows {
        match owned_or_none(row, "destination")? {
            Some(destination) => found.items.push((EventId::from_uuid(uuid(row, "id")?), destination)),
            // The largest id of no rows is NULL.
            None if row.try_get::<Option<&[u8]>, _>("id")?.is_none() => {}
            None => found.last = Some(EventId::from_uuid(uuid(row, "id")?)),
        }
    }
    Ok(found)
}

fn request(row: &SqliteRow) -> sqlx::Result<(OnceName, Vec<u8>)> {
    let name = OnceName {
        binding: row.try_get("binding")?,
        tenant: row.try_get("tenant")?,
        route: row.try_get("route")?,
        key: row.try_get("key")?,
    };
    Ok((name, row.try_get("content")?))
}

async fn reseal_endpoints(tx: &mut SqliteConnection, rows: Vec<Resealed<EndpointId, Vec<u8>>>) -> sqlx::Result<u64> {
    let mut replaced = 0;
    for Resealed { id, before, after } in rows {
        let id = id.uuid();
        let statement =
            sqlx::query(sql!("sealed/reseal_endpoints")).bind(id.as_bytes().as_slice()).bind(before).bind(after);
        replaced += statement.execute(&mut *tx).await?.rows_affected();
    }
    Ok(replaced)
}

async fn reseal_destinations(tx: &mut SqliteConnection, rows: Vec<Resealed<EventId, String>>) -> sqlx::Result<u64> {
    let mut replaced = 0;
    for Resealed { id, before, after } in rows {
        let id = id.uuid();
        let statement =
            sqlx::query(sql!("sealed/reseal_destinations")).bind(id.as_bytes().as_slice()).bind(before).bind(after);
        replaced += statement.execute(&mut *tx).await?.rows_affected();
    }
    Ok(replaced)
}

async fn reseal_requests(tx: &mut SqliteConnection, rows: Vec<Resealed<OnceName, Vec<u8>>>) -> sqlx::Result<u64> {
    let mut replaced = 0;
    for Resealed { id: OnceName { binding, tenant, route, key }, before, after } in rows {
        let statement = sqlx::query(sql!("sealed/reseal_requests")).bind(binding).bind(tenant).bind(route).bind(key);
        replaced += statement.bind(before).bind(after).execute(&mut *tx).await?.rows_affected();
    }
    Ok(replaced)
}

async fn replace_setting(
    tx: &mut SqliteConnection,
    name: String,
    before: Vec<u8>,
    after: Vec<u8>,
    record: Option<Entry>,
) -> sqlx::Result<bool> {
    let statement = sqlx::query(sql!("sealed/replace_setting")).bind(name).bind(before).bind(after);
    let is_replaced = statement.execute(&mut *tx).await?.rows_affected() > 0;
    if let Some(record) = record.filter(|_| is_replaced) {
        audit::write(tx, &record).await?;
    }
    Ok(is_replaced)
}

//! Endpoints, their versions, and the log of changes.

use ringback::{
    audit::Record,
    delivery::LaneId,
    id::{DeliveryId, EndpointId, EventId},
    store::{Change, Changes, Configuration, EndpointAsOf, EndpointFilter, Result, StoredEndpoint, Updated},
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use crate::{
    Sqlite, audit,
    batch::{Hex, json},
    error::{corrupt, store_error},
    read::{now, texts, time, time_or_none, uuid},
};

/// Changes that one read gives back at most.
const CHANGES_MAX: u32 = 1000;

#[async_trait::async_trait]
impl Configuration for Sqlite {
    async fn changes_since(&self, version: i64) -> Result<Changes> {
        let mut snapshot = self.snapshot().await?;
        changes_since(&mut snapshot, version).await.map_err(store_error)
    }

    async fn load_endpoints(&self, filter: &EndpointFilter) -> Result<Vec<StoredEndpoint>> {
        let mut snapshot = self.snapshot().await?;
        load_endpoints(&mut snapshot, filter).await.map_err(store_error)
    }

    async fn endpoint_by_key(&self, tenant: &str, key: &str) -> Result<Option<StoredEndpoint>> {
        let mut snapshot = self.snapshot().await?;
        endpoint_by_key(&mut snapshot, tenant, key).await.map_err(store_error)
    }

    async fn create_endpoint(&self, endpoint: &StoredEndpoint, tenant_max: u32, record: &Record) -> Result<Updated> {
        let (endpoint, record) = (endpoint.clone(), record.clone());
        self.apply(move |tx| Box::pin(create_endpoint(tx, endpoint, tenant_max, record))).await
    }

    async fn update_endpoint(&self, endpoint: &StoredEndpoint, record: &Record) -> Result<Updated> {
        let (endpoint, record) = (endpoint.clone(), record.clone());
        self.apply(move |tx| Box::pin(update_endpoint(tx, endpoint, record))).await
    }

    async fn delete_endpoint(&self, id: EndpointId, version: Option<i64>, record: &Record) -> Result<Updated> {
        let record = record.clone();
        self.apply(move |tx| Box::pin(delete_endpoint(tx, id, version, record))).await
    }

    async fn endpoints_as_of(&self, tenant: &str, version: i64, limit: u32) -> Result<Vec<EndpointAsOf>> {
        let mut snapshot = self.snapshot().await?;
        endpoints_as_of(&mut snapshot, tenant, version, limit).await.map_err(store_error)
    }

    async fn keep_setting(&self, name: &str, value: &[u8]) -> Result<Vec<u8>> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.apply(move |tx| Box::pin(keep_setting(tx, name, value))).await
    }
}

/// Raises the configuration's version and notes why; the new version.
pub(crate) async fn change(tx: &mut SqliteConnection, change: &Change) -> sqlx::Result<i64> {
    let (kind, subject) = match change {
        Change::Endpoint(id) => (1, id.uuid()),
        Change::EventExpunged(id) => (2, id.uuid()),
        Change::DeliveryReleased(id) => (3, id.uuid()),
    };
    let version: i64 = sqlx::query_scalar(sql!("raise_version")).fetch_one(&mut *tx).await?;
    sqlx::query(sql!("record_change"))
        .bind(version)
        .bind(now())
        .bind(subject.as_bytes().as_slice())
        .bind(kind)
        .execute(tx)
        .await?;
    Ok(version)
}

/// Makes the endpoint's row, as it is now, that of this version, and keeps what routing sees of it.
pub(crate) async fn keep_version(tx: &mut SqliteConnection, id: EndpointId, version: i64) -> sqlx::Result<()> {
    let id = id.uuid();
    sqlx::query(sql!("set_endpoint_version")).bind(id.as_bytes().as_slice()).bind(version).execute(&mut *tx).await?;
    sqlx::query(sql!("record_endpoint_version")).bind(id.as_bytes().as_slice()).execute(tx).await?;
    Ok(())
}

async fn changes_since(connection: &mut SqliteConnection, version: i64) -> sqlx::Result<Changes> {
    let config = sqlx::query(sql!("read_config")).fetch_one(&mut *connection).await?;
    let (current, forgotten): (i64, i64) = (config.try_get("version")?, config.try_get("forgotten")?);
    if version >= current || version < forgotten {
        return Ok(Changes { version: current, items: Vec::new(), truncated: version < forgotten });
    }
    let rows = sqlx::query(sql!("read_changes")).bind(version).bind(CHANGES_MAX).fetch_all(connection).await?;
    let items = rows.iter().map(read_change).collect::<sqlx::Result<Vec<_>>>()?;
    let version = rows.last().map(|row| row.try_get("version")).transpose()?.unwrap_or(current);
    Ok(Changes { version, items, truncated: false })
}

fn read_change(row: &SqliteRow) -> sqlx::Result<Change> {
    let subject = uuid(row, "subject")?;
    match row.try_get("kind")? {
        1 => Ok(Change::Endpoint(EndpointId::from_uuid(subject))),
        2 => Ok(Change::EventExpunged(EventId::from_uuid(subject))),
        3 => Ok(Change::DeliveryReleased(DeliveryId::from_uuid(subject))),
        kind => Err(corrupt(format!("kind {kind} of a change"))),
    }
}

async fn load_endpoints(
    connection: &mut SqliteConnection,
    filter: &EndpointFilter,
) -> sqlx::Result<Vec<StoredEndpoint>> {
    let rows = match filter {
        EndpointFilter::Live => sqlx::query(sql!("load_live_endpoints")).fetch_all(connection).await?,
        EndpointFilter::Ids(ids) => {
            let ids: Vec<_> = ids.iter().map(|id| Hex(id.uuid())).collect();
            sqlx::query(sql!("load_endpoints")).bind(json(&ids)?).fetch_all(connection).await?
        }
        EndpointFilter::Page { tenant, before, limit } => {
            let before = before.map_or([0xff; 16], |id| id.uuid().into_bytes());
            let (all, of_tenant) = (sql!("list_endpoints"), sql!("list_endpoints_of_tenant"));
            sqlx::query(if tenant.is_some() { of_tenant } else { all })
                .bind(before.as_slice())
                .bind(limit)
                .bind(tenant.as_deref())
                .fetch_all(connection)
                .await?
        }
    };
    rows.iter().map(read_endpoint).collect()
}

fn read_endpoint(row: &SqliteRow) -> sqlx::Result<StoredEndpoint> {
    Ok(StoredEndpoint {
        id: EndpointId::from_uuid(uuid(row, "id")?),
        tenant: row.try_get("tenant")?,
        key: row.try_get("key")?,
        event_types: texts(row.try_get("event_types")?)?,
        enabled: row.try_get("enabled")?,
        disabled_reason: row.try_get("disabled_reason")?,
        paused: row.try_get("paused")?,
        spec: row.try_get("spec")?,
        credentials: row.try_get("credentials")?,
        version: row.try_get("version")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
        deleted_at: time_or_none(row, "deleted_at")?,
    })
}

async fn endpoint_by_key(
    connection: &mut SqliteConnection,
    tenant: &str,
    key: &str,
) -> sqlx::Result<Option<StoredEndpoint>> {
    let row = sqlx::query(sql!("find_endpoint")).bind(tenant).bind(key).fetch_optional(connection).await?;
    row.as_ref().map(read_endpoint).transpose()
}

/// The endpoint if there is one that is not deleted.
async fn live(tx: &mut SqliteConnection, id: EndpointId) -> sqlx::Result<Option<StoredEndpoint>> {
    let found = load_endpoints(tx, &EndpointFilter::Ids(vec![id])).await?;
    Ok(found.into_iter().find(|endpoint| endpoint.deleted_at.is_none()))
}

async fn key_is_taken(tx: &mut SqliteConnection, endpoint: &StoredEndpoint) -> sqlx::Result<bool> {
    let Some(key) = &endpoint.key else { return Ok(false) };
    Ok(endpoint_by_key(tx, &endpoint.tenant, key).await?.is_some_and(|holder| holder.id != endpoint.id))
}

async fn create_endpoint(
    tx: &mut SqliteConnection,
    mut endpoint: StoredEndpoint,
    tenant_max: u32,
    record: Record,
) -> sqlx::Result<Updated> {
    if key_is_taken(tx, &endpoint).await? {
        return Ok(Updated::KeyTaken);
    }
    let live: i64 =
        sqlx::query_scalar(sql!("count_endpoints")).bind(endpoint.tenant.as_str()).fetch_one(&mut *tx).await?;
    if live >= i64::from(tenant_max) {
        return Ok(Updated::TooMany);
    }
    write_endpoint(tx, sql!("insert_endpoint"), &endpoint).await?;
    endpoint.version = changed(tx, endpoint.id).await?;
    endpoint.deleted_at = None;
    audit::write(tx, &record).await?;
    Ok(Updated::Done(Box::new(endpoint)))
}

async fn update_endpoint(
    tx: &mut SqliteConnection,
    mut endpoint: StoredEndpoint,
    record: Record,
) -> sqlx::Result<Updated> {
    let Some(before) = live(tx, endpoint.id).await? else { return Ok(Updated::Absent) };
    if before.version != endpoint.version {
        return Ok(Updated::VersionMismatch);
    }
    (endpoint.tenant, endpoint.created_at, endpoint.deleted_at) = (before.tenant, before.created_at, None);
    if key_is_taken(tx, &endpoint).await? {
        return Ok(Updated::KeyTaken);
    }
    write_endpoint(tx, sql!("update_endpoint"), &endpoint).await?;
    if endpoint.enabled && !before.enabled {
        refill(tx, endpoint.id).await?;
    }
    endpoint.version = changed(tx, endpoint.id).await?;
    audit::write(tx, &record).await?;
    Ok(Updated::Done(Box::new(endpoint)))
}

/// Everything pending is due now, with a fresh budget of tries.
async fn refill(tx: &mut SqliteConnection, id: EndpointId) -> sqlx::Result<()> {
    sqlx::query(sql!("refill_endpoint"))
        .bind(LaneId::of_endpoint(id).as_i64())
        .bind(id.uuid().as_bytes().as_slice())
        .bind(now())
        .execute(tx)
        .await?;
    Ok(())
}

async fn delete_endpoint(
    tx: &mut SqliteConnection,
    id: EndpointId,
    version: Option<i64>,
    record: Record,
) -> sqlx::Result<Updated> {
    let Some(mut endpoint) = live(tx, id).await? else { return Ok(Updated::Absent) };
    if version.is_some_and(|version| version != endpoint.version) {
        return Ok(Updated::VersionMismatch);
    }
    let (now, lane, uuid) = (now(), LaneId::of_endpoint(id).as_i64(), id.uuid());
    for statement in [sql!("cancel_endpoint"), sql!("delete_deliveries_of_endpoint")] {
        sqlx::query(statement).bind(lane).bind(uuid.as_bytes().as_slice()).bind(now).execute(&mut *tx).await?;
    }
    sqlx::query(sql!("delete_endpoint")).bind(uuid.as_bytes().as_slice()).bind(now).execute(&mut *tx).await?;
    endpoint.version = changed(tx, id).await?;
    endpoint.deleted_at = Some(ringback::time::Timestamp::from_micros(now));
    audit::write(tx, &record).await?;
    Ok(Updated::Done(Box::new(endpoint)))
}

async fn changed(tx: &mut SqliteConnection, id: EndpointId) -> sqlx::Result<i64> {
    let version = change(tx, &Change::Endpoint(id)).await?;
    keep_version(tx, id, version).await?;
    Ok(version)
}

async fn write_endpoint(
    tx: &mut SqliteConnection,
    statement: &'static str,
    endpoint: &StoredEndpoint,
) -> sqlx::Result<()> {
    sqlx::query(statement)
        .bind(endpoint.id.uuid().as_bytes().as_slice())
        .bind(LaneId::of_endpoint(endpoint.id).as_i64())
        .bind(endpoint.tenant.as_str())
        .bind(endpoint.key.as_deref())
        .bind(json(&endpoint.event_types)?)
        .bind(endpoint.enabled)
        .bind(endpoint.disabled_reason.as_deref())
        .bind(endpoint.paused)
        .bind(endpoint.spec.as_str())
        .bind(endpoint.credentials.as_slice())
        .bind(endpoint.created_at.micros())
        .bind(endpoint.updated_at.micros())
        .execute(tx)
        .await?;
    Ok(())
}

async fn endpoints_as_of(
    connection: &mut SqliteConnection,
    tenant: &str,
    version: i64,
    limit: u32,
) -> sqlx::Result<Vec<EndpointAsOf>> {
    let rows =
        sqlx::query(sql!("read_endpoints_as_of")).bind(tenant).bind(version).bind(limit).fetch_all(connection).await?;
    let read = |row: &SqliteRow| {
        Ok(EndpointAsOf {
            id: EndpointId::from_uuid(uuid(row, "endpoint_id")?),
            key: row.try_get("key")?,
            event_types: texts(row.try_get("event_types")?)?,
        })
    };
    rows.iter().map(read).collect()
}

async fn keep_setting(tx: &mut SqliteConnection, name: String, value: Vec<u8>) -> sqlx::Result<Vec<u8>> {
    sqlx::query(sql!("keep_setting")).bind(name.as_str()).bind(value).execute(&mut *tx).await?;
    sqlx::query_scalar(sql!("read_setting")).bind(name).fetch_one(tx).await
}

//! Endpoints: reading, creating, changing and deleting.

use ringback::{
    audit::Entry,
    delivery::LaneId,
    endpoint::StoredEndpoint,
    id::EndpointId,
    store::{
        Change, EndpointFilter, Error, Once, Result, Updated,
        rules::admission::{Admission, Facts, of_new_endpoint},
    },
};
use sqlx::{PgConnection, postgres::PgRow};
use uuid::Uuid;

use super::announce;
use crate::{Postgres, audit, error::from_sqlx, once, rows, sql::query};

pub(super) async fn load(store: &Postgres, filter: &EndpointFilter) -> Result<Vec<StoredEndpoint>> {
    let mut connection = store.look().await?;
    let sql = store.sql();
    let rows = match filter {
        EndpointFilter::Live => query(&sql.load_live_endpoints).fetch_all(&mut *connection).await,
        EndpointFilter::Ids(ids) => {
            let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
            query(&sql.load_endpoints).bind(ids).fetch_all(&mut *connection).await
        }
        EndpointFilter::Page { tenant, before, limit } => {
            query(&sql.list_endpoints)
                .bind(tenant.as_deref())
                .bind(before.map(|id| id.uuid()))
                .bind(i64::from(*limit))
                .fetch_all(&mut *connection)
                .await
        }
    };
    rows.map_err(from_sqlx)?.iter().map(read).collect()
}

pub(super) async fn create(
    store: &Postgres,
    endpoint: &StoredEndpoint,
    tenant_max: u32,
    once: Option<&Once>,
    record: &Entry,
) -> Result<Updated> {
    let mut transaction = store.begin().await?;
    if let Some(once) = once
        && let Some(before) = once::take(store, &mut transaction, once).await?
    {
        return Ok(Updated::Before(before));
    }
    let version = announce(store, &mut transaction, &[Change::Endpoint(endpoint.id)]).await?;
    let row = query(&store.sql().count_endpoints)
        .bind(&*endpoint.tenant)
        .fetch_one(&mut *transaction)
        .await
        .map_err(from_sqlx)?;
    let live = rows::get(&row, 0)?;
    let is_key_taken = is_key_taken(store, &mut transaction, endpoint).await?;
    match of_new_endpoint(Facts { is_key_taken, live, live_max: tenant_max }) {
        Admission::KeyTaken => return Ok(Updated::KeyTaken),
        Admission::TooMany => return Ok(Updated::TooMany),
        Admission::Admitted => {}
    }
    let event_types = to_json(&endpoint.event_types)?;
    query(&store.sql().insert_endpoint)
        .bind(endpoint.id.uuid())
        .bind(LaneId::of_endpoint(endpoint.id).as_i64())
        .bind(&*endpoint.tenant)
        .bind(endpoint.key.as_deref())
        .bind(&*event_types)
        .bind(endpoint.enabled)
        .bind(endpoint.disabled_reason.as_deref())
        .bind(endpoint.paused)
        .bind(&*endpoint.spec)
        .bind(&*endpoint.credentials)
        .bind(version)
        .bind(endpoint.created_at.micros())
        .bind(endpoint.updated_at.micros())
        .execute(&mut *transaction)
        .await
        .map_err(from_sqlx)?;
    let made = StoredEndpoint { version, deleted_at: None, ..endpoint.clone() };
    record_version(store, &mut transaction, &made).await?;
    audit::write(store, &mut transaction, record).await?;
    transaction.commit().await.map_err(from_sqlx)?;
    Ok(Updated::Done(Box::new(made)))
}

pub(super) async fn update(store: &Postgres, endpoint: &StoredEndpoint, record: &Entry) -> Result<Updated> {
    let mut transaction = store.begin().await?;
    let version = announce(store, &mut transaction, &[Change::Endpoint(endpoint.id)]).await?;
    let Some(old) = lock(store, &mut transaction, endpoint.id).await? else {
        return Ok(Updated::Absent);
    };
    if old.version != endpoint.version {
        return Ok(Updated::VersionMismatch);
    }
    let wanted = StoredEndpoint { tenant: old.tenant.clone(), ..endpoint.clone() };
    if is_key_taken(store, &mut transaction, &wanted).await? {
        return Ok(Updated::KeyTaken);
    }
    let event_types = to_json(&wanted.event_types)?;
    let row = query(&store.sql().update_endpoint)
        .bind(wanted.id.uuid())
        .bind(wanted.key.as_deref())
        .bind(&*event_types)
        .bind(wanted.enabled)
        .bind(wanted.disabled_reason.as_deref())
        .bind(wanted.paused)
        .bind(&*wanted.spec)
        .bind(&*wanted.credentials)
        .bind(version)
        .fetch_one(&mut *transaction)
        .await
        .map_err(from_sqlx)?;
    let now = read(&row)?;
    if old.key != now.key || old.event_types != now.event_types || old.filter() != now.filter() {
        record_version(store, &mut transaction, &now).await?;
    }
    if now.enabled && !old.enabled {
        refill(store, &mut transaction, now.id).await?;
    }
    audit::write(store, &mut transaction, record).await?;
    transaction.commit().await.map_err(from_sqlx)?;
    Ok(Updated::Done(Box::new(now)))
}

pub(super) async fn delete(store: &Postgres, id: EndpointId, version: Option<i64>, record: &Entry) -> Result<Updated> {
    let mut transaction = store.begin().await?;
    let raised = announce(store, &mut transaction, &[Change::Endpoint(id)]).await?;
    let Some(old) = lock(store, &mut transaction, id).await? else {
        return Ok(Updated::Absent);
    };
    if version.is_some_and(|version| version != old.version) {
        return Ok(Updated::VersionMismatch);
    }
    let row = query(&store.sql().delete_endpoint)
        .bind(id.uuid())
        .bind(raised)
        .fetch_one(&mut *transaction)
        .await
        .map_err(from_sqlx)?;
    let deleted = read(&row)?;
    record_version(store, &mut transaction, &deleted).await?;
    let cancelled = query(&store.sql().cancel_endpoint)
        .bind(LaneId::of_endpoint(id).as_i64())
        .bind(id.uuid())
        .execute(&mut *transaction)
        .await
        .map_err(from_sqlx)?
        .rows_affected();
    audit::write(store, &mut transaction, record).await?;
    transaction.commit().await.map_err(from_sqlx)?;
    Ok(Updated::Deleted(Box::new(deleted), cancelled))
}

/// Disables an endpoint that answered 410 at version `seen`, unless it has changed since, or is deleted.
pub(super) async fn disable(store: &Postgres, id: EndpointId, seen: i64, reason: &str, record: &Entry) -> Result<()> {
    let mut transaction = store.begin().await?;
    let version = announce(store, &mut transaction, &[Change::Endpoint(id)]).await?;
    let done = query(&store.sql().disable_endpoint)
        .bind(id.uuid())
        .bind(version)
        .bind(seen)
        .bind(reason)
        .execute(&mut *transaction)
        .await
        .map_err(from_sqlx)?;
    if done.rows_affected() == 1 {
        audit::write(store, &mut transaction, record).await?;
        transaction.commit().await.map_err(from_sqlx)?;
    }
    Ok(())
}

async fn lock(store: &Postgres, connection: &mut PgConnection, id: EndpointId) -> Result<Option<StoredEndpoint>> {
    let row = query(&store.sql().lock_endpoint).bind(id.uuid()).fetch_optional(connection).await.map_err(from_sqlx)?;
    row.as_ref().map(read).transpose()
}

async fn is_key_taken(store: &Postgres, connection: &mut PgConnection, endpoint: &StoredEndpoint) -> Result<bool> {
    let Some(key) = &endpoint.key else {
        return Ok(false);
    };
    let row = query(&store.sql().find_endpoint)
        .bind(&*endpoint.tenant)
        .bind(&**key)
        .fetch_optional(connection)
        .await
        .map_err(from_sqlx)?;
    Ok(match row {
        Some(row) => rows::get::<Uuid, _>(&row, "id")? != endpoint.id.uuid(),
        None => false,
    })
}

async fn record_version(store: &Postgres, connection: &mut PgConnection, endpoint: &StoredEndpoint) -> Result<()> {
    let event_types = to_json(&endpoint.event_types)?;
    query(&store.sql().record_endpoint_version)
        .bind(endpoint.id.uuid())
        .bind(endpoint.version)
        .bind(endpoint.deleted_at.is_some())
        .bind(&*endpoint.tenant)
        .bind(endpoint.key.as_deref())
        .bind(&*event_types)
        .bind(endpoint.filter())
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
    Ok(())
}

async fn refill(store: &Postgres, connection: &mut PgConnection, id: EndpointId) -> Result<()> {
    query(&store.sql().refill_endpoint)
        .bind(LaneId::of_endpoint(id).as_i64())
        .bind(id.uuid())
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
    Ok(())
}

pub(super) fn read(row: &PgRow) -> Result<StoredEndpoint> {
    Ok(StoredEndpoint {
        id: EndpointId::from_uuid(rows::get(row, "id")?),
        tenant: rows::get(row, "tenant")?,
        key: rows::get(row, "key")?,
        // A column that cannot be read counts as empty: one bad row must not make whole lists fail.
        event_types: event_types(row).unwrap_or_default(),
        enabled: rows::get(row, "enabled")?,
        disabled_reason: rows::get(row, "disabled_reason")?,
        paused: rows::get(row, "paused")?,
        spec: rows::get(row, "spec")?,
        credentials: rows::get(row, "credentials")?,
        version: rows::get(row, "version")?,
        created_at: rows::time(row, "created_at")?,
        updated_at: rows::time(row, "updated_at")?,
        deleted_at: rows::time_or_none(row, "deleted_at")?,
    })
}

pub(super) fn event_types(row: &PgRow) -> Result<Vec<String>> {
    serde_json::from_str(rows::get(row, "event_types")?).map_err(Error::corrupt)
}

fn to_json(event_types: &[String]) -> Result<String> {
    serde_json::to_string(event_types).map_err(|error| Error::Refused(Box::new(error)))
}

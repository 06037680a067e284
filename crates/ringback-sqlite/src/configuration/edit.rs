//! Changing endpoints: all conditions are checked in the transaction that makes the change.

use ringback::{
    audit::Entry,
    delivery::LaneId,
    endpoint::StoredEndpoint,
    id::EndpointId,
    store::{
        Change, EndpointFilter, Once, Updated,
        rules::admission::{Admission, Facts, of_new_endpoint},
    },
    time::Timestamp,
};
use sqlx::SqliteConnection;

use super::{change, load};
use crate::{audit, batch::json, once, read::now};

/// Sets the version of the endpoint's row, and stores the endpoint as routing sees it at this version.
async fn keep_version(tx: &mut SqliteConnection, id: EndpointId, version: i64) -> sqlx::Result<()> {
    let id = id.uuid();
    sqlx::query(sql!("configuration/set_endpoint_version"))
        .bind(id.as_bytes().as_slice())
        .bind(version)
        .execute(&mut *tx)
        .await?;
    sqlx::query(sql!("configuration/record_endpoint_version")).bind(id.as_bytes().as_slice()).execute(tx).await?;
    Ok(())
}

/// The endpoint if there is one that is not deleted.
async fn live(tx: &mut SqliteConnection, id: EndpointId) -> sqlx::Result<Option<StoredEndpoint>> {
    let found = load::matching(tx, &EndpointFilter::Ids(vec![id])).await?;
    Ok(found.into_iter().find(|endpoint| endpoint.deleted_at.is_none()))
}

async fn key_is_taken(tx: &mut SqliteConnection, endpoint: &StoredEndpoint) -> sqlx::Result<bool> {
    let Some(key) = &endpoint.key else { return Ok(false) };
    Ok(load::by_key(tx, &endpoint.tenant, key).await?.is_some_and(|holder| holder.id != endpoint.id))
}

/// Stores a new endpoint, if its key is free and the tenant may have another endpoint.
pub(super) async fn create(
    tx: &mut SqliteConnection,
    mut endpoint: StoredEndpoint,
    tenant_max: u32,
    once: Option<Once>,
    record: Entry,
) -> sqlx::Result<Updated> {
    if let Some(once) = &once
        && let Some(before) = once::find(tx, once).await?
    {
        return Ok(Updated::Before(before));
    }
    let is_key_taken = key_is_taken(tx, &endpoint).await?;
    let live = sqlx::query_scalar(sql!("configuration/count_endpoints"))
        .bind(endpoint.tenant.as_str())
        .fetch_one(&mut *tx)
        .await?;
    match of_new_endpoint(Facts { is_key_taken, live, live_max: tenant_max }) {
        Admission::KeyTaken => return Ok(Updated::KeyTaken),
        Admission::TooMany => return Ok(Updated::TooMany),
        Admission::Admitted => {}
    }
    if let Some(once) = &once {
        once::keep(tx, once).await?;
    }
    write_endpoint(tx, sql!("configuration/insert_endpoint"), &endpoint).await?;
    endpoint.version = changed(tx, endpoint.id).await?;
    endpoint.deleted_at = None;
    audit::write(tx, &record).await?;
    Ok(Updated::Done(Box::new(endpoint)))
}

/// Replaces an endpoint, if it still has the version that the caller saw.
pub(super) async fn update(
    tx: &mut SqliteConnection,
    mut endpoint: StoredEndpoint,
    record: Entry,
) -> sqlx::Result<Updated> {
    let Some(before) = live(tx, endpoint.id).await? else { return Ok(Updated::Absent) };
    if before.version != endpoint.version {
        return Ok(Updated::VersionMismatch);
    }
    (endpoint.tenant, endpoint.created_at, endpoint.deleted_at) = (before.tenant, before.created_at, None);
    endpoint.updated_at = Timestamp::from_micros(now());
    if key_is_taken(tx, &endpoint).await? {
        return Ok(Updated::KeyTaken);
    }
    write_endpoint(tx, sql!("configuration/update_endpoint"), &endpoint).await?;
    if endpoint.enabled && !before.enabled {
        refill(tx, endpoint.id).await?;
    }
    endpoint.version = changed(tx, endpoint.id).await?;
    audit::write(tx, &record).await?;
    Ok(Updated::Done(Box::new(endpoint)))
}

/// Makes all pending deliveries due now, with a new budget of attempts.
async fn refill(tx: &mut SqliteConnection, id: EndpointId) -> sqlx::Result<()> {
    sqlx::query(sql!("configuration/refill_endpoint"))
        .bind(LaneId::of_endpoint(id).as_i64())
        .bind(id.uuid().as_bytes().as_slice())
        .bind(now())
        .execute(tx)
        .await?;
    Ok(())
}

/// Disables an endpoint that answered 410, if it still has the version under which the request was made.
pub(super) async fn disable(
    tx: &mut SqliteConnection,
    id: EndpointId,
    seen: i64,
    reason: String,
    record: Entry,
) -> sqlx::Result<()> {
    let disabled = sqlx::query(sql!("configuration/disable_endpoint"))
        .bind(id.uuid().as_bytes().as_slice())
        .bind(now())
        .bind(seen)
        .bind(reason)
        .execute(&mut *tx)
        .await?
        .rows_affected();
    if disabled > 0 {
        changed(tx, id).await?;
        audit::write(tx, &record).await?;
    }
    Ok(())
}

/// Deletes an endpoint and cancels its pending deliveries.
pub(super) async fn delete(
    tx: &mut SqliteConnection,
    id: EndpointId,
    version: Option<i64>,
    record: Entry,
) -> sqlx::Result<Updated> {
    let Some(mut endpoint) = live(tx, id).await? else { return Ok(Updated::Absent) };
    if version.is_some_and(|version| version != endpoint.version) {
        return Ok(Updated::VersionMismatch);
    }
    let (now, lane, uuid) = (now(), LaneId::of_endpoint(id).as_i64(), id.uuid());
    let of_endpoint = |statement| sqlx::query(statement).bind(lane).bind(uuid.as_bytes().to_vec()).bind(now);
    let cancelled = of_endpoint(sql!("configuration/cancel_endpoint")).execute(&mut *tx).await?.rows_affected();
    of_endpoint(sql!("configuration/delete_deliveries_of_endpoint")).execute(&mut *tx).await?;
    sqlx::query(sql!("configuration/delete_endpoint"))
        .bind(uuid.as_bytes().as_slice())
        .bind(now)
        .execute(&mut *tx)
        .await?;
    endpoint.version = changed(tx, id).await?;
    endpoint.deleted_at = Some(Timestamp::from_micros(now));
    audit::write(tx, &record).await?;
    Ok(Updated::Deleted(Box::new(endpoint), cancelled))
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

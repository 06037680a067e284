//! Reading endpoints, as they are and as routing saw them.

use ringback::{
    endpoint::StoredEndpoint,
    id::EndpointId,
    store::{EndpointAsOf, EndpointFilter},
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use crate::{
    batch::{Hex, json},
    read::{texts, time, time_or_none, uuid},
};

/// The endpoints that a filter names, newest first.
pub(super) async fn matching(
    connection: &mut SqliteConnection,
    filter: &EndpointFilter,
) -> sqlx::Result<Vec<StoredEndpoint>> {
    let rows = match filter {
        EndpointFilter::Live => sqlx::query(sql!("configuration/load_live_endpoints")).fetch_all(connection).await?,
        EndpointFilter::Ids(ids) => {
            let ids: Vec<_> = ids.iter().map(|id| Hex(id.uuid())).collect();
            sqlx::query(sql!("configuration/load_endpoints")).bind(json(&ids)?).fetch_all(connection).await?
        }
        EndpointFilter::Page { tenant, before, limit } => {
            let before = before.map_or([0xff; 16], |id| id.uuid().into_bytes());
            let (all, of_tenant) =
                (sql!("configuration/list_endpoints"), sql!("configuration/list_endpoints", "AND tenant = ?3"));
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
        // A column that cannot be read counts as empty: one bad row must not make whole lists fail.
        event_types: row.try_get("event_types").and_then(texts).unwrap_or_default(),
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

/// The live endpoint with this key.
pub(super) async fn by_key(
    connection: &mut SqliteConnection,
    tenant: &str,
    key: &str,
) -> sqlx::Result<Option<StoredEndpoint>> {
    let row =
        sqlx::query(sql!("configuration/find_endpoint")).bind(tenant).bind(key).fetch_optional(connection).await?;
    row.as_ref().map(read_endpoint).transpose()
}

/// The tenant's endpoints at a version, by id.
pub(super) async fn as_of(
    connection: &mut SqliteConnection,
    tenant: &str,
    version: i64,
    limit: u32,
) -> sqlx::Result<Vec<EndpointAsOf>> {
    let rows = sqlx::query(sql!("configuration/read_endpoints_as_of"))
        .bind(tenant)
        .bind(version)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    let read = |row: &SqliteRow| {
        Ok(EndpointAsOf {
            id: EndpointId::from_uuid(uuid(row, "endpoint_id")?),
            key: row.try_get("key")?,
            event_types: texts(row.try_get("event_types")?)?,
            filter: row.try_get("filter")?,
        })
    };
    rows.iter().map(read).collect()
}

//! The log of changes that every node follows. Each change raises the configuration's version, so that none can be missed.

use ringback::{
    id::{DeliveryId, EndpointId, EventId},
    store::{Change, Changes},
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use crate::{
    error::corrupt,
    read::{now, uuid},
};

/// Most changes that one read returns.
const CHANGES_MAX: u32 = 1000;

/// Raises the configuration's version and logs the change; returns the new version.
pub(crate) async fn change(tx: &mut SqliteConnection, change: &Change) -> sqlx::Result<i64> {
    let (kind, subject) = match change {
        Change::Endpoint(id) => (1, id.uuid()),
        Change::EventExpunged(id) => (2, id.uuid()),
        Change::DeliveryReleased(id) => (3, id.uuid()),
    };
    let version: i64 = sqlx::query_scalar(sql!("configuration/raise_version")).fetch_one(&mut *tx).await?;
    sqlx::query(sql!("configuration/record_changes"))
        .bind(version)
        .bind(now())
        .bind(subject.as_bytes().as_slice())
        .bind(kind)
        .execute(tx)
        .await?;
    Ok(version)
}

/// The changes after a version.
pub(super) async fn since(connection: &mut SqliteConnection, version: i64) -> sqlx::Result<Changes> {
    let config = sqlx::query(sql!("configuration/read_config")).fetch_one(&mut *connection).await?;
    let (current, forgotten): (i64, i64) = (config.try_get("version")?, config.try_get("forgotten")?);
    if version >= current || version < forgotten {
        return Ok(Changes { version: current, items: Vec::new(), truncated: version < forgotten });
    }
    let rows =
        sqlx::query(sql!("configuration/read_changes")).bind(version).bind(CHANGES_MAX).fetch_all(connection).await?;
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

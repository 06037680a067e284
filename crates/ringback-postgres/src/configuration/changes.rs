//! The version of the configuration, and the log of the changes that raised it.

use ringback::{
    id::{DeliveryId, EndpointId, EventId},
    store::{Change, Changes, Error, Result, codes::ChangeKind},
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    Postgres,
    error::from_sqlx,
    rows,
    sql::{prepared, query},
};

/// Most changes that one read returns.
const PAGE: usize = 1_000;

const ENDPOINT: i16 = ChangeKind::Endpoint.code();
const EVENT_EXPUNGED: i16 = ChangeKind::EventExpunged.code();
const DELIVERY_RELEASED: i16 = ChangeKind::DeliveryReleased.code();

/// Raises the version by the number of changes and logs them, one version each. Returns the last version.
///
/// The first statement of every transaction that makes a change. It locks the version's row, so such transactions take
/// turns, and cannot deadlock.
pub(crate) async fn announce(store: &Postgres, connection: &mut PgConnection, changes: &[Change]) -> Result<i64> {
    let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
    let row = query(&store.sql().raise_version).bind(count).fetch_one(&mut *connection).await.map_err(from_sqlx)?;
    let last: i64 = rows::get(&row, 0)?;
    let versions: Vec<i64> = (last - count + 1..=last).collect();
    let (subjects, kinds): (Vec<Uuid>, Vec<i16>) = changes.iter().map(columns).unzip();
    query(&store.sql().record_changes)
        .bind(&versions)
        .bind(&subjects)
        .bind(&kinds)
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
    Ok(last)
}

pub(super) async fn since(store: &Postgres, version: i64) -> Result<Changes> {
    let rows = prepared(&store.sql().read_changes)
        .bind(version)
        .bind(i64::try_from(PAGE).unwrap_or(i64::MAX))
        .fetch_all(&mut *store.work().await?)
        .await
        .map_err(from_sqlx)?;
    let first = rows.first().ok_or_else(|| Error::Schema("the configuration row is missing".to_owned()))?;
    let mut changes =
        Changes { version: rows::get(first, "current")?, items: Vec::new(), truncated: rows::get(first, "truncated")? };
    let mut last = version;
    for row in &rows {
        if let Some(at) = rows::get(row, "version")? {
            last = at;
            changes.items.push(read(rows::get(row, "kind")?, rows::get(row, "subject")?)?);
        }
    }
    if changes.items.len() == PAGE {
        changes.version = last;
    }
    Ok(changes)
}

fn columns(change: &Change) -> (Uuid, i16) {
    match change {
        Change::Endpoint(id) => (id.uuid(), ENDPOINT),
        Change::EventExpunged(id) => (id.uuid(), EVENT_EXPUNGED),
        Change::DeliveryReleased(id) => (id.uuid(), DELIVERY_RELEASED),
    }
}

fn read(kind: i16, subject: Uuid) -> Result<Change> {
    match kind {
        ENDPOINT => Ok(Change::Endpoint(EndpointId::from_uuid(subject))),
        EVENT_EXPUNGED => Ok(Change::EventExpunged(EventId::from_uuid(subject))),
        DELIVERY_RELEASED => Ok(Change::DeliveryReleased(DeliveryId::from_uuid(subject))),
        other => Err(Error::corrupt(format_args!("kind of change {other}"))),
    }
}

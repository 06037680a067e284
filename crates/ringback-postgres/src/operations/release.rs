//! Putting deliveries back into their lanes under the same ids.

use std::collections::HashMap;

use ringback::{
    audit::Record,
    id::DeliveryId,
    store::{Change, ReplayOne, Result},
};
use sqlx::{PgConnection, SqlStr, postgres::PgRow};
use uuid::Uuid;

use crate::{Postgres, audit, configuration::announce, error::from_sqlx, rows, sql::query};

const DELIVERED: i16 = 1;

pub(super) async fn one(store: &Postgres, id: DeliveryId, record: &Record) -> Result<ReplayOne> {
    let mut transaction = store.begin().await?;
    let came_to = release(store, &mut transaction, &[id]).await?;
    match came_to.get(&id) {
        Some(ReplayOne::Released) => {
            audit::write(store, &mut transaction, record).await?;
            transaction.commit().await.map_err(from_sqlx)?;
            Ok(ReplayOne::Released)
        }
        Some(other) => Ok(other.clone()),
        None => Ok(ReplayOne::Absent),
    }
}

/// Puts back those that can be; a change tells the owner of each lane. For each what it came to.
pub(super) async fn release(
    store: &Postgres,
    connection: &mut PgConnection,
    ids: &[DeliveryId],
) -> Result<HashMap<DeliveryId, ReplayOne>> {
    let changes: Vec<_> = ids.iter().map(|&id| Change::DeliveryReleased(id)).collect();
    announce(store, connection, &changes).await?;
    let mut came_to = HashMap::with_capacity(ids.len());
    let (mut dead, mut delivered) = (Vec::new(), Vec::new());
    for row in &classify(store, connection, ids).await? {
        let id = DeliveryId::from_uuid(rows::get(row, "id")?);
        match standing(row)? {
            Standing::Dead => dead.push(id.uuid()),
            Standing::Delivered => delivered.push(id.uuid()),
            Standing::Not(why) => {
                came_to.insert(id, why);
            }
        }
    }
    put_back(connection, &store.sql().release_dead, &dead, ReplayOne::Absent, &mut came_to).await?;
    put_back(connection, &store.sql().release_delivered, &delivered, ReplayOne::Pending, &mut came_to).await?;
    Ok(came_to)
}

async fn classify(store: &Postgres, connection: &mut PgConnection, ids: &[DeliveryId]) -> Result<Vec<PgRow>> {
    let events: Vec<Uuid> = ids.iter().map(|id| id.event().uuid()).collect();
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    query(&store.sql().classify_for_replay).bind(ids).bind(events).fetch_all(connection).await.map_err(from_sqlx)
}

enum Standing {
    Dead,
    Delivered,
    Not(ReplayOne),
}

/// What a delivery is. Expunged goes before cancelled, which is what expunging made of it.
fn standing(row: &PgRow) -> Result<Standing> {
    let dead: bool = rows::get(row, "dead")?;
    let finished: Option<i16> = rows::get(row, "finished")?;
    Ok(if rows::get(row, "pending")? {
        Standing::Not(ReplayOne::Pending)
    } else if !dead && finished.is_none() {
        Standing::Not(ReplayOne::Absent)
    } else if rows::get(row, "expunged")? {
        Standing::Not(ReplayOne::Expunged)
    } else if !dead && finished != Some(DELIVERED) {
        Standing::Not(ReplayOne::Cancelled)
    } else if rows::get(row, "endpoint_deleted")? {
        Standing::Not(ReplayOne::EndpointDeleted)
    } else if dead {
        Standing::Dead
    } else {
        Standing::Delivered
    })
}

async fn put_back(
    connection: &mut PgConnection,
    statement: &SqlStr,
    ids: &[Uuid],
    otherwise: ReplayOne,
    came_to: &mut HashMap<DeliveryId, ReplayOne>,
) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    came_to.extend(ids.iter().map(|&id| (DeliveryId::from_uuid(id), otherwise.clone())));
    for row in &query(statement).bind(ids).fetch_all(connection).await.map_err(from_sqlx)? {
        came_to.insert(DeliveryId::from_uuid(rows::get(row, "id")?), ReplayOne::Released);
    }
    Ok(())
}

//! Putting deliveries back into their lanes under the same ids.

use std::collections::HashMap;

use ringback::{
    audit::Entry,
    delivery::DeadReason,
    id::{DeliveryId, EndpointId},
    store::{
        Change, Elsewhere, Error, ReplayOf, ReplayOne, Result,
        codes::Ending,
        rules::standing::{Death, Standing},
    },
};
use sqlx::{PgConnection, SqlStr, postgres::PgRow};
use uuid::Uuid;

use crate::{Postgres, audit, configuration::announce, error::from_sqlx, rows, sql::query};

/// `status` of a row in `finished`.
const DELIVERED: i16 = Ending::Delivered.code();
const CANCELLED: i16 = Ending::Cancelled.code();

/// Puts one back, if it may be; `to` is where it goes from now on, if that changes.
pub(super) async fn one(
    store: &Postgres,
    id: DeliveryId,
    of: ReplayOf,
    to: Option<&Elsewhere>,
    record: &Entry,
) -> Result<ReplayOne> {
    let mut transaction = store.begin().await?;
    tell_owners(store, &mut transaction, &[id]).await?;
    if let Some(to) = to {
        readdress(store, &mut transaction, id, to).await?;
    }
    let came_to = put_back_fitting(store, &mut transaction, &[id], |standing| standing.again(of)).await?;
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

/// Gives the event of an inline delivery another destination, and the delivery that URL's lane. What is not put back after
/// that is undone with the transaction.
async fn readdress(store: &Postgres, connection: &mut PgConnection, id: DeliveryId, to: &Elsewhere) -> Result<()> {
    let statement = query(&store.sql().readdress_event).bind(id.event().uuid()).bind(&to.destination);
    statement.execute(&mut *connection).await.map_err(from_sqlx)?;
    for statement in [&store.sql().readdress_dead_letter, &store.sql().readdress_finished] {
        let statement = query(statement).bind(id.uuid()).bind(to.lane.as_i64());
        statement.execute(&mut *connection).await.map_err(from_sqlx)?;
    }
    Ok(())
}

/// Puts back the deliveries that `judge` allows; a change tells the owner of each lane. Returns the result for each.
pub(super) async fn release(
    store: &Postgres,
    connection: &mut PgConnection,
    ids: &[DeliveryId],
    judge: impl Fn(&Standing) -> ReplayOne,
) -> Result<HashMap<DeliveryId, ReplayOne>> {
    tell_owners(store, connection, ids).await?;
    put_back_fitting(store, connection, ids, judge).await
}

/// Comes first, since it locks the version's row: until the commit no other transaction puts back or removes dead letters,
/// so what is read after it stays true.
async fn tell_owners(store: &Postgres, connection: &mut PgConnection, ids: &[DeliveryId]) -> Result<()> {
    let changes: Vec<_> = ids.iter().map(|&id| Change::DeliveryReleased(id)).collect();
    announce(store, connection, &changes).await.map(drop)
}

async fn put_back_fitting(
    store: &Postgres,
    connection: &mut PgConnection,
    ids: &[DeliveryId],
    judge: impl Fn(&Standing) -> ReplayOne,
) -> Result<HashMap<DeliveryId, ReplayOne>> {
    let mut came_to = HashMap::with_capacity(ids.len());
    let (mut dead, mut delivered) = (Vec::new(), Vec::new());
    for row in &classify(store, connection, ids).await? {
        let id = DeliveryId::from_uuid(rows::get(row, "id")?);
        let standing = standing(row)?;
        match judge(&standing) {
            ReplayOne::Released if standing.dead.is_some() => dead.push(id.uuid()),
            ReplayOne::Released => delivered.push(id.uuid()),
            why => drop(came_to.insert(id, why)),
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

fn standing(row: &PgRow) -> Result<Standing> {
    let finished: Option<i16> = rows::get(row, "finished")?;
    let dead = if rows::get(row, "dead")? { Some(death(row)?) } else { None };
    Ok(Standing {
        owed: rows::get(row, "owed")?,
        dead,
        delivered: finished == Some(DELIVERED),
        cancelled: finished == Some(CANCELLED),
        expunged: rows::get(row, "expunged")?,
        payload_gone: rows::get(row, "payload_gone")?,
        endpoint: rows::get::<Option<Uuid>, _>(row, "endpoint_id")?.map(EndpointId::from_uuid),
        endpoint_deleted: rows::get(row, "endpoint_deleted")?,
    })
}

fn death(row: &PgRow) -> Result<Death> {
    let code: i16 = rows::get(row, "reason")?;
    let reason = DeadReason::from_code(code).ok_or_else(|| Error::corrupt(format_args!("reason {code}")))?;
    let last_status: Option<i32> = rows::get(row, "last_status")?;
    Ok(Death { reason, last_status: last_status.and_then(|status| u16::try_from(status).ok()) })
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

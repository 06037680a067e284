//! Putting deliveries back into their lanes: one, or the next of a replay's set.

use std::collections::HashSet;

use ringback::{
    audit::Entry,
    delivery::DeadReason,
    id::{DeliveryId, EndpointId, ReplayId},
    store::{
        Change, Elsewhere, ReplayOf, ReplayOne, ReplayScope, Replayed,
        rules::standing::{Death, Standing},
    },
};
use serde::Serialize;
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::missing;
use crate::{
    audit,
    batch::{Hex, json},
    configuration::change,
    error::corrupt,
    read::{code_or_none, now, uuid, uuid_or_none},
};

/// Puts one delivery back into its lane; `to` is where it goes from now on, if that changes.
pub(super) async fn one(
    tx: &mut SqliteConnection,
    id: DeliveryId,
    of: ReplayOf,
    to: Option<Elsewhere>,
    record: Entry,
) -> sqlx::Result<ReplayOne> {
    let classified = classify(tx, &[Hex(id.uuid())]).await?;
    let Some(item) = classified.first() else { return Ok(ReplayOne::Absent) };
    let outcome = item.standing.again(of);
    if outcome == ReplayOne::Released {
        if let Some(to) = to {
            readdress(tx, id, &to).await?;
        }
        put_back(tx, &[item]).await?;
        audit::write(tx, &record).await?;
    }
    Ok(outcome)
}

/// Gives the event of an inline delivery another destination, and the delivery that URL's lane.
async fn readdress(tx: &mut SqliteConnection, id: DeliveryId, to: &Elsewhere) -> sqlx::Result<()> {
    let event = id.event().uuid();
    let statement =
        sqlx::query(sql!("replays/readdress_event")).bind(event.as_bytes().as_slice()).bind(&to.destination);
    statement.execute(&mut *tx).await?;
    let (delivery, lane) = (id.uuid(), to.lane.as_i64());
    for statement in [sql!("replays/readdress_dead_letter"), sql!("replays/readdress_finished")] {
        sqlx::query(statement).bind(delivery.as_bytes().as_slice()).bind(lane).execute(&mut *tx).await?;
    }
    Ok(())
}

/// A delivery as a replay sees it.
struct Item {
    id: Uuid,
    lane: i64,
    standing: Standing,
}

async fn classify(tx: &mut SqliteConnection, ids: &[Hex]) -> sqlx::Result<Vec<Item>> {
    let rows = sqlx::query(sql!("replays/classify_for_replay")).bind(json(ids)?).fetch_all(tx).await?;
    rows.iter().map(item).collect()
}

fn item(row: &SqliteRow) -> sqlx::Result<Item> {
    let reason = code_or_none(row, "reason", DeadReason::from_code)?;
    let last_status: Option<u16> = row.try_get("last_status")?;
    Ok(Item {
        id: uuid(row, "id")?,
        lane: row.try_get::<Option<i64>, _>("lane")?.unwrap_or_default(),
        standing: Standing {
            owed: row.try_get("owed")?,
            dead: reason.map(|reason| Death { reason, last_status }),
            delivered: row.try_get("delivered")?,
            cancelled: row.try_get("cancelled")?,
            expunged: row.try_get("expunged")?,
            payload_gone: row.try_get("payload_gone")?,
            endpoint: uuid_or_none(row, "endpoint_id")?.map(EndpointId::from_uuid),
            endpoint_deleted: row.try_get("endpoint_deleted")?,
        },
    })
}

/// Makes them due now with a new budget of attempts, and tells the owners of their lanes.
async fn put_back(tx: &mut SqliteConnection, items: &[&Item]) -> sqlx::Result<()> {
    let of = |dead: bool| items.iter().filter(move |item| item.standing.dead.is_some() == dead);
    let hex = |dead: bool| of(dead).map(|item| Hex(item.id)).collect::<Vec<_>>();
    let (dead, delivered) = (hex(true), hex(false));
    if !dead.is_empty() {
        let ids = json(&dead)?;
        sqlx::query(sql!("replays/release_dead")).bind(&ids).bind(now()).execute(&mut *tx).await?;
        sqlx::query(sql!("replays/delete_dead_letters")).bind(&ids).execute(&mut *tx).await?;
    }
    if !delivered.is_empty() {
        sqlx::query(sql!("replays/release_delivered")).bind(json(&delivered)?).bind(now()).execute(&mut *tx).await?;
    }
    // One change for each lane is enough: it makes the lane's owner read the lane.
    let mut told = HashSet::new();
    for item in items.iter().filter(|item| told.insert(item.lane)) {
        change(tx, &Change::DeliveryReleased(DeliveryId::from_uuid(item.id))).await?;
    }
    Ok(())
}

/// Releases the next `count` items of a replay; returns how many it looked at.
pub(super) async fn next(
    tx: &mut SqliteConnection,
    id: ReplayId,
    scope: &ReplayScope,
    count: u32,
) -> sqlx::Result<u32> {
    let replay = id.uuid();
    let next: Vec<Vec<u8>> = sqlx::query_scalar(sql!("replays/read_replay_items"))
        .bind(replay.as_bytes().as_slice())
        .bind(count)
        .fetch_all(&mut *tx)
        .await?;
    let ids =
        next.iter().map(|id| Ok(Hex(Uuid::from_slice(id).map_err(corrupt)?))).collect::<sqlx::Result<Vec<_>>>()?;
    let (released, position) = match scope.filter.status {
        Replayed::Missing => (owe(tx, replay, &ids, scope).await?, ids.last().map(|last| missing::last_of(last.0))),
        Replayed::Dead | Replayed::Delivered => {
            (put_back_again(tx, replay, &ids, scope).await?, ids.last().map(|last| last.0))
        }
    };
    sqlx::query(sql!("replays/advance_replay"))
        .bind(replay.as_bytes().as_slice())
        .bind(position.map(|position| position.as_bytes().to_vec()))
        .bind(i64::try_from(released).unwrap_or(i64::MAX))
        .bind(i64::try_from(ids.len() - released).unwrap_or(i64::MAX))
        .bind(now())
        .execute(tx)
        .await?;
    Ok(u32::try_from(ids.len()).unwrap_or(u32::MAX))
}

/// Puts back existing deliveries; returns how many still fitted.
async fn put_back_again(
    tx: &mut SqliteConnection,
    replay: Uuid,
    ids: &[Hex],
    scope: &ReplayScope,
) -> sqlx::Result<usize> {
    let items = classify(tx, ids).await?;
    let released: Vec<_> = items.iter().filter(|item| item.standing.again_in(scope) == ReplayOne::Released).collect();
    put_back(tx, &released).await?;
    let released: Vec<_> = released.iter().map(|item| Hex(item.id)).collect();
    sqlx::query(sql!("replays/mark_released"))
        .bind(replay.as_bytes().as_slice())
        .bind(json(&released)?)
        .execute(tx)
        .await?;
    Ok(released.len())
}

#[derive(Serialize)]
struct Owed {
    event: Hex,
    delivery: Hex,
}

/// Creates the deliveries of events that still miss one; returns how many.
async fn owe(tx: &mut SqliteConnection, replay: Uuid, events: &[Hex], scope: &ReplayScope) -> sqlx::Result<usize> {
    let Some(wanting) = &scope.wanting else { return Ok(0) };
    let made = missing::owe(tx, events, wanting).await?;
    let rows: Vec<_> = made
        .iter()
        .map(|(event, delivery)| Owed { event: Hex(event.uuid()), delivery: Hex(delivery.uuid()) })
        .collect();
    sqlx::query(sql!("replays/mark_owed")).bind(replay.as_bytes().as_slice()).bind(json(&rows)?).execute(tx).await?;
    Ok(rows.len())
}

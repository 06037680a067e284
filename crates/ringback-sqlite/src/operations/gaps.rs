//! What became of many keys: their events, and how the deliveries of those stand.

use ringback::{
    id::{DeliveryId, EndpointId, EventId},
    store::{
        Expected, Outcome, Standing,
        rules::gaps::{EVENTS_OF_KEY, Gathered, STANDINGS},
    },
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::{deliveries::status, scan::Range};
use crate::{
    batch::{Hex, json},
    read::{time_or_none, uuid, uuid_or_none},
};

pub(super) async fn outcomes(
    connection: &mut SqliteConnection,
    keys: &[String],
    expected: &Expected,
) -> sqlx::Result<Vec<Outcome>> {
    let mut gathered = Gathered::of(keys, expected);
    let range = Range::accepted(expected.accepted);
    let rows = sqlx::query(sql!("events/find_events_of_keys"))
        .bind(json(gathered.keys())?)
        .bind(range.low.as_bytes().as_slice())
        .bind(range.high.as_bytes().as_slice())
        .bind(expected.tenant.as_deref())
        .bind(EVENTS_OF_KEY)
        .fetch_all(&mut *connection)
        .await?;
    let mut unrouted = Vec::new();
    for row in &rows {
        let event = EventId::from_uuid(uuid(row, "id")?);
        gathered.add_event(usize::from(row.try_get::<u16, _>("position")?), event);
        if row.try_get("unrouted")? {
            unrouted.push(event);
        }
    }
    drop(rows);
    add_deliveries(connection, &mut gathered).await?;
    unrouted.into_iter().for_each(|event| gathered.add_unrouted(event));
    Ok(gathered.outcomes())
}

/// In steps, however many deliveries an event has.
async fn add_deliveries(connection: &mut SqliteConnection, gathered: &mut Gathered<'_>) -> sqlx::Result<()> {
    let events: Vec<Hex> = gathered.events().into_iter().map(|event| Hex(event.uuid())).collect();
    let mut after = Uuid::nil();
    loop {
        let rest = &events[events.partition_point(|event| event.0 < DeliveryId::from_uuid(after).event().uuid())..];
        if rest.is_empty() {
            return Ok(());
        }
        let list = sqlx::query(sql!("deliveries/read_standings"));
        let list = list.bind(json(rest)?).bind(after.as_bytes().as_slice()).bind(STANDINGS);
        let rows = list.fetch_all(&mut *connection).await?;
        for row in &rows {
            let standing = standing(row)?;
            after = standing.id.uuid();
            gathered.add_delivery(&standing);
        }
        if rows.len() < STANDINGS as usize {
            return Ok(());
        }
    }
}

fn standing(row: &SqliteRow) -> sqlx::Result<Standing> {
    Ok(Standing {
        id: DeliveryId::from_uuid(uuid(row, "id")?),
        endpoint: uuid_or_none(row, "endpoint_id")?.map(EndpointId::from_uuid),
        status: status(row.try_get("status")?)?,
        finished_at: time_or_none(row, "finished_at")?,
    })
}

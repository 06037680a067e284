//! What became of many keys: their events, and how the deliveries of those stand.

use ringback::{
    delivery::Status,
    id::{DeliveryId, EventId},
    store::{
        Error, Expected, Outcome, Result, Standing,
        rules::gaps::{EVENTS_OF_KEY, Gathered, STANDINGS},
    },
};
use sqlx::{PgConnection, postgres::PgRow};
use uuid::Uuid;

use super::scan::Range;
use crate::{Postgres, error::from_sqlx, rows, sql::query};

pub(super) async fn outcomes(store: &Postgres, keys: &[String], expected: &Expected) -> Result<Vec<Outcome>> {
    let mut snapshot = store.snapshot().await?;
    let mut gathered = Gathered::of(keys, expected);
    let range = Range::accepted(expected.accepted);
    let list = query(&store.sql().find_events_of_keys)
        .bind(gathered.keys())
        .bind(range.low)
        .bind(range.high)
        .bind(expected.tenant.as_deref())
        .bind(i64::from(EVENTS_OF_KEY));
    let rows = list.fetch_all(&mut *snapshot).await.map_err(from_sqlx)?;
    for row in &rows {
        let place = rows::position(row, gathered.keys().len())?;
        gathered.add_event(place, EventId::from_uuid(rows::get(row, "id")?));
    }
    drop(rows);
    add_deliveries(store, &mut snapshot, &mut gathered).await?;
    let bare: Vec<Uuid> = gathered.events_without_delivery().into_iter().map(EventId::uuid).collect();
    if !bare.is_empty() {
        let waiting = query(&store.sql().find_waiting).bind(&bare);
        for row in &waiting.fetch_all(&mut *snapshot).await.map_err(from_sqlx)? {
            gathered.add_unrouted(EventId::from_uuid(rows::get(row, "event_id")?));
        }
    }
    Ok(gathered.outcomes())
}

/// In steps, however many deliveries an event has.
async fn add_deliveries(store: &Postgres, connection: &mut PgConnection, gathered: &mut Gathered<'_>) -> Result<()> {
    let events: Vec<Uuid> = gathered.events().into_iter().map(EventId::uuid).collect();
    let mut after = Uuid::nil();
    loop {
        let rest = &events[events.partition_point(|event| EventId::from_uuid(*event) < event_of(after))..];
        if rest.is_empty() {
            return Ok(());
        }
        let list = query(&store.sql().read_standings).bind(rest).bind(after).bind(i64::from(STANDINGS));
        let rows = list.fetch_all(&mut *connection).await.map_err(from_sqlx)?;
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

fn event_of(delivery: Uuid) -> EventId {
    DeliveryId::from_uuid(delivery).event()
}

fn standing(row: &PgRow) -> Result<Standing> {
    let status: i16 = rows::get(row, "status")?;
    Ok(Standing {
        id: DeliveryId::from_uuid(rows::get(row, "id")?),
        endpoint: rows::endpoint_id(row, "endpoint_id")?,
        status: Status::from_code(status).ok_or_else(|| Error::corrupt(format_args!("status {status}")))?,
        finished_at: rows::time_or_none(row, "finished_at")?,
    })
}

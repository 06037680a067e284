//! Missing deliveries: finds events that an endpoint now selects and has no delivery of, and creates the deliveries.

use ringback::{
    id::{DeliveryId, EventId},
    store::{
        Change, ReplayFilter, Routing, Verdict, Wanting,
        codes::NoDelivery,
        rules::{addressing::addressing, missing::Routed as Facts},
    },
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::{replays::Found, scan::Range};
use crate::{
    batch::{Hex, json},
    configuration::change,
    error::corrupt,
    read::{now, owned_or_none, text_or_none, uuid},
    route::{Routed, store_routing},
};

/// Events that are looked at together.
const TOGETHER: i64 = 1_000;

/// `kind` of the verdict that no endpoint wanted the event.
const UNMATCHED: i16 = NoDelivery::Unmatched.code();

/// The highest id that a delivery of an event can have.
pub(super) fn last_of(event: Uuid) -> Uuid {
    EventId::from_uuid(event).delivery(u16::MAX).uuid()
}

/// Those of the filter's events that are missing at the endpoint now.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    filter: &ReplayFilter,
    wanting: &Wanting,
) -> sqlx::Result<Found> {
    let (mut range, mut found) = (Range::accepted(filter.created), Found::default());
    loop {
        let ids: Vec<Vec<u8>> = sqlx::query_scalar(sql!("replays/find_events_to_replay"))
            .bind(range.low.as_bytes().as_slice())
            .bind(range.high.as_bytes().as_slice())
            .bind(&*wanting.tenant)
            .bind(filter.tenant.as_deref())
            .bind(filter.event_type.as_deref())
            .bind(filter.key.as_deref())
            .bind(TOGETHER)
            .fetch_all(&mut *connection)
            .await?;
        let ids =
            ids.iter().map(|id| Uuid::from_slice(id).map(Hex).map_err(corrupt)).collect::<sqlx::Result<Vec<_>>>()?;
        let Some(last) = ids.last() else { return Ok(found) };
        range.low = Range::of(last.0).high;
        for row in &rows(connection, &ids, wanting).await? {
            let event = read(row)?;
            if event.missing_at(wanting).is_some() {
                found.add(event.event.uuid(), row.try_get("payload_bytes")?);
            }
        }
    }
}

/// These events, each with what decides whether it is missing.
async fn rows(connection: &mut SqliteConnection, events: &[Hex], wanting: &Wanting) -> sqlx::Result<Vec<SqliteRow>> {
    sqlx::query(sql!("replays/read_events_to_replay"))
        .bind(wanting.endpoint.uuid().as_bytes().as_slice())
        .bind(json(events)?)
        .fetch_all(connection)
        .await
}

/// Creates deliveries of those of these events that are missing at the endpoint; returns the events with their deliveries.
pub(super) async fn owe(
    tx: &mut SqliteConnection,
    events: &[Hex],
    wanting: &Wanting,
) -> sqlx::Result<Vec<(EventId, DeliveryId)>> {
    let rows = rows(tx, events, wanting).await?;
    let (mut owed, mut made, mut unmatched) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        let event = read(row)?;
        let Some(delivery) = event.missing_at(wanting) else { continue };
        if event.is_unmatched {
            unmatched.push(Hex(event.event.uuid()));
        }
        made.push((event.event, delivery.id));
        let config_version = row.try_get("config_version")?;
        let routing = Routing { config_version, verdict: Verdict::Deliveries(vec![delivery]) };
        owed.push((event.event, row.try_get::<i64, _>("seq")?, routing));
    }
    let routed: Vec<_> = owed
        .iter()
        .map(|(event, seq, routing)| Routed { event: *event, seq: *seq, expunged: false, routing })
        .collect();
    store_routing(tx, &routed, now()).await?;
    sqlx::query(sql!("replays/remove_verdicts")).bind(json(&unmatched)?).execute(&mut *tx).await?;
    // One change is enough, since all are in one lane, and the change makes the lane's owner read the lane.
    if let Some((_, delivery)) = made.first() {
        change(tx, &Change::DeliveryReleased(*delivery)).await?;
    }
    Ok(made)
}

fn read(row: &SqliteRow) -> sqlx::Result<Facts> {
    let addressed = addressing(text_or_none(row, "endpoint_keys")?.as_deref(), None);
    let is_inline: bool = row.try_get("is_inline")?;
    let last: Option<&[u8]> = row.try_get("last")?;
    Ok(Facts {
        event: EventId::from_uuid(uuid(row, "id")?),
        event_type: owned_or_none(row, "type")?.unwrap_or_default(),
        ordering_key: owned_or_none(row, "ordering_key")?,
        endpoint_keys: addressed.endpoint_keys,
        // An event whose recipients cannot be read goes to no endpoint, like an inline one.
        is_inline: is_inline || addressed.unreadable.is_some(),
        is_test: row.try_get("test")?,
        payload_gone: row.try_get("payload_gone")?,
        is_unmatched: row.try_get::<Option<i16>, _>("kind")? == Some(UNMATCHED),
        last: last.map(|last| last.try_into().map(u16::from_be_bytes)).transpose().map_err(corrupt)?,
        is_there: row.try_get("is_there")?,
    })
}

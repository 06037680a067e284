//! Missing deliveries: finds events that an endpoint now selects and has no delivery of, and creates the deliveries.

use ringback::{
    id::{DeliveryId, EventId},
    store::{
        Change, Error, ReplayFilter, Result, Routing, Verdict, Wanting,
        codes::NoDelivery,
        rules::{addressing::addressing, missing::Routed},
    },
};
use sqlx::{PgConnection, postgres::PgRow};
use uuid::Uuid;

use super::{replays::Found, scan::Range};
use crate::{Postgres, configuration::announce, error::from_sqlx, routed::RoutedRows, rows, sql::query};

/// `kind` of the verdict that no endpoint wanted the event.
const UNMATCHED: i16 = NoDelivery::Unmatched.code();

/// Events that one statement looks at.
const TOGETHER: i64 = 1_000;

/// Those of the filter's events that are missing at the endpoint now.
pub(super) async fn find(
    store: &Postgres,
    connection: &mut PgConnection,
    filter: &ReplayFilter,
    wanting: &Wanting,
) -> Result<Found> {
    let (mut range, mut found) = (Range::accepted(filter.created), Found::default());
    loop {
        let ids = query(&store.sql().find_events_to_replay)
            .bind(range.low)
            .bind(range.high)
            .bind(&*wanting.tenant)
            .bind(filter.tenant.as_deref())
            .bind(filter.event_type.as_deref())
            .bind(filter.key.as_deref())
            .bind(TOGETHER)
            .fetch_all(&mut *connection)
            .await
            .map_err(from_sqlx)?;
        let ids = ids.iter().map(|row| rows::get(row, "id")).collect::<Result<Vec<Uuid>>>()?;
        let Some(&last) = ids.last() else { return Ok(found) };
        range.low = Range::of(last).high;
        for row in &facts(store, connection, ids, wanting).await? {
            let event = read(row)?;
            if event.missing_at(wanting).is_some() {
                found.add(event.event.uuid(), rows::get(row, "payload_bytes")?);
            }
        }
    }
}

/// These events, each with what decides whether it is missing.
async fn facts(
    store: &Postgres,
    connection: &mut PgConnection,
    events: Vec<Uuid>,
    wanting: &Wanting,
) -> Result<Vec<PgRow>> {
    query(&store.sql().read_events_to_replay)
        .bind(events)
        .bind(wanting.endpoint.uuid())
        .fetch_all(connection)
        .await
        .map_err(from_sqlx)
}

/// Creates deliveries of those of these events that are missing at the endpoint; returns the events with their deliveries.
///
/// The version's row is locked first: until the commit no endpoint is changed or deleted, no event expunged, and no other
/// replay creates a delivery of the same event.
pub(super) async fn owe(
    store: &Postgres,
    connection: &mut PgConnection,
    events: &[EventId],
    wanting: &Wanting,
) -> Result<Vec<(EventId, DeliveryId)>> {
    announce(store, connection, &[]).await?;
    let found = facts(store, connection, events.iter().map(|event| event.uuid()).collect(), wanting).await?;
    let (mut owed, mut unmatched) = (Vec::new(), Vec::new());
    for row in &found {
        let event = read(row)?;
        let Some(delivery) = event.missing_at(wanting) else { continue };
        if event.is_unmatched {
            unmatched.push(event.event.uuid());
        }
        let config_version = rows::get(row, "config_version")?;
        let routing = Routing { config_version, verdict: Verdict::Deliveries(vec![delivery]) };
        owed.push((event.event, rows::get::<i64, _>(row, "seq")?, routing));
    }
    let mut deliveries = RoutedRows::default();
    for (event, seq, routing) in &owed {
        deliveries.push(*event, *seq, routing, false);
    }
    deliveries.insert(store, connection).await?;
    query(&store.sql().remove_verdicts).bind(unmatched).execute(&mut *connection).await.map_err(from_sqlx)?;
    let made: Vec<_> = owed.iter().flat_map(|(event, _, routing)| of(*event, routing)).collect();
    let changes: Vec<_> = made.iter().map(|&(_, delivery)| Change::DeliveryReleased(delivery)).collect();
    announce(store, connection, &changes).await?;
    Ok(made)
}

fn of(event: EventId, routing: &Routing) -> Option<(EventId, DeliveryId)> {
    match &routing.verdict {
        Verdict::Deliveries(deliveries) => Some((event, deliveries.first()?.id)),
        Verdict::Unmatched | Verdict::Unroutable { .. } => None,
    }
}

fn read(row: &PgRow) -> Result<Routed> {
    let addressed = addressing(rows::get(row, "endpoint_keys")?, None);
    let is_inline: bool = rows::get(row, "is_inline")?;
    let last: Option<&str> = rows::get(row, "last")?;
    Ok(Routed {
        event: EventId::from_uuid(rows::get(row, "id")?),
        event_type: rows::get(row, "type")?,
        ordering_key: rows::get(row, "ordering_key")?,
        endpoint_keys: addressed.endpoint_keys,
        // An event whose recipients cannot be read goes to no endpoint, like an inline one.
        is_inline: is_inline || addressed.unreadable.is_some(),
        is_test: rows::get(row, "test")?,
        payload_gone: rows::get(row, "payload_gone")?,
        is_unmatched: rows::get::<Option<i16>, _>(row, "kind")? == Some(UNMATCHED),
        last: last.map(|last| u16::from_str_radix(last, 16)).transpose().map_err(Error::corrupt)?,
        is_there: rows::get(row, "is_there")?,
    })
}

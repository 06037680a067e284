//! Storing the result of routing: shared by intake and by the outbox.

use std::collections::HashSet;

use ringback::{
    delivery::{Due, LaneId, NewDelivery},
    id::{DeliveryId, EndpointId, EventId},
    store::{Routing, Verdict, codes::NoDelivery},
    time::Timestamp,
};
use serde::Serialize;
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::{
    batch::{Hex, json},
    feed::find_heads,
};

/// An event that is stored, and its routing.
pub(crate) struct Routed<'a> {
    pub(crate) event: EventId,
    pub(crate) seq: i64,
    /// Its payload was expunged before it was routed: its deliveries are cancelled at once.
    pub(crate) expunged: bool,
    pub(crate) routing: &'a Routing,
}

/// A delivery as the statements read it.
#[derive(Serialize)]
struct Row<'a> {
    id: Hex,
    lane: i64,
    endpoint: Option<Hex>,
    seq: i64,
    config_version: i64,
    marks: i16,
    ordering_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deliver_after: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

#[derive(Serialize)]
struct VerdictRow {
    event: Hex,
    config_version: i64,
    duplicate_of: Option<Hex>,
    kind: i16,
}

/// `kind` of the verdict that no endpoint wanted the event.
const UNMATCHED: i16 = NoDelivery::Unmatched.code();

/// `kind` of a verdict that names an earlier event.
const DUPLICATE: i16 = NoDelivery::Duplicate.code();

/// Inserts deliveries, unroutable dead letters and verdicts; returns the deliveries that may be sent now, in order.
pub(crate) async fn store_routing(
    tx: &mut SqliteConnection,
    routed: &[Routed<'_>],
    now: i64,
) -> sqlx::Result<Vec<Due>> {
    let deleted = find_deleted_endpoints(tx, routed).await?;
    let (mut owed, mut cancelled, mut unroutable, mut verdicts) = (vec![], vec![], vec![], vec![]);
    for event in routed {
        let row = |delivery, detail| row(delivery, event, detail);
        match &event.routing.verdict {
            Verdict::Unmatched => verdicts.push(VerdictRow {
                event: Hex(event.event.uuid()),
                config_version: event.routing.config_version,
                duplicate_of: None,
                kind: UNMATCHED,
            }),
            Verdict::Unroutable { delivery, .. } if event.expunged => cancelled.push(row(delivery, None)),
            Verdict::Unroutable { delivery, detail } => unroutable.push(row(delivery, Some(detail))),
            Verdict::Deliveries(deliveries) => {
                for delivery in deliveries {
                    let in_vain = event.expunged || delivery.endpoint.is_some_and(|id| deleted.contains(&id));
                    if in_vain { &mut cancelled } else { &mut owed }.push(row(delivery, None));
                }
            }
        }
    }
    insert(tx, sql!("routing/insert_deliveries"), &owed, now).await?;
    insert(tx, sql!("routing/insert_cancelled"), &cancelled, now).await?;
    insert(tx, sql!("routing/insert_unroutable"), &unroutable, now).await?;
    insert_verdicts(tx, &verdicts).await?;
    sendable(tx, owed, now).await
}

/// Marks events as duplicates: (event, the earlier one, the version it was routed with).
pub(crate) async fn store_duplicates(
    tx: &mut SqliteConnection,
    duplicates: &[(EventId, EventId, i64)],
) -> sqlx::Result<()> {
    let rows: Vec<_> = duplicates
        .iter()
        .map(|(event, original, config_version)| VerdictRow {
            event: Hex(event.uuid()),
            config_version: *config_version,
            duplicate_of: Some(Hex(original.uuid())),
            kind: DUPLICATE,
        })
        .collect();
    insert_verdicts(tx, &rows).await
}

/// The configuration's version as the transaction sees it.
pub(crate) async fn config_version(connection: &mut SqliteConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar(sql!("configuration/config_version")).fetch_one(connection).await
}

/// Endpoints of these events' deliveries that were deleted after the configuration version that routed the events.
async fn find_deleted_endpoints(tx: &mut SqliteConnection, routed: &[Routed<'_>]) -> sqlx::Result<HashSet<EndpointId>> {
    let version = config_version(tx).await?;
    let mut suspects = HashSet::new();
    for event in routed.iter().filter(|event| event.routing.config_version != version) {
        if let Verdict::Deliveries(deliveries) = &event.routing.verdict {
            suspects.extend(deliveries.iter().filter_map(|delivery| delivery.endpoint));
        }
    }
    if suspects.is_empty() {
        return Ok(HashSet::new());
    }
    let ids: Vec<_> = suspects.iter().map(|id| Hex(id.uuid())).collect();
    let deleted: Vec<Vec<u8>> =
        sqlx::query_scalar(sql!("routing/find_deleted_endpoints")).bind(json(&ids)?).fetch_all(tx).await?;
    Ok(deleted.iter().filter_map(|id| Uuid::from_slice(id).ok()).map(EndpointId::from_uuid).collect())
}

fn row<'a>(delivery: &'a NewDelivery, event: &Routed<'_>, detail: Option<&'a String>) -> Row<'a> {
    Row {
        id: Hex(delivery.id.uuid()),
        lane: delivery.lane.as_i64(),
        endpoint: delivery.endpoint.map(|id| Hex(id.uuid())),
        seq: event.seq,
        config_version: event.routing.config_version,
        marks: delivery.marks.bits(),
        ordering_key: delivery.ordering_key.as_deref(),
        detail: detail.map(String::as_str),
        deliver_after: delivery.schedule.deliver_after.map(Timestamp::micros),
        expires_at: delivery.schedule.expires_at.map(Timestamp::micros),
    }
}

async fn insert(tx: &mut SqliteConnection, statement: &'static str, rows: &[Row<'_>], now: i64) -> sqlx::Result<()> {
    if !rows.is_empty() {
        sqlx::query(statement).bind(json(rows)?).bind(now).execute(tx).await?;
    }
    Ok(())
}

async fn insert_verdicts(tx: &mut SqliteConnection, rows: &[VerdictRow]) -> sqlx::Result<()> {
    if !rows.is_empty() {
        sqlx::query(sql!("routing/insert_verdicts")).bind(json(rows)?).execute(tx).await?;
    }
    Ok(())
}

/// Those of the deliveries just inserted that are due, and the heads of their ordering keys if they have one.
async fn sendable(tx: &mut SqliteConnection, mut rows: Vec<Row<'_>>, now: i64) -> sqlx::Result<Vec<Due>> {
    rows.retain(|row| row.deliver_after.is_none_or(|after| after <= now));
    let keys: HashSet<(i64, &str)> = rows.iter().filter_map(|row| Some((row.lane, row.ordering_key?))).collect();
    let heads: HashSet<DeliveryId> = find_heads(tx, keys, now).await?.into_iter().map(|due| due.id).collect();
    let due = |row: Row<'_>| Due {
        id: DeliveryId::from_uuid(row.id.0),
        lane: LaneId::from_i64(row.lane),
        endpoint: row.endpoint.map(|id| EndpointId::from_uuid(id.0)),
        due_at: Timestamp::from_micros(now),
        seq: row.seq,
        attempts: 0,
        attempts_at_refill: 0,
        marks: ringback::delivery::Marks::from_bits(row.marks),
        ordering_key: row.ordering_key.map(Into::into),
    };
    Ok(rows.into_iter().map(due).filter(|due| due.ordering_key.is_none() || heads.contains(&due.id)).collect())
}

//! Storing events that were emitted through the engine: events, deliveries and idempotency keys in one transaction.

use std::time::Duration;

use ringback::{
    delivery::Due,
    id::EventId,
    store::{
        Acceptance, Accepted, Error, EventToAccept, Group, IDS_AHEAD_MAX, Intake, Result,
        rules::{acceptance, idempotency::Name},
    },
    time::Timestamp,
};
use serde::Serialize;
use sqlx::SqliteConnection;

use crate::{
    Sqlite, audit,
    batch::{Heap, Hex, json},
    idempotency, once,
    read::now,
    route::{Routed, config_version, store_routing},
};

/// Most payload bytes in one statement; larger batches take several.
const HEAP_BYTES_MAX: usize = 8 * 1024 * 1024;

#[async_trait::async_trait]
impl Intake for Sqlite {
    async fn config_version(&self) -> Result<i64> {
        let mut snapshot = self.snapshot().await?;
        config_version(&mut snapshot).await.map_err(|error| self.error(error))
    }

    async fn accept(&self, groups: &[Group], window: Duration) -> Result<Vec<Acceptance>> {
        let ids = groups.iter().flat_map(|group| &group.events).map(|event| event.id);
        within_clock(ids.max(), Timestamp::now())?;
        let groups = groups.to_vec();
        self.apply(move |tx| Box::pin(async move { accept(tx, &groups, window).await })).await
    }
}

/// Refuses ids too far ahead of the clock, since retention goes by the time in an event's id.
fn within_clock(greatest: Option<EventId>, now: Timestamp) -> Result<()> {
    match greatest.map(EventId::accepted_at).filter(|at| *at > now + IDS_AHEAD_MAX) {
        Some(at) => {
            Err(Error::Refused(format!("an event's id is of {at}, and this machine's clock shows {now}").into()))
        }
        None => Ok(()),
    }
}

async fn accept(tx: &mut SqliteConnection, groups: &[Group], window: Duration) -> sqlx::Result<Vec<Acceptance>> {
    let names = groups.iter().flat_map(|group| &group.events).filter_map(Name::of_accepted);
    let holders = idempotency::find(tx, names).await?;
    let mut answers = acceptance::of_groups(groups, &holders, window);
    idempotency::keep(tx, &acceptance::taken(groups, &answers)).await?;
    for (group, answer) in groups.iter().zip(&mut answers) {
        let Some(once) = group.once.as_ref().filter(|_| !acceptance::is_refused(answer)) else { continue };
        match once::find(tx, once).await? {
            Some(before) => answer.fill(Accepted::Before(before)),
            None => once::keep(tx, once).await?,
        }
    }
    let fresh: Vec<_> = acceptance::stored(groups, &answers).collect();
    let due = store(tx, &fresh).await?;
    for record in acceptance::records(groups, &answers) {
        audit::write(tx, record).await?;
    }
    acceptance::hand_out(groups, &mut answers, due);
    Ok(answers)
}

/// Stores events with all that belongs to them; returns the deliveries that may be sent now.
async fn store(tx: &mut SqliteConnection, events: &[&EventToAccept]) -> sqlx::Result<Vec<Due>> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let first: i64 = sqlx::query_scalar(sql!("intake/read_last_seq")).fetch_one(&mut *tx).await?;
    let seqs: Vec<i64> = (first + 1..).take(events.len()).collect();
    insert_events(tx, events, &seqs).await?;
    let routed: Vec<_> = events
        .iter()
        .zip(&seqs)
        .map(|(event, seq)| Routed { event: event.id, seq: *seq, expunged: false, routing: &event.routing })
        .collect();
    store_routing(tx, &routed, now()).await
}

/// An event as the statement reads it.
#[derive(Serialize)]
struct Row<'a> {
    seq: i64,
    id: Hex,
    tenant: &'a str,
    r#type: &'a str,
    key: Option<&'a str>,
    ordering_key: Option<&'a str>,
    idempotency_key: Option<&'a str>,
    occurred_at: i64,
    endpoint_keys: Option<&'a [String]>,
    destination: Option<&'a str>,
    trace: Option<String>,
    deliver_after: Option<i64>,
    expires_at: Option<i64>,
    metadata: Option<String>,
    test: bool,
    payload_at: usize,
    payload_size: usize,
}

async fn insert_events(tx: &mut SqliteConnection, events: &[&EventToAccept], seqs: &[i64]) -> sqlx::Result<()> {
    let (mut rows, mut heap, mut bytes) = (Vec::new(), Heap::new(), 0);
    for (event, seq) in events.iter().zip(seqs) {
        if bytes > 0 && bytes + event.payload.len() > HEAP_BYTES_MAX {
            insert_rows(tx, &rows, heap).await?;
            (rows, heap, bytes) = (Vec::new(), Heap::new(), 0);
        }
        bytes += event.payload.len();
        let (payload_at, payload_size) = heap.keep(&event.payload);
        rows.push(Row {
            seq: *seq,
            id: Hex(event.id.uuid()),
            tenant: &event.tenant,
            r#type: &event.event_type,
            key: event.key.as_deref(),
            ordering_key: event.ordering_key.as_deref(),
            idempotency_key: event.idempotency_key.as_deref(),
            occurred_at: event.occurred_at.micros(),
            endpoint_keys: event.endpoint_keys.as_deref(),
            destination: event.destination.as_deref(),
            trace: event.trace.as_ref().map(|trace| trace.to_text()),
            deliver_after: event.schedule.deliver_after.map(Timestamp::micros),
            expires_at: event.schedule.expires_at.map(Timestamp::micros),
            metadata: event.metadata.as_ref().and_then(|metadata| metadata.to_text()),
            test: event.test,
            payload_at,
            payload_size,
        });
    }
    insert_rows(tx, &rows, heap).await
}

async fn insert_rows(tx: &mut SqliteConnection, rows: &[Row<'_>], heap: Heap) -> sqlx::Result<()> {
    sqlx::query(sql!("intake/insert_events")).bind(json(rows)?).bind(heap.into_bytes()).execute(tx).await?;
    Ok(())
}

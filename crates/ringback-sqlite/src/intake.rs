//! Accepting events that come through the engine: events, deliveries and idempotency keys in one transaction.

use std::{collections::HashMap, time::Duration};

use ringback::{
    delivery::Due,
    id::EventId,
    store::{Acceptance, Accepted, Error, EventToAccept, Group, IDS_AHEAD_MAX, Intake, Result},
    time::Timestamp,
};
use serde::Serialize;
use sqlx::SqliteConnection;

use crate::{
    Sqlite, audit,
    batch::{Heap, Hex, json},
    idempotency::{self, Brought, Name},
    once,
    read::now,
    route::{Routed, config_version, store_routing},
};

/// Payload bytes that one statement is given: larger batches take several.
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

/// Retention goes by the time in an event's id.
fn within_clock(greatest: Option<EventId>, now: Timestamp) -> Result<()> {
    match greatest.map(EventId::accepted_at).filter(|at| *at > now + IDS_AHEAD_MAX) {
        Some(at) => {
            Err(Error::Refused(format!("an event's id is of {at}, and this machine's clock shows {now}").into()))
        }
        None => Ok(()),
    }
}

async fn accept(tx: &mut SqliteConnection, groups: &[Group], window: Duration) -> sqlx::Result<Vec<Acceptance>> {
    let names = groups.iter().flat_map(|group| &group.events).filter_map(name);
    let known = idempotency::find(tx, names).await?;
    let judge = |event: &EventToAccept| judge(event, &known, window);
    let mut answers: Vec<Acceptance> = groups.iter().map(|group| group.events.iter().map(judge).collect()).collect();

    for (group, answer) in groups.iter().zip(&mut answers) {
        let Some(once) = group.once.as_ref().filter(|_| !answer.iter().any(Accepted::refuses_group)) else { continue };
        match once::find(tx, once).await? {
            Some(before) => answer.fill(Accepted::Before(before)),
            None => once::keep(tx, once).await?,
        }
    }
    let accepted: Vec<&EventToAccept> =
        groups.iter().zip(&answers).flat_map(|(group, answer)| new_of(group, answer)).collect();
    let mut due = store(tx, &accepted).await?;
    for (group, answer) in groups.iter().zip(&mut answers) {
        if let Some(record) = &group.record
            && !new_of(group, answer).is_empty()
        {
            audit::write(tx, record).await?;
        }
        for (event, accepted) in group.events.iter().zip(answer) {
            if let Accepted::New(deliveries) = accepted {
                *deliveries = due.remove(&event.id).unwrap_or_default();
            }
        }
    }
    Ok(answers)
}

/// What would become of an event by itself.
fn judge(event: &EventToAccept, known: &HashMap<Name, Brought>, window: Duration) -> Accepted {
    let brought = name(event).and_then(|name| known.get(&name));
    match brought.filter(|brought| brought.counts_for(event.id, window)) {
        None => Accepted::New(Vec::new()),
        Some(Brought { event: first, content: Some(content) }) if content[..] != event.content => {
            Accepted::Conflict(*first)
        }
        Some(Brought { event: first, .. }) => Accepted::Duplicate(*first),
    }
}

/// The events of a group that are to be stored: none if one of it is in conflict.
fn new_of<'a>(group: &'a Group, answer: &[Accepted]) -> Vec<&'a EventToAccept> {
    if answer.iter().any(Accepted::refuses_group) {
        return Vec::new();
    }
    group
        .events
        .iter()
        .zip(answer)
        .filter(|(_, accepted)| matches!(accepted, Accepted::New(_)))
        .map(|(event, _)| event)
        .collect()
}

fn name(event: &EventToAccept) -> Option<Name> {
    Name::of(&event.tenant, &event.event_type, event.idempotency_key.as_deref())
}

/// Stores events with all that belongs to them; the deliveries that may be sent now, by event.
async fn store(tx: &mut SqliteConnection, events: &[&EventToAccept]) -> sqlx::Result<HashMap<EventId, Vec<Due>>> {
    if events.is_empty() {
        return Ok(HashMap::new());
    }
    let first: i64 = sqlx::query_scalar(sql!("read_last_seq")).fetch_one(&mut *tx).await?;
    let seqs: Vec<i64> = (first + 1..).take(events.len()).collect();
    insert_events(tx, events, &seqs).await?;
    let keys = events.iter().filter_map(|event| Some((name(event)?, event.id, Some(event.content))));
    idempotency::keep(tx, keys).await?;
    let routed: Vec<_> = events
        .iter()
        .zip(&seqs)
        .map(|(event, seq)| Routed { event: event.id, seq: *seq, expunged: false, routing: &event.routing })
        .collect();
    let mut by_event = HashMap::<_, Vec<_>>::new();
    for due in store_routing(tx, &routed, now()).await? {
        by_event.entry(due.id.event()).or_default().push(due);
    }
    Ok(by_event)
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
            test: event.test,
            payload_at,
            payload_size,
        });
    }
    insert_rows(tx, &rows, heap).await
}

async fn insert_rows(tx: &mut SqliteConnection, rows: &[Row<'_>], heap: Heap) -> sqlx::Result<()> {
    sqlx::query(sql!("insert_events")).bind(json(rows)?).bind(heap.into_bytes()).execute(tx).await?;
    Ok(())
}

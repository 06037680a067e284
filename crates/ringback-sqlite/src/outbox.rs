//! The outbox: reading events that callers emitted by SQL, and storing what they were routed to.

use std::{collections::HashMap, time::Duration};

use futures_util::TryStreamExt as _;
use ringback::{
    event::{Event, NewEvent},
    id::EventId,
    store::{
        Error, Floor, Outbox, OutboxPage, Pointer, RecordedRouting, Result, RoutedAs, RoutedEvent, UnroutedEvent,
        rules::idempotency::{self as rules, Name},
    },
};
use sqlx::{Row as _, SqliteConnection};

use crate::{
    Sqlite,
    batch::json,
    emit, idempotency,
    read::{event, now},
    route::{Routed, config_version, store_duplicates, store_routing},
};

/// A page ends with the event that brings its endpoint keys and destinations to so many bytes.
const PAGE_BYTES: usize = 8 * 1024 * 1024;

#[async_trait::async_trait]
impl Outbox for Sqlite {
    async fn read_outbox(&self, floor: Floor, limit: u32) -> Result<OutboxPage> {
        let mut snapshot = self.snapshot().await?;
        read_outbox(&mut snapshot, floor, limit).await.map_err(|error| self.error(error))
    }

    async fn record_routing(&self, events: &[RoutedEvent], window: Duration) -> Result<RecordedRouting> {
        let events = events.to_vec();
        self.apply(move |tx| Box::pin(async move { record_routing(tx, &events, window).await })).await
    }

    async fn emit(&self, event: &NewEvent) -> Result<EventId> {
        emit::check(event).map_err(|invalid| Error::Refused(invalid.into()))?;
        let event = event.clone();
        self.apply(move |tx| Box::pin(async move { emit::insert(tx, &event).await })).await
    }
}

/// With one writer, pointers appear in the order of `seq`: below the end of a page no further one can appear.
async fn read_outbox(connection: &mut SqliteConnection, floor: Floor, limit: u32) -> sqlx::Result<OutboxPage> {
    let (mut events, mut bytes) = (Vec::new(), 0);
    let mut rows = sqlx::query(sql!("outbox/read_pointers")).bind(floor.0).bind(limit).fetch(&mut *connection);
    while bytes < PAGE_BYTES
        && let Some(row) = rows.try_next().await?
    {
        let event = event(&row)?;
        bytes += weight(&event);
        events.push(UnroutedEvent { pointer: Pointer { xid: 0, seq: event.seq }, event });
    }
    drop(rows);
    let next = events.last().map_or(floor, |last| Floor(last.pointer.seq + 1));
    Ok(OutboxPage { events, next, config_version: config_version(connection).await? })
}

/// The bytes of an event's endpoint keys and destination.
fn weight(event: &Event) -> usize {
    let keys: usize = event.endpoint_keys.iter().flatten().map(String::len).sum();
    keys + event.destination.as_ref().map_or(0, String::len)
}

async fn record_routing(
    tx: &mut SqliteConnection,
    given: &[RoutedEvent],
    window: Duration,
) -> sqlx::Result<RecordedRouting> {
    let taken = take_pointers(tx, given).await?;
    let mut events: Vec<_> = given.iter().filter(|routed| taken.contains_key(&routed.pointer.seq)).collect();
    events.sort_by_key(|routed| routed.pointer);

    let names = events.iter().filter_map(|routed| Name::of_routed(routed));
    let holders = idempotency::find(tx, names).await?;
    let folded = rules::fold(events.iter().copied(), &holders, window);
    idempotency::keep(tx, &folded.taken).await?;
    let (mut duplicates, mut first, mut found) = (Vec::new(), Vec::new(), HashMap::with_capacity(events.len()));
    for routed in events {
        let (id, seq) = (routed.event.id, routed.pointer.seq);
        let expunged = taken.get(&seq).copied().unwrap_or_default();
        let routed_as = match folded.duplicates.get(&id) {
            Some(original) => {
                duplicates.push((id, *original, routed.routing.config_version));
                RoutedAs::Duplicate
            }
            None => {
                first.push(Routed { event: id, seq, expunged, routing: &routed.routing });
                if expunged { RoutedAs::Expunged } else { RoutedAs::Stored }
            }
        };
        found.insert(id, routed_as);
    }
    store_duplicates(tx, &duplicates).await?;
    Ok(RecordedRouting::of(given, store_routing(tx, &first, now()).await?, &found))
}

/// Removes the pointers that are still there; returns for each whether its event's payload has been expunged.
async fn take_pointers(tx: &mut SqliteConnection, events: &[RoutedEvent]) -> sqlx::Result<HashMap<i64, bool>> {
    let seqs: Vec<_> = events.iter().map(|routed| routed.pointer.seq).collect();
    let seqs = json(&seqs)?;
    let rows = sqlx::query(sql!("outbox/find_pointers")).bind(&seqs).fetch_all(&mut *tx).await?;
    sqlx::query(sql!("outbox/remove_pointers")).bind(&seqs).execute(tx).await?;
    rows.iter().map(|row| Ok((row.try_get("seq")?, row.try_get("expunged")?))).collect()
}

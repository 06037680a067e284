//! The outbox: events that callers wrote in their own transactions are read in order, routed, and their pointers removed.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use ringback::{
    event::NewEvent,
    id::EventId,
    store::{
        Error, Floor, Outbox, OutboxPage, Pointer, RecordedRouting, Result, RoutedAs, RoutedEvent, UnroutedEvent,
        rules::idempotency::{self as rules, Holder, Name},
    },
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Postgres, emit, error::from_sqlx, idempotency, routed::RoutedRows, rows, sql::prepared};

/// Most bytes of endpoint keys and destinations in a page: some thirty times what one event may have.
const PAGE_BYTES: i64 = 8 * 1024 * 1024;

/// Begins a transaction that records routing. It waits a tenth of a second for a lock: longer than other transactions of
/// Ringback's keep the row of an idempotency key, and all that is in the outbox waits meanwhile.
const BEGIN_ROUTING: &str = "BEGIN; SET LOCAL lock_timeout = '100ms'";

#[async_trait::async_trait]
impl Outbox for Postgres {
    async fn read_outbox(&self, floor: Floor, limit: u32) -> Result<OutboxPage> {
        let mut connection = self.work().await?;
        let rows = prepared(&self.sql().read_pointers)
            .bind(floor.0)
            .bind(i64::from(limit))
            .fetch_all(&mut *connection)
            .await
            .map_err(from_sqlx)?;
        let first = rows.first().ok_or_else(|| Error::Schema("the configuration row is missing".to_owned()))?;
        let (snapshot, config_version) = (rows::get(first, "xmin")?, rows::get(first, "version")?);
        if snapshot < floor.0 {
            // The oldest running transaction never moves back, so this database is older than the one of the floor.
            drop(connection);
            return self.read_outbox(Floor::default(), limit).await;
        }
        let mut pointers: Vec<(Pointer, Uuid)> = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Some(event) = rows::get(row, "event_id")? {
                pointers.push((Pointer { xid: rows::get(row, "xid")?, seq: rows::get(row, "seq")? }, event));
            }
        }
        let (events, fitting) = unrouted(self, &mut connection, &pointers).await?;
        let full = pointers.len() >= limit as usize || fitting < pointers.len();
        let next = next_floor(floor, snapshot, full, &pointers[..fitting]);
        Ok(OutboxPage { events, next, config_version })
    }

    async fn record_routing(&self, events: &[RoutedEvent], window: Duration) -> Result<RecordedRouting> {
        let mut transaction = self.begin_work_with(BEGIN_ROUTING).await?;
        let taken = take_pointers(self, &mut transaction, events).await?;
        let duplicates = fold(self, &mut transaction, &taken, window).await?;
        let expunged = find_expunged(self, &mut transaction, &taken).await?;
        let (mut rows, mut found) = (RoutedRows::default(), HashMap::with_capacity(taken.len()));
        for routed in &taken {
            let (id, is_expunged) = (routed.event.id, expunged.contains(&routed.event.id.uuid()));
            let routed_as = match duplicates.get(&id) {
                Some(&first) => {
                    rows.push_duplicate(id, first, routed.routing.config_version);
                    RoutedAs::Duplicate
                }
                None => {
                    rows.push(id, routed.event.seq, &routed.routing, is_expunged);
                    if is_expunged { RoutedAs::Expunged } else { RoutedAs::Stored }
                }
            };
            found.insert(id, routed_as);
        }
        let due = rows.insert(self, &mut transaction).await?;
        transaction.commit().await.map_err(from_sqlx)?;
        Ok(RecordedRouting::of(events, due, &found))
    }

    async fn emit(&self, event: &NewEvent) -> Result<EventId> {
        emit::call(&mut *self.work().await?, &self.sql().emit, event).await.map_err(|error| match error {
            emit::Error::Invalid(invalid) => Error::Refused(Box::new(invalid)),
            emit::Error::Database(error) => from_sqlx(error),
        })
    }
}

/// The floor for the next read. A page that was not full was complete: no pointer below its snapshot's oldest running
/// transaction can appear any more. For a full page this holds up to its last pointer's transaction.
fn next_floor(asked: Floor, snapshot: i64, full: bool, pointers: &[(Pointer, Uuid)]) -> Floor {
    let reached = match pointers.last() {
        Some((last, _)) if full => last.xid.min(snapshot),
        _ => snapshot,
    };
    asked.max(Floor(reached))
}

/// The events of the first `pointers`, as many as fit into [`PAGE_BYTES`] and at least one, and how many pointers that is.
async fn unrouted(
    store: &Postgres,
    connection: &mut PgConnection,
    pointers: &[(Pointer, Uuid)],
) -> Result<(Vec<UnroutedEvent>, usize)> {
    if pointers.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let ids: Vec<Uuid> = pointers.iter().map(|(_, event)| *event).collect();
    let statement = prepared(&store.sql().read_events).bind(&ids).bind(PAGE_BYTES);
    let rows = statement.fetch_all(&mut *connection).await.map_err(from_sqlx)?;
    let mut events = HashMap::with_capacity(rows.len());
    let mut first_beyond = None;
    for row in &rows {
        if rows::get(row, "fits")? {
            let event = rows::event(row)?;
            events.insert(event.id.uuid(), event);
        } else {
            first_beyond = Some(rows::get::<Uuid, _>(row, "id")?);
            break;
        }
    }
    let beyond = first_beyond.and_then(|first| ids.iter().position(|id| *id == first));
    let fitting = &pointers[..beyond.unwrap_or(pointers.len())];
    // If a pointer's event is gone, it was routed and dropped since the pointer was read.
    let event_of =
        |(pointer, id): &(Pointer, Uuid)| Some(UnroutedEvent { pointer: *pointer, event: events.remove(id)? });
    Ok((fitting.iter().filter_map(event_of).collect(), fitting.len()))
}

/// Those of `events` whose pointers this transaction removed, in order of their pointers.
async fn take_pointers<'a>(
    store: &Postgres,
    connection: &mut PgConnection,
    events: &'a [RoutedEvent],
) -> Result<Vec<&'a RoutedEvent>> {
    let mut events: Vec<_> = events.iter().collect();
    events.sort_unstable_by_key(|routed| routed.pointer);
    let xids: Vec<i64> = events.iter().map(|routed| routed.pointer.xid).collect();
    let seqs: Vec<i64> = events.iter().map(|routed| routed.pointer.seq).collect();
    let lost = prepared(&store.sql().remove_pointers)
        .bind(&xids)
        .bind(&seqs)
        .fetch_all(connection)
        .await
        .map_err(from_sqlx)?;
    let lost = lost.iter().map(|row| rows::position(row, events.len())).collect::<Result<HashSet<_>>>()?;
    if !lost.is_empty() {
        let mut position = 0..;
        events.retain(|_| position.next().is_none_or(|position| !lost.contains(&position)));
    }
    Ok(events)
}

/// The events that are duplicates, each with the event that it duplicates.
async fn fold(
    store: &Postgres,
    connection: &mut PgConnection,
    events: &[&RoutedEvent],
    window: Duration,
) -> Result<HashMap<EventId, EventId>> {
    // In reverse, so that in the map the first event of each key replaces the later ones.
    let wanted =
        events.iter().rev().filter_map(|it| Some((Name::of_routed(it)?, Holder::routed(it.event.id)))).collect();
    let locked = idempotency::lock(store, connection, wanted).await?;
    let folded = rules::fold(events.iter().copied(), &locked.holders, window);
    idempotency::keep(store, connection, &locked, &folded.taken).await?;
    Ok(folded.duplicates)
}

async fn find_expunged(
    store: &Postgres,
    connection: &mut PgConnection,
    events: &[&RoutedEvent],
) -> Result<HashSet<Uuid>> {
    let ids: Vec<Uuid> = events.iter().map(|routed| routed.event.id.uuid()).collect();
    let rows = prepared(&store.sql().find_expunged).bind(&ids).fetch_all(connection).await.map_err(from_sqlx)?;
    rows.iter().map(|row| rows::get(row, "id")).collect()
}

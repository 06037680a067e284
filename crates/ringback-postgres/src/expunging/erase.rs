//! Erases a batch of events, in the caller's transaction. A transaction that records an outcome of them either comes first
//! or waits for this one.

use ringback::{
    id::EventId,
    store::{Erased, Keys, Result, rules::erasing},
};
use sqlx::{PgConnection, SqlStr, postgres::PgRow};
use uuid::Uuid;

use super::answers;
use crate::{Postgres, error::from_sqlx, rows, sql::query};

/// Erases events; the caller has raised the version before. Events that do not exist are skipped, and events of which all
/// was erased before are not counted.
pub(super) async fn erase(
    store: &Postgres,
    connection: &mut PgConnection,
    events: &[EventId],
    keys: Keys,
) -> Result<Erased> {
    // Makes the planner find ranges of ids by index, however many rows it expects in them.
    sqlx::query("SET LOCAL enable_seqscan = off")
        .persistent(false)
        .execute(&mut *connection)
        .await
        .map_err(from_sqlx)?;
    let ids: Vec<Uuid> = events.iter().map(|id| id.uuid()).collect();
    let rows = query(&store.sql().lock_events_to_erase).bind(&ids).fetch_all(&mut *connection).await;
    let found = rows.map_err(from_sqlx)?.iter().map(Found::read).collect::<Result<Vec<_>>>()?;
    if found.is_empty() {
        return Ok(Erased::default());
    }
    let erases_keys = keys == Keys::Erase;
    write_events(store, connection, &found, erases_keys).await?;
    forget_idempotency(store, connection, &found, erases_keys).await?;
    let present: Vec<Uuid> = found.iter().map(|event| event.id).collect();
    let cancelled = cancel(store, connection, &present).await?;
    let inline: Vec<(Uuid, bool)> = found.iter().map(|event| (event.id, event.destination.is_some())).collect();
    // After cancelling, which waits for transactions that record outcomes: the answers they wrote are seen here.
    let answers = answers::erase(store, connection, &inline).await?;
    let changed =
        |event: &&Found| !event.expunged || (erases_keys && event.has_keys) || answers.events.contains(&event.id);
    Ok(Erased {
        events: count(found.iter().filter(changed).count()),
        payload_bytes: found.iter().filter(|event| event.has_payload).map(|event| event.payload_bytes).sum(),
        cancelled,
        attempts: answers.attempts,
    })
}

/// An event before it is erased.
struct Found {
    id: Uuid,
    tenant: String,
    event_type: String,
    idempotency_key: Option<String>,
    destination: Option<String>,
    payload_bytes: i64,
    has_payload: bool,
    expunged: bool,
    has_keys: bool,
}

impl Found {
    fn read(row: &PgRow) -> Result<Self> {
        Ok(Self {
            id: rows::get(row, "id")?,
            tenant: rows::get(row, "tenant")?,
            event_type: rows::get(row, "type")?,
            idempotency_key: rows::get(row, "idempotency_key")?,
            destination: rows::get(row, "destination")?,
            payload_bytes: rows::get::<i32, _>(row, "payload_bytes")?.into(),
            has_payload: rows::get(row, "has_payload")?,
            expunged: rows::get(row, "expunged")?,
            has_keys: rows::get(row, "has_keys")?,
        })
    }
}

async fn write_events(
    store: &Postgres,
    connection: &mut PgConnection,
    found: &[Found],
    erases_keys: bool,
) -> Result<()> {
    let to_do: Vec<_> = found.iter().filter(|event| !event.expunged || (erases_keys && event.has_keys)).collect();
    if to_do.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = to_do.iter().map(|event| event.id).collect();
    let destinations: Vec<Option<String>> =
        to_do.iter().map(|event| event.destination.as_deref().map(erasing::erased_destination)).collect();
    query(&store.sql().erase_events)
        .bind(&ids)
        .bind(&destinations)
        .bind(erases_keys)
        .execute(&mut *connection)
        .await
        .map_err(from_sqlx)?;
    query(&store.sql().erase_moving_events).bind(&ids).execute(connection).await.map_err(from_sqlx)?;
    Ok(())
}

async fn forget_idempotency(
    store: &Postgres,
    connection: &mut PgConnection,
    found: &[Found],
    erases_keys: bool,
) -> Result<()> {
    let mut held: Vec<(&str, &str, &str, Uuid)> = found
        .iter()
        .filter_map(|event| Some((&*event.tenant, &*event.event_type, event.idempotency_key.as_deref()?, event.id)))
        .collect();
    if held.is_empty() {
        return Ok(());
    }
    // Keys are locked in this order everywhere, so that no two transactions deadlock.
    held.sort_unstable();
    let statement = if erases_keys { &store.sql().erase_idempotency_keys } else { &store.sql().forget_contents };
    query(statement)
        .bind(held.iter().map(|it| it.0).collect::<Vec<_>>())
        .bind(held.iter().map(|it| it.1).collect::<Vec<_>>())
        .bind(held.iter().map(|it| it.2).collect::<Vec<_>>())
        .bind(held.iter().map(|it| it.3).collect::<Vec<_>>())
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
    Ok(())
}

/// Cancels the pending deliveries and dead letters of events; returns how many.
async fn cancel(store: &Postgres, connection: &mut PgConnection, events: &[Uuid]) -> Result<i64> {
    let rows = query(&store.sql().lock_deliveries_of_events).bind(events).fetch_all(&mut *connection).await;
    let owed = rows.map_err(from_sqlx)?.iter().map(|row| rows::get(row, "id")).collect::<Result<Vec<Uuid>>>()?;
    let mut cancelled = 0;
    if !owed.is_empty() {
        cancelled += run(connection, &store.sql().cancel_deliveries, &owed).await?;
    }
    cancelled += run(connection, &store.sql().cancel_dead_letters_of_events, events).await?;
    Ok(i64::try_from(cancelled).unwrap_or(i64::MAX))
}

async fn run(connection: &mut PgConnection, statement: &SqlStr, ids: &[Uuid]) -> Result<u64> {
    Ok(query(statement).bind(ids).execute(connection).await.map_err(from_sqlx)?.rows_affected())
}

fn count(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

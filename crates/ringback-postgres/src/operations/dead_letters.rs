//! Dead letters, newest death first.

use ringback::{
    audit::Record,
    delivery::{DeadReason, Status},
    id::{DeliveryId, EventId},
    store::{Change, DeliveryFilter, DeliveryRow, Page, Result},
    time::Timestamp,
};
use sqlx::{PgConnection, postgres::PgRow};
use uuid::Uuid;

use super::{deliveries, scan};
use crate::{Postgres, audit, configuration::announce, error::from_sqlx, rows, sql::query};

/// Where a page ends: (`died_at`, id).
type Place = (Timestamp, DeliveryId);

pub(super) async fn list(
    store: &Postgres,
    filter: &DeliveryFilter,
    before: Option<Place>,
    limit: u32,
) -> Result<Page<DeliveryRow, Place>> {
    if filter.status.is_some_and(|status| status != Status::Dead) {
        return Ok(Page { items: Vec::new(), next: None });
    }
    let mut snapshot = store.snapshot().await?;
    let events = deliveries::addressed_events(store, &mut snapshot, filter, Uuid::nil(), Uuid::max()).await?;
    let place = place(filter, before);
    let want = i64::from(limit) + 1;
    let rows = rows(store, &mut snapshot, filter, place, want, events.as_deref()).await?;
    let mut end = None;
    if i64::try_from(rows.len()) == Ok(want) {
        end = rows.last().map(|row| died(row, "finished_at", "delivery_id")).transpose()?;
    } else if events.is_none() {
        end = end_of_page(store, &mut snapshot, filter, place).await?;
    }
    let mut items = deliveries::read_all(&rows, filter)?;
    if items.len() > limit as usize {
        items.truncate(limit as usize);
        end = items.last().and_then(|row| Some((row.finished_at?, row.id)));
    }
    Ok(Page { items, next: end })
}

async fn rows(
    store: &Postgres,
    connection: &mut PgConnection,
    filter: &DeliveryFilter,
    (died_at, id): (i64, Uuid),
    want: i64,
    events: Option<&[EventId]>,
) -> Result<Vec<PgRow>> {
    let sql = store.sql();
    let statement = if events.is_some() { &sql.list_dead_letters_of_events } else { &sql.list_dead_letters };
    let list = query(statement).bind(since(filter)).bind(died_at).bind(id).bind(want);
    let list = scan::bind(list, filter).bind(filter.reason.map(DeadReason::code));
    let list = match events {
        Some(events) => list.bind(events.iter().map(|event| event.uuid()).collect::<Vec<_>>()),
        None => list.bind(scan::DELIVERIES_MAX),
    };
    list.fetch_all(connection).await.map_err(from_sqlx)
}

/// Where a page ends that has looked at as many dead letters as it may.
async fn end_of_page(
    store: &Postgres,
    connection: &mut PgConnection,
    filter: &DeliveryFilter,
    (died_at, id): (i64, Uuid),
) -> Result<Option<Place>> {
    let row = query(&store.sql().end_of_dead_letters)
        .bind(since(filter))
        .bind(died_at)
        .bind(id)
        .bind(scan::DELIVERIES_MAX)
        .bind(filter.endpoint.map(|endpoint| endpoint.uuid()))
        .fetch_optional(connection)
        .await
        .map_err(from_sqlx)?;
    row.map(|row| died(&row, "died_at", "id")).transpose()
}

fn died(row: &PgRow, at: &str, id: &str) -> Result<Place> {
    Ok((rows::time(row, at)?, DeliveryId::from_uuid(rows::get(row, id)?)))
}

fn since(filter: &DeliveryFilter) -> i64 {
    filter.span.since.map_or(i64::MIN, Timestamp::micros)
}

/// Strictly before the cursor and before the end of the stretch asked for, whichever comes first.
fn place(filter: &DeliveryFilter, before: Option<Place>) -> (i64, Uuid) {
    let end = filter.span.until.map_or((i64::MAX, Uuid::max()), |until| (until.micros(), Uuid::nil()));
    before.map_or(end, |(died_at, id)| end.min((died_at.micros(), id.uuid())))
}

pub(super) async fn discard(store: &Postgres, id: DeliveryId, record: &Record) -> Result<bool> {
    let mut transaction = store.begin().await?;
    // It may have blocked its ordering key: its lane is looked at again.
    announce(store, &mut transaction, &[Change::DeliveryReleased(id)]).await?;
    let done =
        query(&store.sql().discard_dead_letter).bind(id.uuid()).execute(&mut *transaction).await.map_err(from_sqlx)?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    audit::write(store, &mut transaction, record).await?;
    transaction.commit().await.map_err(from_sqlx)?;
    Ok(true)
}

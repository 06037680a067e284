//! Dead letters, newest death first.

use ringback::{
    audit::Record,
    delivery::{DeadReason, Status},
    id::DeliveryId,
    store::{Change, DeliveryFilter, DeliveryRow, Page, Result},
    time::Timestamp,
};
use uuid::Uuid;

use super::{deliveries, scan};
use crate::{Postgres, audit, configuration::announce, error::from_sqlx, rows, sql::query};

pub(super) async fn list(
    store: &Postgres,
    filter: &DeliveryFilter,
    before: Option<(Timestamp, DeliveryId)>,
    limit: u32,
) -> Result<Page<DeliveryRow, (Timestamp, DeliveryId)>> {
    if filter.status.is_some_and(|status| status != Status::Dead) {
        return Ok(Page { items: Vec::new(), next: None });
    }
    let mut connection = store.desk().await?;
    let events = deliveries::addressed_events(store, &mut connection, filter, Uuid::nil(), Uuid::max()).await?;
    let read = if scan::needs_event(filter) { scan::ROWS_MAX.max(limit) } else { limit };
    let statement =
        if events.is_some() { &store.sql().list_dead_letters_of_events } else { &store.sql().list_dead_letters };
    let (died_at, id) = place(filter, before);
    let mut list = query(statement)
        .bind(died_at)
        .bind(id)
        .bind(filter.span.since.map_or(i64::MIN, Timestamp::micros))
        .bind(i64::from(read))
        .bind(filter.reason.map(DeadReason::code))
        .bind(filter.endpoint.map(|endpoint| endpoint.uuid()));
    if let Some(events) = &events {
        list = list.bind(events.iter().map(|event| event.uuid()).collect::<Vec<_>>());
    }
    let rows = list.fetch_all(&mut *connection).await.map_err(from_sqlx)?;
    let mut found = deliveries::complete(store, &mut connection, &rows).await?;
    found.retain(|row| scan::admits_delivery(filter, &row.event, row.endpoint));
    let next = match (limit as usize).checked_sub(1).and_then(|last| found.get(last)) {
        Some(last) => last.finished_at.map(|died_at| (died_at, last.id)),
        None if rows.len() == read as usize => rows
            .last()
            .map(|row| Ok((rows::time(row, "finished_at")?, DeliveryId::from_uuid(rows::get(row, "id")?))))
            .transpose()?,
        None => None,
    };
    found.truncate(limit as usize);
    Ok(Page { items: found, next })
}

/// Strictly before the cursor and before the end of the stretch asked for, whichever comes first.
fn place(filter: &DeliveryFilter, before: Option<(Timestamp, DeliveryId)>) -> (i64, Uuid) {
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

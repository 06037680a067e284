//! Dead letters, newest death first.

use ringback::{
    audit::Entry,
    delivery::DeadReason,
    id::{DeliveryId, EventId},
    store::{
        Change, DeliveryFilter, DeliveryRow, Page, Result,
        rules::page::{
            DELIVERIES_MAX, Death, EVENTS_OF_KEY_MAX, OfKey, Table, dead_letters_of_key, deaths, merge, places,
        },
    },
};
use sqlx::{PgConnection, postgres::PgRow};

use super::{
    deliveries,
    scan::{self, Found, Range},
};
use crate::{Postgres, audit, configuration::announce, error::from_sqlx, rows, sql::query};

pub(super) async fn list(
    store: &Postgres,
    filter: &DeliveryFilter,
    before: Option<Death>,
    limit: u32,
) -> Result<Page<DeliveryRow, Death>> {
    if !places(filter).any(|place| place == Table::DeadLetter) {
        return Ok(Page { items: Vec::new(), next: None });
    }
    let mut snapshot = store.snapshot().await?;
    let most = EVENTS_OF_KEY_MAX + 1;
    let events = deliveries::addressed_events(store, &mut snapshot, filter, Range::ALL, most).await?;
    let events = events.filter(|events| dead_letters_of_key(events.len()) == OfKey::ByEvents);
    let want = i64::from(limit) + 1;
    let rows = rows(store, &mut snapshot, filter, before, want, events.as_deref()).await?;
    let mut end = None;
    if i64::try_from(rows.len()) == Ok(want) {
        end = rows.last().map(|(death, _)| *death);
    } else if events.is_none() {
        end = end_of_page(store, &mut snapshot, filter, before).await?;
    }
    Ok(merge(vec![Found { rows: deliveries::read_all(&rows, filter)?, end }], limit))
}

async fn rows(
    store: &Postgres,
    connection: &mut PgConnection,
    filter: &DeliveryFilter,
    before: Option<Death>,
    want: i64,
    events: Option<&[EventId]>,
) -> Result<Vec<(Death, PgRow)>> {
    let (sql, (since, (died_at, id))) = (store.sql(), deaths(filter.span, before));
    let statement = if events.is_some() { &sql.list_dead_letters_of_events } else { &sql.list_dead_letters };
    let list = query(statement).bind(since.micros()).bind(died_at.micros()).bind(id.uuid()).bind(want);
    let list = scan::bind(list, filter).bind(filter.reason.map(DeadReason::code));
    let list = match events {
        Some(events) => list.bind(events.iter().map(|event| event.uuid()).collect::<Vec<_>>()),
        None => list.bind(DELIVERIES_MAX),
    };
    let rows = list.fetch_all(connection).await.map_err(from_sqlx)?;
    rows.into_iter().map(|row| Ok((died(&row, "finished_at", "delivery_id")?, row))).collect()
}

/// The place at which a page ends that has looked at as many dead letters as it may.
async fn end_of_page(
    store: &Postgres,
    connection: &mut PgConnection,
    filter: &DeliveryFilter,
    before: Option<Death>,
) -> Result<Option<Death>> {
    let (since, (died_at, id)) = deaths(filter.span, before);
    let row = query(&store.sql().end_of_dead_letters)
        .bind(since.micros())
        .bind(died_at.micros())
        .bind(id.uuid())
        .bind(DELIVERIES_MAX)
        .bind(filter.endpoint.map(|endpoint| endpoint.uuid()))
        .bind(filter.tenant.as_deref())
        .fetch_optional(connection)
        .await
        .map_err(from_sqlx)?;
    row.map(|row| died(&row, "died_at", "id")).transpose()
}

fn died(row: &PgRow, at: &str, id: &str) -> Result<Death> {
    Ok((rows::time(row, at)?, DeliveryId::from_uuid(rows::get(row, id)?)))
}

pub(super) async fn discard(store: &Postgres, id: DeliveryId, record: &Entry) -> Result<bool> {
    let mut transaction = store.begin().await?;
    // The dead letter may have blocked its ordering key, so its lane must be read again.
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

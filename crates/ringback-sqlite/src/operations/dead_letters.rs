//! Dead letters in the order of their deaths.

use ringback::{
    id::{DeliveryId, EventId},
    store::{
        DeliveryFilter, DeliveryRow, Page,
        rules::{
            host::goes_to,
            page::{
                DELIVERIES_MAX, Death, EVENTS_OF_KEY_MAX, OfKey, Table, dead_letters_of_key, deaths, merge, places,
                windows,
            },
        },
    },
};
use sqlx::SqliteConnection;

use super::{
    deliveries::{bind, dead_of, delivery_row, events_of_key},
    scan::{Found, Range},
};
use crate::read::{time, uuid};

/// Newest death first, a bounded number of rows as in [`super::scan`].
pub(super) async fn list(
    connection: &mut SqliteConnection,
    filter: &DeliveryFilter,
    before: Option<Death>,
    limit: u32,
) -> sqlx::Result<Page<DeliveryRow, Death>> {
    if !places(filter).any(|place| place == Table::DeadLetter) {
        return Ok(Page { items: Vec::new(), next: None });
    }
    let found = match (filter.event, &filter.key) {
        (Some(event), _) => of_events(connection, filter, &[event], before).await?,
        (None, Some(key)) => {
            let events = events_of_key(connection, key, Range::ALL, EVENTS_OF_KEY_MAX + 1).await?;
            match dead_letters_of_key(events.len()) {
                OfKey::ByEvents => of_events(connection, filter, &events, before).await?,
                OfKey::ByDeaths => scanned(connection, filter, before, limit).await?,
            }
        }
        (None, None) => scanned(connection, filter, before, limit).await?,
    };
    Ok(merge(vec![found], limit))
}

/// The dead letters of a few events.
async fn of_events(
    connection: &mut SqliteConnection,
    filter: &DeliveryFilter,
    events: &[EventId],
    before: Option<Death>,
) -> sqlx::Result<Found<DeliveryRow, Death>> {
    let (since, high) = deaths(filter.span, before);
    let mut rows = Vec::new();
    for event in events {
        rows.extend(dead_of(connection, filter, *event).await?.into_iter().map(|row| (death(&row), row)));
    }
    rows.retain(|(death, _)| death.0 >= since && *death < high);
    Ok(Found { rows, end: None })
}

/// The dead letters that match among the newest ones.
async fn scanned(
    connection: &mut SqliteConnection,
    filter: &DeliveryFilter,
    before: Option<Death>,
    limit: u32,
) -> sqlx::Result<Found<DeliveryRow, Death>> {
    let filter_arguments = bind(filter)?;
    let (page, end_of) = if filter.endpoint.is_some() {
        (
            sql!("dead_letters/list_dead_letters", "AND endpoint_id = ?9"),
            sql!("dead_letters/end_of_dead_letters", "AND endpoint_id = ?9"),
        )
    } else if filter.tenant.is_some() {
        (
            sql!("dead_letters/list_dead_letters", "AND tenant = ?6"),
            sql!("dead_letters/end_of_dead_letters", "AND tenant = ?6"),
        )
    } else {
        (sql!("dead_letters/list_dead_letters"), sql!("dead_letters/end_of_dead_letters"))
    };
    let (since, mut high) = deaths(filter.span, before);
    let want = i64::from(limit) + 1;

    let mut found = Found { rows: Vec::new(), end: None };
    for window in windows(want, DELIVERIES_MAX).into_iter().filter(|window| *window > 0) {
        let left = want - i64::try_from(found.rows.len()).unwrap_or(want);
        let query = |statement| {
            let query = sqlx::query(statement)
                .bind(since.micros())
                .bind(high.0.micros())
                .bind(high.1.uuid().as_bytes().to_vec())
                .bind(left);
            filter_arguments(query).bind(window)
        };
        let rows = query(page).fetch_all(&mut *connection).await?;
        let rows = rows.iter().map(|row| Ok(delivery_row(row)?.1)).collect::<sqlx::Result<Vec<_>>>()?;
        let full = i64::try_from(rows.len()) == Ok(left);
        found.end = if full {
            rows.last().map(death)
        } else {
            let end = query(end_of).fetch_optional(&mut *connection).await?;
            end.map(|row| Ok::<_, sqlx::Error>((time(&row, "died_at")?, DeliveryId::from_uuid(uuid(&row, "id")?))))
                .transpose()?
        };
        found.rows.extend(rows.into_iter().filter(|row| goes_to(filter, row)).map(|row| (death(&row), row)));
        match found.end {
            Some(end) if !full => high = end,
            _ => break,
        }
    }
    Ok(found)
}

fn death(row: &DeliveryRow) -> Death {
    (row.finished_at.unwrap_or_default(), row.id)
}

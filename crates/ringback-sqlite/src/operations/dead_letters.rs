//! Dead letters in the order of their deaths.

use ringback::{
    id::{DeliveryId, EventId},
    store::{DeliveryFilter, DeliveryRow, Page},
    time::Timestamp,
};
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::{
    deliveries::{bind, dead_of, delivery_row, events_of_key, goes_to},
    scan::{Range, WINDOWS},
};
use crate::read::{time, uuid};

/// Where a page ends: (`died_at`, id).
type Place = (Timestamp, DeliveryId);

/// Newest death first, a bounded number of rows as in [`super::scan`].
pub(super) async fn list(
    connection: &mut SqliteConnection,
    filter: &DeliveryFilter,
    before: Option<Place>,
    limit: u32,
) -> sqlx::Result<Page<DeliveryRow, Place>> {
    let until = (filter.span.until.unwrap_or(Timestamp::from_micros(i64::MAX)), DeliveryId::from_uuid(Uuid::nil()));
    let high = before.map_or(until, |before| before.min(until));
    match (filter.event, &filter.key) {
        (Some(event), _) => of_events(connection, filter, &[event], high, limit).await,
        (None, Some(key)) => {
            let everything = Range { low: Uuid::nil(), high: Uuid::max() };
            let events = events_of_key(connection, key, everything).await?;
            of_events(connection, filter, &events, high, limit).await
        }
        (None, None) => scanned(connection, filter, high, limit).await,
    }
}

/// Those of a few events.
async fn of_events(
    connection: &mut SqliteConnection,
    filter: &DeliveryFilter,
    events: &[EventId],
    high: Place,
    limit: u32,
) -> sqlx::Result<Page<DeliveryRow, Place>> {
    let since = filter.span.since.unwrap_or(Timestamp::from_micros(i64::MIN));
    let mut items = Vec::new();
    for event in events {
        items.extend(dead_of(connection, filter, *event).await?);
    }
    items.retain(|row| place(row).0 >= since && place(row) < high);
    items.sort_by_key(|row| std::cmp::Reverse(place(row)));
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(place);
    Ok(Page { items, next })
}

/// Those that a walk over the newest finds.
async fn scanned(
    connection: &mut SqliteConnection,
    filter: &DeliveryFilter,
    mut high: Place,
    limit: u32,
) -> sqlx::Result<Page<DeliveryRow, Place>> {
    let filter_arguments = bind(filter)?;
    let (page, end_of) = if filter.endpoint.is_some() {
        (sql!("list_dead_letters_of_endpoint"), sql!("end_of_dead_letters_of_endpoint"))
    } else {
        (sql!("list_dead_letters"), sql!("end_of_dead_letters"))
    };
    let since = filter.span.since.map_or(i64::MIN, Timestamp::micros);
    let want = i64::from(limit) + 1;

    let (mut items, mut end): (Vec<DeliveryRow>, Option<Place>) = (Vec::new(), None);
    for window in std::iter::once(want).chain(WINDOWS) {
        let left = want - i64::try_from(items.len()).unwrap_or(want);
        let query = |statement| {
            let query = sqlx::query(statement)
                .bind(since)
                .bind(high.0.micros())
                .bind(high.1.uuid().as_bytes().to_vec())
                .bind(left);
            filter_arguments(query).bind(window)
        };
        let rows = query(page).fetch_all(&mut *connection).await?;
        let rows = rows.iter().map(|row| Ok(delivery_row(row)?.1)).collect::<sqlx::Result<Vec<_>>>()?;
        let full = i64::try_from(rows.len()) == Ok(left);
        end = if full {
            rows.last().map(place)
        } else {
            let end = query(end_of).fetch_optional(&mut *connection).await?;
            end.map(|row| Ok::<_, sqlx::Error>((time(&row, "died_at")?, DeliveryId::from_uuid(uuid(&row, "id")?))))
                .transpose()?
        };
        items.extend(rows.into_iter().filter(|row| goes_to(row, filter)));
        match end {
            Some(end) if !full => high = end,
            _ => break,
        }
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if items.len() > limit {
        items.truncate(limit);
        end = items.last().map(place);
    }
    Ok(Page { items, next: end })
}

fn place(row: &DeliveryRow) -> Place {
    (row.finished_at.unwrap_or_default(), row.id)
}

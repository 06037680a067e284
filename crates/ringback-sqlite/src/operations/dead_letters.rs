//! Dead letters in the order of their deaths.

use ringback::{
    id::DeliveryId,
    store::{DeliveryFilter, DeliveryRow, Page},
    time::Timestamp,
};
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::{
    deliveries::{bind, delivery_row, goes_to},
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
    let filter_arguments = bind(filter)?;
    let (page, end_of) = if filter.endpoint.is_some() {
        (sql!("list_dead_letters_of_endpoint"), sql!("end_of_dead_letters_of_endpoint"))
    } else {
        (sql!("list_dead_letters"), sql!("end_of_dead_letters"))
    };
    let ids = filter.event.map_or(Range { low: Uuid::nil(), high: Uuid::max() }, Range::of_event);
    let since = filter.span.since.map_or(i64::MIN, Timestamp::micros);
    let until = (filter.span.until.unwrap_or(Timestamp::from_micros(i64::MAX)), DeliveryId::from_uuid(Uuid::nil()));
    let mut high = before.map_or(until, |before| before.min(until));
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
            filter_arguments(query).bind(window).bind(ids.low.as_bytes().to_vec()).bind(ids.high.as_bytes().to_vec())
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

//! Erases what attempts kept of answers, since receivers may echo what they were sent.
//!
//! An attempt's detail is one packed value, so it is read, cut and written back, for a bounded number of deliveries at a
//! time.

use std::collections::HashSet;

use ringback::{
    id::{DeliveryId, EventId},
    store::{Result, rules::erasing},
};
use sqlx::{PgConnection, postgres::PgRow};
use uuid::Uuid;

use crate::{Postgres, error::from_sqlx, rows, sql::query};

/// Deliveries of each event that are looked at together.
const TOGETHER: u16 = 64;

/// How much was erased.
#[derive(Default)]
pub(super) struct Answers {
    /// Events of which an answer was erased.
    pub(super) events: HashSet<Uuid>,
    /// Attempts of which an answer was erased.
    pub(super) attempts: i64,
}

/// Erases the answers to all deliveries of events; the flag says whether an event has an inline destination.
pub(super) async fn erase(store: &Postgres, connection: &mut PgConnection, events: &[(Uuid, bool)]) -> Result<Answers> {
    let mut answers = Answers::default();
    let mut events = events.to_vec();
    let mut above: u16 = 0;
    while !events.is_empty() {
        let last = above.saturating_add(TOGETHER);
        let range = Range::of(&events, above, last);
        let with_deliveries = erase_finished(store, connection, &range, &mut answers).await?;
        let with_attempts = erase_attempts(store, connection, &range, &mut answers).await?;
        if last == u16::MAX {
            break;
        }
        // Deliveries are numbered without gaps, and all of them are in `finished` by now: an event without rows in this
        // range has none above it.
        events.retain(|(id, _)| with_deliveries.contains(id) || with_attempts.contains(id));
        above = last;
    }
    Ok(answers)
}

/// Erases the answers of outcomes that were recorded after their event had been expunged.
pub(crate) async fn erase_late(store: &Postgres, stale: &[DeliveryId]) -> Result<()> {
    let mut events: Vec<Uuid> = stale.iter().map(|id| id.event().uuid()).collect();
    events.sort_unstable();
    events.dedup();
    let mut transaction = store.begin_work().await?;
    let rows = query(&store.sql().lock_expunged_events).bind(&events).fetch_all(&mut *transaction).await;
    let mut expunged = Vec::new();
    for row in &rows.map_err(from_sqlx)? {
        if rows::get(row, "expunged")? {
            expunged.push((rows::get(row, "id")?, rows::get(row, "inline")?));
        }
    }
    erase(store, &mut transaction, &expunged).await?;
    transaction.commit().await.map_err(from_sqlx)
}

/// Deliveries of some events, by their numbers.
struct Range {
    above: Vec<Uuid>,
    last: Vec<Uuid>,
    inline: HashSet<Uuid>,
}

impl Range {
    fn of(events: &[(Uuid, bool)], above: u16, last: u16) -> Self {
        let delivery = |id: Uuid, number| EventId::from_uuid(id).delivery(number).uuid();
        Self {
            above: events.iter().map(|&(id, _)| delivery(id, above)).collect(),
            last: events.iter().map(|&(id, _)| delivery(id, last)).collect(),
            inline: events.iter().filter(|(_, inline)| *inline).map(|&(id, _)| id).collect(),
        }
    }

    /// The part of a row's detail that stays; `None` if the row has nothing to erase.
    fn left_over(&self, row: &PgRow, event: Uuid, detail: &[u8]) -> Result<Option<Vec<u8>>> {
        let left = erasing::erased_detail(detail, self.inline.contains(&event));
        let has_body = rows::get::<Option<bool>, _>(row, "has_body")?.unwrap_or_default();
        Ok((has_body || *left != *detail).then(|| left.into()))
    }
}

/// Returns the events that have deliveries in the range.
async fn erase_finished(
    store: &Postgres,
    connection: &mut PgConnection,
    range: &Range,
    answers: &mut Answers,
) -> Result<HashSet<Uuid>> {
    let rows = query(&store.sql().read_finished_to_erase).bind(&range.above).bind(&range.last);
    let rows = rows.fetch_all(&mut *connection).await.map_err(from_sqlx)?;
    let (mut seen, mut ids, mut details) = (HashSet::new(), Vec::new(), Vec::new());
    for row in &rows {
        let id: Uuid = rows::get(row, "id")?;
        let event = DeliveryId::from_uuid(id).event().uuid();
        seen.insert(event);
        let Some(detail) = rows::get::<Option<&[u8]>, _>(row, "detail")? else { continue };
        if let Some(left) = range.left_over(row, event, detail)? {
            answers.events.insert(event);
            ids.push(id);
            details.push(left);
        }
    }
    if !ids.is_empty() {
        let erased = query(&store.sql().erase_finished).bind(&ids).bind(&details).execute(connection).await;
        answers.add(erased.map_err(from_sqlx)?.rows_affected());
    }
    Ok(seen)
}

/// Returns the events that have attempts in the range.
async fn erase_attempts(
    store: &Postgres,
    connection: &mut PgConnection,
    range: &Range,
    answers: &mut Answers,
) -> Result<HashSet<Uuid>> {
    let rows = query(&store.sql().read_attempts_to_erase).bind(&range.above).bind(&range.last);
    let rows = rows.fetch_all(&mut *connection).await.map_err(from_sqlx)?;
    let mut seen = HashSet::new();
    let (mut ids, mut numbers, mut before, mut after) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        let id: Uuid = rows::get(row, "delivery_id")?;
        let event = DeliveryId::from_uuid(id).event().uuid();
        seen.insert(event);
        let detail: &[u8] = rows::get(row, "detail")?;
        if let Some(left) = range.left_over(row, event, detail)? {
            answers.events.insert(event);
            ids.push(id);
            numbers.push(rows::get::<i32, _>(row, "number")?);
            before.push(detail);
            after.push(left);
        }
    }
    if !ids.is_empty() {
        let erase = query(&store.sql().erase_attempts).bind(&ids).bind(&numbers).bind(&before).bind(&after);
        answers.add(erase.execute(connection).await.map_err(from_sqlx)?.rows_affected());
    }
    Ok(seen)
}

impl Answers {
    fn add(&mut self, rows: u64) {
        self.attempts = self.attempts.saturating_add_unsigned(rows);
    }
}

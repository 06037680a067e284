//! Replays of many: a set fixed at the beginning, released in bounded steps.

use futures_util::TryStreamExt as _;
use ringback::{
    audit::Entry,
    delivery::DeadReason,
    id::{DeliveryId, EventId, ReplayId},
    store::{
        Created, Error, Page, ReplayListFilter, ReplayOne, ReplayRow, ReplayScope, ReplayState, ReplayToCreate,
        Replayed, Result, rules::host::is_inline_at,
    },
    time::Timestamp,
};
use sqlx::{PgConnection, postgres::PgRow};
use uuid::Uuid;

use super::{missing, release as back, scan};
use crate::{Postgres, audit, error::from_sqlx, once, rows, sql::query};

/// Items inserted by one statement.
const ITEMS_TOGETHER: usize = 20_000;

/// The fixed set that a filter finds.
#[derive(Default)]
pub(super) struct Found {
    ids: Vec<Uuid>,
    bytes: i64,
}

impl Found {
    /// Adds a delivery, with its payload's bytes.
    pub(super) fn add(&mut self, id: Uuid, bytes: i32) {
        self.ids.push(id);
        self.bytes += i64::from(bytes);
    }
}

pub(super) async fn create(store: &Postgres, replay: &ReplayToCreate, record: &Entry) -> Result<Created> {
    let mut transaction = store.begin().await?;
    if let Some(once) = replay.once.as_ref().filter(|_| !replay.dry_run)
        && let Some(before) = once::take(store, &mut transaction, once).await?
    {
        return Ok(Created::Before(before));
    }
    let found = find_all(store, &mut transaction, &replay.scope).await?;
    if replay.dry_run {
        return Ok(Created::Replay(Box::new(ReplayRow::preview(replay, count_of(found.ids.len()), found.bytes))));
    }
    let filter = serde_json::to_string(&replay.scope.filter).map_err(|error| Error::Refused(error.into()))?;
    query(&store.sql().insert_replay)
        .bind(replay.id.uuid())
        .bind(replay.scope.filter.tenant.as_deref())
        .bind(filter)
        .bind(replay.note.as_deref())
        .bind(replay.rate_per_second)
        .bind(count_of(found.ids.len()))
        .bind(found.bytes)
        .execute(&mut *transaction)
        .await
        .map_err(from_sqlx)?;
    for ids in found.ids.chunks(ITEMS_TOGETHER) {
        query(&store.sql().insert_replay_items)
            .bind(replay.id.uuid())
            .bind(ids)
            .execute(&mut *transaction)
            .await
            .map_err(from_sqlx)?;
    }
    audit::write(store, &mut transaction, record).await?;
    transaction.commit().await.map_err(from_sqlx)?;
    let row = find(store, replay.id).await?.ok_or_else(|| Error::corrupt("a replay that was just made"))?;
    Ok(Created::Replay(Box::new(row)))
}

/// The set that the filter finds now. For missing deliveries it has the events; their deliveries are created when their turn
/// comes.
async fn find_all(store: &Postgres, connection: &mut PgConnection, scope: &ReplayScope) -> Result<Found> {
    let filter = &scope.filter;
    let (from, to) = scan::ids(filter.created);
    let statement = match (filter.status, &scope.wanting) {
        (Replayed::Dead, _) => &store.sql().find_dead_letters_to_replay,
        (Replayed::Delivered, _) => &store.sql().find_delivered_to_replay,
        (Replayed::Missing, Some(wanting)) => return missing::find(store, connection, filter, wanting).await,
        (Replayed::Missing, None) => return Ok(Found::default()),
    };
    let mut select = query(statement)
        .bind(from)
        .bind(to)
        .bind(filter.tenant.as_deref())
        .bind(filter.endpoint.map(|endpoint| endpoint.uuid()))
        .bind(filter.event_type.as_deref())
        .bind(filter.key.as_deref())
        .bind(filter.host.as_deref())
        .bind(scope.at_host.iter().map(|id| id.uuid()).collect::<Vec<_>>());
    if filter.status == Replayed::Dead {
        select = select.bind(filter.reason.map(DeadReason::code)).bind(filter.last_status.map(i32::from));
    }
    let mut rows = select.fetch(connection);
    let mut found = Found::default();
    while let Some(row) = rows.try_next().await.map_err(from_sqlx)? {
        if goes_to(filter.host.as_deref(), &row)? {
            found.add(rows::get(&row, "id")?, rows::get(&row, "payload_bytes")?);
        }
    }
    Ok(found)
}

/// Whether an inline destination that contains the host's name is at that host: SQL cannot decide that.
fn goes_to(host: Option<&str>, row: &PgRow) -> Result<bool> {
    let Some(host) = host else { return Ok(true) };
    let destination: Option<&str> = rows::get(row, "destination")?;
    Ok(destination.is_none_or(|destination| is_inline_at(destination, host)))
}

pub(super) async fn find(store: &Postgres, id: ReplayId) -> Result<Option<ReplayRow>> {
    let row = query(&store.sql().read_replay)
        .bind(id.uuid())
        .fetch_optional(&mut *store.desk().await?)
        .await
        .map_err(from_sqlx)?;
    row.as_ref().map(read).transpose()
}

/// Newest first. There are few replays, so any filter is applied by reading all of them.
pub(super) async fn list(
    store: &Postgres,
    filter: &ReplayListFilter<'_>,
    before: Option<ReplayId>,
    limit: u32,
) -> Result<Page<ReplayRow, ReplayId>> {
    let rows = query(&store.sql().list_replays)
        .bind(filter.tenant)
        .bind(filter.state.map(ReplayState::code))
        .bind(filter.created.since.map_or(i64::MIN, Timestamp::micros))
        .bind(filter.created.until.map_or(i64::MAX, Timestamp::micros))
        .bind(before.map_or(Uuid::max(), ReplayId::uuid))
        .bind(i64::from(limit) + 1)
        .fetch_all(&mut *store.desk().await?)
        .await
        .map_err(from_sqlx)?;
    let mut items = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).and_then(|last| last.id);
    Ok(Page { items, next })
}

pub(super) async fn running(store: &Postgres) -> Result<Vec<ReplayId>> {
    let rows = query(&store.sql().list_running_replays).fetch_all(&mut *store.desk().await?).await;
    rows.map_err(from_sqlx)?.iter().map(|row| Ok(ReplayId::from_uuid(rows::get(row, "id")?))).collect()
}

pub(super) async fn cancel(store: &Postgres, id: ReplayId, record: &Entry) -> Result<Option<ReplayRow>> {
    let mut transaction = store.begin().await?;
    let done = query(&store.sql().cancel_replay).bind(id.uuid()).execute(&mut *transaction).await.map_err(from_sqlx)?;
    if done.rows_affected() == 1 {
        audit::write(store, &mut transaction, record).await?;
    }
    transaction.commit().await.map_err(from_sqlx)?;
    find(store, id).await
}

pub(super) async fn release(store: &Postgres, id: ReplayId, scope: &ReplayScope, count: u32) -> Result<u32> {
    let mut transaction = store.begin().await?;
    let items = next_items(store, &mut transaction, id, count).await?;
    let (Some(&first), Some(&last)) = (items.first(), items.last()) else {
        return Ok(0);
    };
    // The version's row is locked before the replay's, as everywhere, so that no two transactions deadlock.
    let released = match scope.filter.status {
        Replayed::Missing => Released::New(owe(store, &mut transaction, &items, scope).await?),
        Replayed::Dead | Replayed::Delivered => {
            let ids: Vec<_> = items.iter().map(|&id| DeliveryId::from_uuid(id)).collect();
            let came_to = back::release(store, &mut transaction, &ids, |standing| standing.again_in(scope)).await?;
            let is_back = |id: &DeliveryId| came_to.get(id) == Some(&ReplayOne::Released);
            Released::Again(ids.into_iter().filter(is_back).map(DeliveryId::uuid).collect())
        }
    };
    let Some(position) = lock(store, &mut transaction, id).await? else {
        return Ok(0);
    };
    if position >= first {
        // Another node has released these meanwhile.
        return Ok(0);
    }
    let count = released.mark(store, &mut transaction, id).await?;
    // In the set an event's id is replaced by its new delivery's, so the position is put after all deliveries that the event
    // can have.
    let position = if scope.filter.status == Replayed::Missing { last_of(last) } else { last };
    query(&store.sql().advance_replay)
        .bind(id.uuid())
        .bind(count_of(count))
        .bind(count_of(items.len() - count))
        .bind(position)
        .execute(&mut *transaction)
        .await
        .map_err(from_sqlx)?;
    transaction.commit().await.map_err(from_sqlx)?;
    Ok(u32::try_from(items.len()).unwrap_or(u32::MAX))
}

/// What a step has released.
enum Released {
    /// Deliveries that existed.
    Again(Vec<Uuid>),
    /// Events with the deliveries that were created.
    New(Vec<(EventId, DeliveryId)>),
}

impl Released {
    /// Marks them as released in the set; returns how many.
    async fn mark(&self, store: &Postgres, connection: &mut PgConnection, id: ReplayId) -> Result<usize> {
        let (count, done) = match self {
            Self::Again(ids) => {
                let mark = query(&store.sql().mark_released).bind(id.uuid()).bind(ids);
                (ids.len(), mark.execute(connection).await)
            }
            Self::New(made) => {
                let (events, deliveries): (Vec<Uuid>, Vec<Uuid>) =
                    made.iter().map(|(event, delivery)| (event.uuid(), delivery.uuid())).unzip();
                let mark = query(&store.sql().mark_owed).bind(id.uuid()).bind(events).bind(deliveries);
                (made.len(), mark.execute(connection).await)
            }
        };
        done.map_err(from_sqlx)?;
        Ok(count)
    }
}

/// Creates the deliveries of these events that the endpoint still misses; none if it is deleted.
async fn owe(
    store: &Postgres,
    connection: &mut PgConnection,
    items: &[Uuid],
    scope: &ReplayScope,
) -> Result<Vec<(EventId, DeliveryId)>> {
    let Some(wanting) = &scope.wanting else { return Ok(Vec::new()) };
    let events: Vec<_> = items.iter().map(|&id| EventId::from_uuid(id)).collect();
    missing::owe(store, connection, &events, wanting).await
}

/// The highest id that a delivery of an event can have.
fn last_of(event: Uuid) -> Uuid {
    EventId::from_uuid(event).delivery(u16::MAX).uuid()
}

/// The next items of a running replay's set, in order; none if it is not running.
async fn next_items(store: &Postgres, connection: &mut PgConnection, id: ReplayId, count: u32) -> Result<Vec<Uuid>> {
    let rows = query(&store.sql().read_replay_items)
        .bind(id.uuid())
        .bind(i64::from(count))
        .fetch_all(connection)
        .await
        .map_err(from_sqlx)?;
    rows.iter().map(|row| rows::get(row, "delivery_id")).collect()
}

async fn lock(store: &Postgres, connection: &mut PgConnection, id: ReplayId) -> Result<Option<Uuid>> {
    let row = query(&store.sql().lock_replay).bind(id.uuid()).fetch_optional(connection).await.map_err(from_sqlx)?;
    row.as_ref().map(|row| rows::get(row, "position")).transpose()
}

fn count_of(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

fn read(row: &PgRow) -> Result<ReplayRow> {
    let state: i16 = rows::get(row, "state")?;
    let (matched, released, skipped): (i64, i64, i64) =
        (rows::get(row, "matched")?, rows::get(row, "released")?, rows::get(row, "skipped")?);
    Ok(ReplayRow {
        id: Some(ReplayId::from_uuid(rows::get(row, "id")?)),
        filter: serde_json::from_str(rows::get(row, "filter")?).map_err(Error::corrupt)?,
        state: ReplayState::from_code(state)
            .ok_or_else(|| Error::corrupt(format_args!("state of a replay {state}")))?,
        matched,
        released,
        skipped,
        remaining: matched - released - skipped,
        delivered: rows::get(row, "delivered")?,
        dead: rows::get(row, "dead")?,
        bytes: rows::get(row, "bytes")?,
        rate_per_second: rows::get(row, "rate_per_second")?,
        note: rows::get(row, "reason")?,
        created_at: rows::time(row, "created_at")?,
        finished_at: rows::time_or_none(row, "finished_at")?,
    })
}

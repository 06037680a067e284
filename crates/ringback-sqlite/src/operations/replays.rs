//! Replays of many: a set fixed at the beginning, released in bounded steps.

use futures_util::TryStreamExt as _;
use ringback::{
    audit::Entry,
    delivery::DeadReason,
    id::ReplayId,
    store::{
        Created, Page, ReplayListFilter, ReplayRow, ReplayScope, ReplayState, ReplayToCreate, Replayed,
        rules::host::is_inline_at,
    },
    time::Timestamp,
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::{missing, scan::Range};
use crate::{
    audit,
    batch::{Hex, json},
    error::corrupt,
    once,
    read::{code, now, text_or_none, time, time_or_none, uuid},
};

/// Items inserted by one statement.
const ITEMS_TOGETHER: usize = 5000;

/// The fixed set that a filter finds.
#[derive(Default)]
pub(super) struct Found {
    ids: Vec<Uuid>,
    bytes: i64,
}

impl Found {
    /// Adds a delivery, with its payload's bytes.
    pub(super) fn add(&mut self, id: Uuid, bytes: i64) {
        self.ids.push(id);
        self.bytes += bytes;
    }
}

/// The set that the filter finds now. For missing deliveries it has the events; their deliveries are created when their turn
/// comes.
pub(super) async fn find(connection: &mut SqliteConnection, scope: &ReplayScope) -> sqlx::Result<Found> {
    let filter = &scope.filter;
    let range = Range::accepted(filter.created);
    let (low, high) = (range.low.as_bytes().to_vec(), range.high.as_bytes().to_vec());
    let hosts = json(&scope.at_host.iter().map(|id| Hex(id.uuid())).collect::<Vec<_>>())?;
    let of_deliveries = |statement| {
        sqlx::query(statement)
            .bind(low.clone())
            .bind(high.clone())
            .bind(filter.tenant.as_deref())
            .bind(filter.event_type.as_deref())
            .bind(filter.key.as_deref())
            .bind(filter.endpoint.map(|id| id.uuid().as_bytes().to_vec()))
            .bind(filter.host.as_deref())
            .bind(hosts.clone())
    };
    let select = match (filter.status, &scope.wanting) {
        (Replayed::Dead, _) => of_deliveries(sql!("replays/find_dead_letters_to_replay"))
            .bind(filter.reason.map(DeadReason::code))
            .bind(filter.last_status),
        (Replayed::Delivered, _) => of_deliveries(sql!("replays/find_delivered_to_replay")),
        (Replayed::Missing, Some(wanting)) => return missing::find(connection, filter, wanting).await,
        (Replayed::Missing, None) => return Ok(Found::default()),
    };
    let mut rows = select.fetch(connection);
    let mut found = Found::default();
    while let Some(row) = rows.try_next().await? {
        if goes_to(filter.host.as_deref(), &row)? {
            found.add(uuid(&row, "id")?, row.try_get("payload_bytes")?);
        }
    }
    Ok(found)
}

/// Whether an inline destination that contains the host's name is at that host: SQL cannot decide that.
fn goes_to(host: Option<&str>, row: &SqliteRow) -> sqlx::Result<bool> {
    let Some(host) = host else { return Ok(true) };
    let destination = text_or_none(row, "destination")?;
    Ok(destination.is_none_or(|destination| is_inline_at(&destination, host)))
}

/// The answer to a dry run.
pub(super) fn preview(replay: &ReplayToCreate, found: &Found) -> ReplayRow {
    ReplayRow::preview(replay, i64::try_from(found.ids.len()).unwrap_or(i64::MAX), found.bytes)
}

/// Stores the replay with its fixed set. A replay that found nothing is completed at once.
pub(super) async fn create(
    tx: &mut SqliteConnection,
    replay: &ReplayToCreate,
    found: &Found,
    record: &Entry,
) -> sqlx::Result<Created> {
    if let Some(once) = &replay.once {
        if let Some(before) = once::find(tx, once).await? {
            return Ok(Created::Before(before));
        }
        once::keep(tx, once).await?;
    }
    let id = replay.id.uuid();
    let filter = serde_json::to_string(&replay.scope.filter).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query(sql!("replays/insert_replay"))
        .bind(id.as_bytes().as_slice())
        .bind(replay.scope.filter.tenant.as_deref())
        .bind(filter)
        .bind(replay.note.as_deref())
        .bind(replay.rate_per_second)
        .bind(i64::try_from(found.ids.len()).unwrap_or(i64::MAX))
        .bind(found.bytes)
        .bind(now())
        .execute(&mut *tx)
        .await?;
    for ids in found.ids.chunks(ITEMS_TOGETHER) {
        let ids: Vec<_> = ids.iter().copied().map(Hex).collect();
        sqlx::query(sql!("replays/insert_replay_items"))
            .bind(id.as_bytes().as_slice())
            .bind(json(&ids)?)
            .execute(&mut *tx)
            .await?;
    }
    audit::write(tx, record).await?;
    let row = read(tx, replay.id).await?.ok_or(sqlx::Error::RowNotFound)?;
    Ok(Created::Replay(Box::new(row)))
}

/// One replay.
pub(super) async fn read(connection: &mut SqliteConnection, id: ReplayId) -> sqlx::Result<Option<ReplayRow>> {
    let row = sqlx::query(sql!("replays/read_replay"))
        .bind(id.uuid().as_bytes().as_slice())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(replay_row).transpose()
}

/// Newest first. There are few replays, so any filter is applied by reading all of them.
pub(super) async fn list(
    connection: &mut SqliteConnection,
    filter: &ReplayListFilter<'_>,
    before: Option<ReplayId>,
    limit: u32,
) -> sqlx::Result<Page<ReplayRow, ReplayId>> {
    let rows = sqlx::query(sql!("replays/list_replays"))
        .bind(filter.tenant)
        .bind(filter.state.map(ReplayState::code))
        .bind(filter.created.since.map_or(i64::MIN, Timestamp::micros))
        .bind(filter.created.until.map_or(i64::MAX, Timestamp::micros))
        .bind(before.map_or(Uuid::max(), ReplayId::uuid).as_bytes().to_vec())
        .bind(i64::from(limit) + 1)
        .fetch_all(connection)
        .await?;
    let mut items = rows.iter().map(replay_row).collect::<sqlx::Result<Vec<_>>>()?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).and_then(|last| last.id);
    Ok(Page { items, next })
}

/// The replays that are running.
pub(super) async fn running(connection: &mut SqliteConnection) -> sqlx::Result<Vec<ReplayId>> {
    let rows = sqlx::query(sql!("replays/list_running_replays")).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(ReplayId::from_uuid(uuid(row, "id")?))).collect()
}

fn replay_row(row: &SqliteRow) -> sqlx::Result<ReplayRow> {
    let (matched, released, skipped): (i64, i64, i64) =
        (row.try_get("matched")?, row.try_get("released")?, row.try_get("skipped")?);
    Ok(ReplayRow {
        id: Some(ReplayId::from_uuid(uuid(row, "id")?)),
        filter: serde_json::from_str(row.try_get("filter")?).map_err(corrupt)?,
        state: code(row, "state", ReplayState::from_code)?,
        matched,
        released,
        skipped,
        remaining: matched - released - skipped,
        delivered: row.try_get("delivered")?,
        dead: row.try_get("dead")?,
        bytes: row.try_get("bytes")?,
        rate_per_second: row.try_get("rate_per_second")?,
        note: row.try_get("reason")?,
        created_at: time(row, "created_at")?,
        finished_at: time_or_none(row, "finished_at")?,
    })
}

/// Cancels a running replay.
pub(super) async fn cancel(tx: &mut SqliteConnection, id: ReplayId, record: Entry) -> sqlx::Result<Option<ReplayRow>> {
    let uuid = id.uuid();
    let cancelled = sqlx::query(sql!("replays/cancel_replay"))
        .bind(uuid.as_bytes().as_slice())
        .bind(now())
        .execute(&mut *tx)
        .await?;
    if cancelled.rows_affected() == 1 {
        audit::write(tx, &record).await?;
    }
    read(tx, id).await
}

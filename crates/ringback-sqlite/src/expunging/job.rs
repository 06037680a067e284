//! Expunges of many: a set fixed at the beginning, erased in bounded steps, and a receipt at the end.

use futures_util::TryStreamExt as _;
use ringback::{
    audit::Entry,
    id::{EventId, ExpungeId},
    store::{Erased, ExpungeFilter, ExpungeRow, ExpungeState, ExpungeToCreate, Keys, rules::erasing::IdsDigest},
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::erase::erase;
use crate::{
    audit,
    batch::{Hex, json},
    error::corrupt,
    operations::scan::Range,
    read::{code, now, time, time_or_none, uuid},
};

/// Items inserted, read or dropped by one statement.
const TOGETHER: usize = 5_000;

/// The fixed set that a filter finds.
pub(super) struct Found {
    ids: Vec<Uuid>,
    bytes: i64,
}

/// The set that the filter finds now.
pub(super) async fn find(connection: &mut SqliteConnection, filter: &ExpungeFilter) -> sqlx::Result<Found> {
    let range = Range::accepted(filter.accepted);
    let statement =
        if filter.key.is_some() { sql!("expunging/fix_expunge_of_key") } else { sql!("expunging/fix_expunge") };
    let mut rows = sqlx::query(statement)
        .bind(range.low.as_bytes().as_slice())
        .bind(range.high.as_bytes().as_slice())
        .bind(&*filter.tenant)
        .bind(filter.key.as_deref().or(filter.event_type.as_deref()))
        .fetch(connection);
    let mut found = Found { ids: Vec::new(), bytes: 0 };
    while let Some(row) = rows.try_next().await? {
        found.ids.push(uuid(&row, "id")?);
        found.bytes += row.try_get::<i64, _>("payload_bytes")?;
    }
    Ok(found)
}

/// The answer to a dry run.
pub(super) fn preview(expunge: &ExpungeToCreate, found: &Found, record: &Entry) -> ExpungeRow {
    ExpungeRow::preview(expunge, count(found.ids.len()), found.bytes, record)
}

/// Stores the expunge with its fixed set. An expunge that found nothing is complete at once.
pub(super) async fn create(
    tx: &mut SqliteConnection,
    expunge: &ExpungeToCreate,
    found: &Found,
    record: &Entry,
) -> sqlx::Result<ExpungeRow> {
    let id = expunge.id.uuid();
    let filter = serde_json::to_string(&expunge.shown()).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query(sql!("expunging/insert_expunge"))
        .bind(id.as_bytes().as_slice())
        .bind(&*expunge.filter.tenant)
        .bind(filter)
        .bind(expunge.keys == Keys::Erase)
        .bind(count(found.ids.len()))
        .bind(found.bytes)
        .bind(record.by.who.to_string())
        .bind(IdsDigest::default().finish())
        .bind(now())
        .execute(&mut *tx)
        .await?;
    for ids in found.ids.chunks(TOGETHER) {
        let ids: Vec<_> = ids.iter().copied().map(Hex).collect();
        sqlx::query(sql!("expunging/insert_expunge_items"))
            .bind(id.as_bytes().as_slice())
            .bind(json(&ids)?)
            .execute(&mut *tx)
            .await?;
    }
    audit::write(tx, record).await?;
    read(tx, expunge.id).await?.ok_or(sqlx::Error::RowNotFound)
}

/// One expunge.
pub(super) async fn read(connection: &mut SqliteConnection, id: ExpungeId) -> sqlx::Result<Option<ExpungeRow>> {
    let row = sqlx::query(sql!("expunging/read_expunge"))
        .bind(id.uuid().as_bytes().as_slice())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(expunge_row).transpose()
}

/// The expunges that are running.
pub(super) async fn running(connection: &mut SqliteConnection) -> sqlx::Result<Vec<ExpungeId>> {
    let rows = sqlx::query(sql!("expunging/list_running_expunges")).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(ExpungeId::from_uuid(uuid(row, "id")?))).collect()
}

/// The result of a step.
pub(super) enum Step {
    /// There is more to do.
    More,
    /// All events are erased from the tables; the log is still to be cut, then [`complete`] is to be called.
    Erased,
    /// The expunge does not run.
    Ended,
}

/// Erases the next events of the set. Once all are erased, the next step stores the digest, and further ones drop the items.
pub(super) async fn step(tx: &mut SqliteConnection, id: ExpungeId, events: u32) -> sqlx::Result<Step> {
    let bytes = id.uuid();
    let row =
        sqlx::query(sql!("expunging/read_expunge")).bind(bytes.as_bytes().as_slice()).fetch_optional(&mut *tx).await?;
    let Some(row) = row else { return Ok(Step::Ended) };
    let expunge = expunge_row(&row)?;
    if expunge.state != ExpungeState::Running {
        return Ok(Step::Ended);
    }
    if expunge.remaining > 0 {
        erase_next(tx, id, uuid(&row, "position")?, expunge.keys, events as usize).await?;
        return Ok(Step::More);
    }
    if expunge.digest.is_none() {
        let digest = digest(tx, id).await?;
        let kept = sqlx::query(sql!("expunging/keep_expunge_digest")).bind(bytes.as_bytes().as_slice()).bind(digest);
        kept.execute(tx).await?;
        return Ok(Step::More);
    }
    let dropped =
        sqlx::query(sql!("expunging/drop_expunge_items")).bind(bytes.as_bytes().as_slice()).bind(count(TOGETHER));
    let dropped = dropped.execute(tx).await?.rows_affected();
    Ok(if dropped >= TOGETHER as u64 { Step::More } else { Step::Erased })
}

/// Writes the receipt.
pub(super) async fn complete(tx: &mut SqliteConnection, id: ExpungeId) -> sqlx::Result<()> {
    sqlx::query(sql!("expunging/complete_expunge"))
        .bind(id.uuid().as_bytes().as_slice())
        .bind(now())
        .execute(tx)
        .await?;
    Ok(())
}

async fn erase_next(
    tx: &mut SqliteConnection,
    id: ExpungeId,
    above: Uuid,
    keys: Keys,
    events: usize,
) -> sqlx::Result<()> {
    let page = page(tx, id, above, events).await?;
    let Some(&last) = page.last() else { return Ok(()) };
    let mut sum = Erased::default();
    for &event in &page {
        let erased = erase(tx, event, keys).await?.unwrap_or_default();
        sum.events += erased.events;
        sum.payload_bytes += erased.payload_bytes;
        sum.cancelled += erased.cancelled;
        sum.attempts += erased.attempts;
    }
    sqlx::query(sql!("expunging/advance_expunge"))
        .bind(id.uuid().as_bytes().as_slice())
        .bind(last.uuid().as_bytes().as_slice())
        .bind(sum.events)
        .bind(count(page.len()) - sum.events)
        .bind(sum.payload_bytes)
        .bind(sum.cancelled)
        .bind(sum.attempts)
        .execute(tx)
        .await?;
    Ok(())
}

async fn page(tx: &mut SqliteConnection, id: ExpungeId, above: Uuid, events: usize) -> sqlx::Result<Vec<EventId>> {
    let ids: Vec<Vec<u8>> = sqlx::query_scalar(sql!("expunging/read_expunge_items"))
        .bind(id.uuid().as_bytes().as_slice())
        .bind(above.as_bytes().as_slice())
        .bind(count(events))
        .fetch_all(tx)
        .await?;
    ids.iter().map(|id| Ok(EventId::from_uuid(Uuid::from_slice(id).map_err(corrupt)?))).collect()
}

async fn digest(tx: &mut SqliteConnection, id: ExpungeId) -> sqlx::Result<String> {
    let (mut digest, mut above) = (IdsDigest::default(), Uuid::nil());
    loop {
        let events = page(tx, id, above, TOGETHER).await?;
        let Some(&last) = events.last() else { return Ok(digest.finish()) };
        above = last.uuid();
        for event in events {
            digest.add(event);
        }
    }
}

fn expunge_row(row: &SqliteRow) -> sqlx::Result<ExpungeRow> {
    let (matched, expunged, skipped): (i64, i64, i64) =
        (row.try_get("matched")?, row.try_get("expunged")?, row.try_get("skipped")?);
    Ok(ExpungeRow {
        id: Some(ExpungeId::from_uuid(uuid(row, "id")?)),
        filter: serde_json::from_str(row.try_get("filter")?).map_err(corrupt)?,
        state: code(row, "state", ExpungeState::from_code)?,
        keys: if row.try_get("erases_keys")? { Keys::Erase } else { Keys::Keep },
        matched,
        bytes: row.try_get("bytes")?,
        erased: Erased {
            events: expunged,
            payload_bytes: row.try_get("payload_bytes")?,
            cancelled: row.try_get("cancelled")?,
            attempts: row.try_get("attempts")?,
        },
        skipped,
        remaining: matched - expunged - skipped,
        digest: row.try_get("digest")?,
        by: row.try_get("who")?,
        created_at: time(row, "created_at")?,
        finished_at: time_or_none(row, "finished_at")?,
    })
}

fn count(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

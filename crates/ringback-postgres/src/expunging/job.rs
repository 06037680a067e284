//! Expunges of many: a set fixed at the beginning, erased in bounded steps, and a receipt at the end.

use ringback::{
    audit::Entry,
    id::{EventId, ExpungeId},
    store::{
        Change, Erased, Error, ExpungeRow, ExpungeState, ExpungeToCreate, Keys, Result, rules::erasing::IdsDigest,
    },
};
use sqlx::{PgConnection, postgres::PgRow};
use uuid::Uuid;

use super::{erase, vacuum};
use crate::{Postgres, audit, configuration::announce, error::from_sqlx, operations, rows, sql::query};

/// Ids that are read together for the digest, and items that are dropped together.
const PAGE: i64 = 5_000;

pub(super) async fn create(store: &Postgres, expunge: &ExpungeToCreate, record: &Entry) -> Result<ExpungeRow> {
    let mut transaction = store.begin().await?;
    let fixed = fix_set(store, &mut transaction, expunge).await?;
    let (matched, bytes): (i64, i64) = (rows::get(&fixed, "matched")?, rows::get(&fixed, "bytes")?);
    if expunge.dry_run {
        return Ok(ExpungeRow::preview(expunge, matched, bytes, record));
    }
    let filter = serde_json::to_string(&expunge.shown()).map_err(|error| Error::Refused(error.into()))?;
    query(&store.sql().insert_expunge)
        .bind(expunge.id.uuid())
        .bind(&*expunge.filter.tenant)
        .bind(filter)
        .bind(expunge.keys == Keys::Erase)
        .bind(matched)
        .bind(bytes)
        .bind(record.by.who.to_string())
        .bind(IdsDigest::default().finish())
        .bind(rows::get::<i64, _>(&fixed, "now")?)
        .execute(&mut *transaction)
        .await
        .map_err(from_sqlx)?;
    audit::write(store, &mut transaction, record).await?;
    transaction.commit().await.map_err(from_sqlx)?;
    find(store, expunge.id).await?.ok_or_else(|| Error::corrupt("an expunge that was just made"))
}

async fn fix_set(store: &Postgres, connection: &mut PgConnection, expunge: &ExpungeToCreate) -> Result<PgRow> {
    let filter = &expunge.filter;
    let (from, to) = operations::ids(filter.accepted);
    query(&store.sql().fix_expunge)
        .bind(expunge.id.uuid())
        .bind(expunge.dry_run)
        .bind(from)
        .bind(to)
        .bind(&*filter.tenant)
        .bind(filter.event_type.as_deref())
        .bind(filter.key.as_deref())
        .fetch_one(connection)
        .await
        .map_err(from_sqlx)
}

pub(super) async fn find(store: &Postgres, id: ExpungeId) -> Result<Option<ExpungeRow>> {
    let row = query(&store.sql().read_expunge).bind(id.uuid()).fetch_optional(&mut *store.desk().await?).await;
    row.map_err(from_sqlx)?.as_ref().map(read).transpose()
}

pub(super) async fn running(store: &Postgres) -> Result<Vec<ExpungeId>> {
    let rows = query(&store.sql().list_running_expunges).fetch_all(&mut *store.desk().await?).await;
    rows.map_err(from_sqlx)?.iter().map(|row| Ok(ExpungeId::from_uuid(rows::get(row, "id")?))).collect()
}

pub(super) async fn next(store: &Postgres, id: ExpungeId, count: u32) -> Result<bool> {
    let Some(row) = find(store, id).await?.filter(|row| row.state == ExpungeState::Running) else {
        return Ok(false);
    };
    if row.remaining > 0 {
        return step(store, id, count).await;
    }
    if row.digest.is_none() {
        let (digest, span) = digest(store, id).await?;
        if let Some((first, last)) = span {
            vacuum::touched(store, first, last).await;
        }
        let kept = query(&store.sql().keep_expunge_digest).bind(id.uuid()).bind(digest);
        kept.execute(&mut *store.desk().await?).await.map_err(from_sqlx)?;
        return Ok(true);
    }
    let dropped = query(&store.sql().drop_expunge_items).bind(id.uuid()).bind(PAGE);
    let dropped = dropped.execute(&mut *store.desk().await?).await.map_err(from_sqlx)?.rows_affected();
    if dropped >= PAGE.unsigned_abs() {
        return Ok(true);
    }
    let completed = query(&store.sql().complete_expunge).bind(id.uuid());
    completed.execute(&mut *store.desk().await?).await.map_err(from_sqlx)?;
    Ok(false)
}

/// Erases the next events of the set.
async fn step(store: &Postgres, id: ExpungeId, count: u32) -> Result<bool> {
    let mut transaction = store.begin().await?;
    // The version's row is locked first, as everywhere; then the expunge's own row, so that two nodes take turns.
    announce(store, &mut transaction, &[]).await?;
    let locked = query(&store.sql().lock_expunge).bind(id.uuid()).fetch_optional(&mut *transaction).await;
    let Some(locked) = locked.map_err(from_sqlx)? else {
        return Ok(false);
    };
    let keys = if rows::get(&locked, "erases_keys")? { Keys::Erase } else { Keys::Keep };
    let events = page(store, &mut transaction, id, rows::get(&locked, "position")?, i64::from(count)).await?;
    let Some(last) = events.last() else {
        return Ok(true);
    };
    let changes: Vec<_> = events.iter().map(|&event| Change::EventExpunged(event)).collect();
    announce(store, &mut transaction, &changes).await?;
    let erased = erase::erase(store, &mut transaction, &events, keys).await?;
    let looked_at = i64::try_from(events.len()).unwrap_or(i64::MAX);
    query(&store.sql().advance_expunge)
        .bind(id.uuid())
        .bind(erased.events)
        .bind(looked_at - erased.events)
        .bind(erased.payload_bytes)
        .bind(erased.cancelled)
        .bind(erased.attempts)
        .bind(last.uuid())
        .execute(&mut *transaction)
        .await
        .map_err(from_sqlx)?;
    transaction.commit().await.map_err(from_sqlx)?;
    Ok(true)
}

async fn page(
    store: &Postgres,
    connection: &mut PgConnection,
    id: ExpungeId,
    above: Uuid,
    count: i64,
) -> Result<Vec<EventId>> {
    let rows = query(&store.sql().read_expunge_items).bind(id.uuid()).bind(above).bind(count);
    let rows = rows.fetch_all(connection).await.map_err(from_sqlx)?;
    rows.iter().map(|row| Ok(EventId::from_uuid(rows::get(row, "event_id")?))).collect()
}

/// The digest of the whole set, with its first and last event.
async fn digest(store: &Postgres, id: ExpungeId) -> Result<(String, Option<(EventId, EventId)>)> {
    let mut connection = store.desk().await?;
    let (mut digest, mut span) = (IdsDigest::default(), None);
    let mut above = Uuid::nil();
    loop {
        let events = page(store, &mut connection, id, above, PAGE).await?;
        let (Some(&first), Some(&last)) = (events.first(), events.last()) else {
            return Ok((digest.finish(), span));
        };
        span = Some((span.map_or(first, |(first, _)| first), last));
        above = last.uuid();
        for event in events {
            digest.add(event);
        }
    }
}

fn read(row: &PgRow) -> Result<ExpungeRow> {
    let state: i16 = rows::get(row, "state")?;
    let (matched, expunged, skipped): (i64, i64, i64) =
        (rows::get(row, "matched")?, rows::get(row, "expunged")?, rows::get(row, "skipped")?);
    Ok(ExpungeRow {
        id: Some(ExpungeId::from_uuid(rows::get(row, "id")?)),
        filter: serde_json::from_str(rows::get(row, "filter")?).map_err(Error::corrupt)?,
        state: ExpungeState::from_code(state)
            .ok_or_else(|| Error::corrupt(format_args!("state of an expunge {state}")))?,
        keys: if rows::get(row, "erases_keys")? { Keys::Erase } else { Keys::Keep },
        matched,
        bytes: rows::get(row, "bytes")?,
        erased: Erased {
            events: expunged,
            payload_bytes: rows::get(row, "payload_bytes")?,
            cancelled: rows::get(row, "cancelled")?,
            attempts: rows::get(row, "attempts")?,
        },
        skipped,
        remaining: matched - expunged - skipped,
        digest: rows::get(row, "digest")?,
        by: rows::get(row, "who")?,
        created_at: rows::time(row, "created_at")?,
        finished_at: rows::time_or_none(row, "finished_at")?,
    })
}

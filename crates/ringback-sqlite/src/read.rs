//! Reading: short transactions on connections that cannot write, and how rows become the engine's words.

use ringback::{
    delivery::{Due, LaneId, Marks},
    event::Event,
    id::{DeliveryId, EndpointId, EventId},
    store::Result,
    time::Timestamp,
};
use sqlx::{Row as _, Sqlite as Dialect, Transaction, sqlite::SqliteRow};
use uuid::Uuid;

use crate::{
    Sqlite,
    error::{corrupt, store_error},
};

impl Sqlite {
    /// A read transaction: all its statements see one moment. It ends when dropped.
    pub(crate) async fn snapshot(&self) -> Result<Transaction<'static, Dialect>> {
        self.readers.begin().await.map_err(store_error)
    }
}

/// The process's clock in the stored unit: every time in the file comes from here.
pub(crate) fn now() -> i64 {
    Timestamp::now().micros()
}

/// An id column.
pub(crate) fn uuid(row: &SqliteRow, column: &str) -> sqlx::Result<Uuid> {
    Uuid::from_slice(row.try_get(column)?).map_err(corrupt)
}

/// An id column that may be NULL.
pub(crate) fn uuid_or_none(row: &SqliteRow, column: &str) -> sqlx::Result<Option<Uuid>> {
    row.try_get::<Option<&[u8]>, _>(column)?.map(Uuid::from_slice).transpose().map_err(corrupt)
}

/// A time column.
pub(crate) fn time(row: &SqliteRow, column: &str) -> sqlx::Result<Timestamp> {
    row.try_get(column).map(Timestamp::from_micros)
}

/// A time column that may be NULL.
pub(crate) fn time_or_none(row: &SqliteRow, column: &str) -> sqlx::Result<Option<Timestamp>> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_micros))
}

/// A column that holds one of a word's codes.
pub(crate) fn code<T>(row: &SqliteRow, column: &str, read: impl FnOnce(i16) -> Option<T>) -> sqlx::Result<T> {
    let code: i16 = row.try_get(column)?;
    read(code).ok_or_else(|| corrupt(format!("{column} {code}")))
}

/// A column that holds one of a word's codes, or NULL.
pub(crate) fn code_or_none<T>(
    row: &SqliteRow,
    column: &str,
    read: impl FnOnce(i16) -> Option<T>,
) -> sqlx::Result<Option<T>> {
    match row.try_get::<Option<i16>, _>(column)? {
        None => Ok(None),
        Some(code) => read(code).map(Some).ok_or_else(|| corrupt(format!("{column} {code}"))),
    }
}

/// A column that holds a JSON list of texts.
pub(crate) fn texts(text: &str) -> sqlx::Result<Vec<String>> {
    serde_json::from_str(text).map_err(corrupt)
}

/// An event's columns; its id stands under `event_id`.
pub(crate) fn event(row: &SqliteRow) -> sqlx::Result<Event> {
    Ok(Event {
        id: EventId::from_uuid(uuid(row, "event_id")?),
        seq: row.try_get("seq")?,
        tenant: row.try_get("tenant")?,
        event_type: row.try_get("type")?,
        key: row.try_get("key")?,
        ordering_key: row.try_get("ordering_key")?,
        idempotency_key: row.try_get("idempotency_key")?,
        occurred_at: time(row, "occurred_at")?,
        endpoint_keys: row.try_get::<Option<&str>, _>("endpoint_keys")?.map(texts).transpose()?,
        destination: row.try_get("destination")?,
        test: row.try_get("test")?,
    })
}

/// A row of `delivery` as lanes hold it.
pub(crate) fn due(row: &SqliteRow) -> sqlx::Result<Due> {
    Ok(Due {
        id: DeliveryId::from_uuid(uuid(row, "id")?),
        lane: LaneId::from_i64(row.try_get("lane")?),
        endpoint: uuid_or_none(row, "endpoint_id")?.map(EndpointId::from_uuid),
        due_at: time(row, "due_at")?,
        seq: row.try_get("seq")?,
        attempts: row.try_get("attempts")?,
        attempts_at_refill: row.try_get("attempts_at_refill")?,
        marks: Marks::from_bits(row.try_get("marks")?),
        ordering_key: row.try_get::<Option<String>, _>("ordering_key")?.map(Into::into),
    })
}

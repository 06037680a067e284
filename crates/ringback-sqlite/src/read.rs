//! Reading: short transactions on connections that cannot write, and the engine's types from rows.

use std::borrow::Cow;

use ringback::{
    delivery::{Due, LaneId, Marks},
    event::Event,
    id::{DeliveryId, EndpointId, EventId},
    metadata::Metadata,
    schedule::Schedule,
    store::{
        Result,
        rules::addressing::{Addressing, addressing, misnamed},
    },
    time::Timestamp,
    trace::TraceContext,
};
use sqlx::{
    Row as _, Sqlite as Dialect, Transaction,
    sqlite::{SqliteArguments, SqliteRow},
};
use uuid::Uuid;

use crate::{Sqlite, error::corrupt};

/// A statement with its arguments.
pub(crate) type Query = sqlx::query::Query<'static, Dialect, SqliteArguments>;

impl Sqlite {
    /// A read transaction: all its statements see the same snapshot. It ends when it is dropped.
    pub(crate) async fn snapshot(&self) -> Result<Transaction<'static, Dialect>> {
        let begun = self.readers.begin().await;
        self.files.check()?;
        begun.map_err(|error| self.error(error))
    }

    /// The one row that a statement finds, if there is one.
    pub(crate) async fn find<T>(&self, statement: Query, read: fn(&SqliteRow) -> sqlx::Result<T>) -> Result<Option<T>> {
        let mut snapshot = self.snapshot().await?;
        let row = statement.fetch_optional(&mut *snapshot).await.map_err(|error| self.error(error))?;
        row.as_ref().map(read).transpose().map_err(|error| self.error(error))
    }
}

/// The time of this process's clock, in microseconds as stored: every time in the file comes from here.
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

/// A text column that callers write. SQLite accepts any bytes as text; bytes that are not UTF-8 are replaced, so that one
/// such row does not make a whole page unreadable.
pub(crate) fn text_or_none<'r>(row: &'r SqliteRow, column: &str) -> sqlx::Result<Option<Cow<'r, str>>> {
    Ok(row.try_get::<Option<&[u8]>, _>(column)?.map(String::from_utf8_lossy))
}

pub(crate) fn owned_or_none(row: &SqliteRow, column: &str) -> sqlx::Result<Option<String>> {
    Ok(text_or_none(row, column)?.map(Cow::into_owned))
}

/// An event's columns; its id is in `event_id`.
pub(crate) fn event(row: &SqliteRow) -> sqlx::Result<Event> {
    let mut no_text = None;
    let mut text = |column: &'static str| -> sqlx::Result<Option<Cow<'_, str>>> {
        let text = text_or_none(row, column)?;
        if matches!(text, Some(Cow::Owned(_))) {
            no_text.get_or_insert(column);
        }
        Ok(text)
    };
    let tenant = text("tenant")?.unwrap_or_default();
    let event_type = text("type")?.unwrap_or_default();
    let (key, ordering_key, idempotency_key) = (text("key")?, text("ordering_key")?, text("idempotency_key")?);
    let (endpoint_keys, destination) = (text("endpoint_keys")?, text("destination")?);
    let trace = text_or_none(row, "trace")?.and_then(|text| TraceContext::kept(&text)).map(Box::new);
    let no_text = no_text.map(|column| format!("{column} is no UTF-8 text"));
    let keys = [&key, &ordering_key, &idempotency_key].map(Option::as_deref);
    let why = no_text.or_else(|| misnamed(&tenant, &event_type, keys));
    let Addressing { endpoint_keys, destination, unreadable } =
        addressing(endpoint_keys.as_deref(), destination.map(Cow::into_owned));
    Ok(Event {
        id: EventId::from_uuid(uuid(row, "event_id")?),
        seq: row.try_get("seq")?,
        tenant: tenant.into_owned(),
        event_type: event_type.into_owned(),
        key: key.map(Cow::into_owned),
        ordering_key: ordering_key.map(Cow::into_owned),
        idempotency_key: idempotency_key.map(Cow::into_owned),
        occurred_at: time(row, "occurred_at")?,
        endpoint_keys,
        destination,
        trace,
        schedule: Schedule {
            deliver_after: time_or_none(row, "deliver_after")?,
            expires_at: time_or_none(row, "expires_at")?,
        },
        metadata: text_or_none(row, "metadata")?.map(|text| Box::new(Metadata::kept(&text))),
        test: row.try_get("test")?,
        unreadable: why.or(unreadable),
    })
}

/// A row of `delivery`, as lanes need it.
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

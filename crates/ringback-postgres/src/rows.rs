//! Reading rows: each of the engine's words from the columns that hold it.

use ringback::{
    delivery::{Due, HoldReason, LaneId, Marks},
    event::Event,
    id::{DeliveryId, EndpointId, EventId},
    store::{Error, Result},
    time::Timestamp,
};
use sqlx::{ColumnIndex, Decode, Postgres, Row as _, Type, postgres::PgRow};
use uuid::Uuid;

use crate::error::from_sqlx;

/// A column's value, or an error that names the column.
pub(crate) fn get<'r, T, I>(row: &'r PgRow, column: I) -> Result<T>
where
    T: Decode<'r, Postgres> + Type<Postgres>,
    I: ColumnIndex<PgRow>,
{
    row.try_get(column).map_err(from_sqlx)
}

/// An interval as stores keep it: microseconds, cut at what fits.
pub(crate) fn micros(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4)
}

pub(crate) fn time(row: &PgRow, column: &str) -> Result<Timestamp> {
    get(row, column).map(Timestamp::from_micros)
}

pub(crate) fn time_or_none(row: &PgRow, column: &str) -> Result<Option<Timestamp>> {
    Ok(get::<Option<i64>, _>(row, column)?.map(Timestamp::from_micros))
}

pub(crate) fn endpoint_id(row: &PgRow, column: &str) -> Result<Option<EndpointId>> {
    Ok(get::<Option<Uuid>, _>(row, column)?.map(EndpointId::from_uuid))
}

pub(crate) fn hold_reason(code: i16) -> Result<HoldReason> {
    HoldReason::from_code(code).ok_or_else(|| Error::corrupt(format_args!("hold reason {code}")))
}

/// The event of a row, its payload left aside.
pub(crate) fn event(row: &PgRow) -> Result<Event> {
    let endpoint_keys: Option<&str> = get(row, "endpoint_keys")?;
    Ok(Event {
        id: EventId::from_uuid(get(row, "id")?),
        seq: get(row, "seq")?,
        tenant: get(row, "tenant")?,
        event_type: get(row, "type")?,
        key: get(row, "key")?,
        ordering_key: get(row, "ordering_key")?,
        idempotency_key: get(row, "idempotency_key")?,
        occurred_at: time(row, "occurred_at")?,
        endpoint_keys: endpoint_keys.map(serde_json::from_str).transpose().map_err(Error::corrupt)?,
        destination: get(row, "destination")?,
        test: get(row, "test")?,
    })
}

/// The due delivery of a row.
pub(crate) fn due(row: &PgRow) -> Result<Due> {
    Ok(Due {
        id: DeliveryId::from_uuid(get(row, "id")?),
        lane: LaneId::from_i64(get(row, "lane")?),
        endpoint: endpoint_id(row, "endpoint_id")?,
        due_at: time(row, "due_at")?,
        seq: get(row, "seq")?,
        attempts: get(row, "attempts")?,
        attempts_at_refill: get(row, "attempts_at_refill")?,
        marks: Marks::from_bits(get(row, "marks")?),
        ordering_key: get::<Option<String>, _>(row, "ordering_key")?.map(String::into_boxed_str),
    })
}

//! Reading rows: the engine's types from their columns.

use ringback::{
    delivery::{Due, HoldReason, LaneId, Marks},
    event::Event,
    id::{DeliveryId, EndpointId, EventId},
    metadata::Metadata,
    schedule::Schedule,
    store::{
        Error, Result,
        rules::addressing::{Addressing, addressing, misnamed},
    },
    time::Timestamp,
    trace::TraceContext,
};
use sqlx::{Column as _, ColumnIndex, Decode, Postgres, Row as _, Type, postgres::PgRow};
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

/// An interval as stores keep it: microseconds, capped so that adding it to a time cannot overflow.
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

/// The index, from 0, of a row's item among the `count` items that were given to the statement.
pub(crate) fn position(row: &PgRow, count: usize) -> Result<usize> {
    let position: i64 = get(row, "position")?;
    let position = usize::try_from(position).ok().filter(|position| *position < count);
    position.ok_or_else(|| Error::corrupt("a position that was not given"))
}

/// Reads the columns of a row one after the other, by position: in the pipeline, looking up each name would cost more than
/// reading the value. So statements must select columns in the order in which they are read here.
struct InOrder<'r> {
    row: &'r PgRow,
    next: usize,
}

impl<'r> InOrder<'r> {
    /// Reads from the column `id` on.
    fn from_id(row: &'r PgRow) -> Result<Self> {
        Ok(Self { row, next: row.try_column("id").map_err(from_sqlx)?.ordinal() })
    }

    fn next<T: Decode<'r, Postgres> + Type<Postgres>>(&mut self) -> Result<T> {
        self.next += 1;
        get(self.row, self.next - 1)
    }
}

/// The event of a row, without its payload.
pub(crate) fn event(row: &PgRow) -> Result<Event> {
    let mut columns = InOrder::from_id(row)?;
    let id = EventId::from_uuid(columns.next()?);
    let seq = columns.next()?;
    let tenant: String = columns.next()?;
    let event_type: String = columns.next()?;
    let key: Option<String> = columns.next()?;
    let ordering_key: Option<String> = columns.next()?;
    let idempotency_key: Option<String> = columns.next()?;
    let occurred_at = Timestamp::from_micros(columns.next()?);
    let Addressing { endpoint_keys, destination, unreadable } = addressing(columns.next()?, columns.next()?);
    let trace = columns.next::<Option<String>>()?.and_then(|text| TraceContext::kept(&text)).map(Box::new);
    let test = columns.next()?;
    let time = |micros: Option<i64>| micros.map(Timestamp::from_micros);
    let schedule = Schedule { deliver_after: time(columns.next()?), expires_at: time(columns.next()?) };
    let metadata = columns.next::<Option<String>>()?.map(|text| Box::new(Metadata::kept(&text)));
    let keys = [&key, &ordering_key, &idempotency_key].map(Option::as_deref);
    let unreadable = unreadable.or_else(|| misnamed(&tenant, &event_type, keys));
    Ok(Event {
        id,
        seq,
        tenant,
        event_type,
        key,
        ordering_key,
        idempotency_key,
        occurred_at,
        endpoint_keys,
        destination,
        trace,
        schedule,
        metadata,
        test,
        unreadable,
    })
}

/// The due delivery of a row; `None` if nothing is due and the row only has the database's time.
pub(crate) fn due(row: &PgRow) -> Result<Option<Due>> {
    let mut columns = InOrder::from_id(row)?;
    let Some(id) = columns.next()? else { return Ok(None) };
    Ok(Some(Due {
        id: DeliveryId::from_uuid(id),
        lane: LaneId::from_i64(columns.next()?),
        endpoint: columns.next::<Option<Uuid>>()?.map(EndpointId::from_uuid),
        due_at: Timestamp::from_micros(columns.next()?),
        seq: columns.next()?,
        attempts: columns.next()?,
        attempts_at_refill: columns.next()?,
        marks: Marks::from_bits(columns.next()?),
        ordering_key: columns.next::<Option<String>>()?.map(String::into_boxed_str),
    }))
}

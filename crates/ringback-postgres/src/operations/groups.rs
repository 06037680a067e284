//! Dead letters in groups: what they have in common, how many there are, since when.

use ringback::{
    attempt::ErrorClass,
    delivery::{DeadReason, LaneId},
    id::DeliveryId,
    store::{DeadGroup, DeadGroups, Error, GroupFilter, Result},
};
use sqlx::postgres::PgRow;

use crate::{Postgres, error::from_sqlx, rows, sql::query};

pub(super) async fn read(store: &Postgres, filter: &GroupFilter, most: u32) -> Result<DeadGroups> {
    let found = query(&store.sql().group_dead_letters)
        .bind(filter.died.since.map_or(i64::MIN, |since| since.micros()))
        .bind(filter.died.until.map_or(i64::MAX, |until| until.micros()))
        .bind(filter.tenant.as_deref())
        .bind(filter.event_type.as_deref())
        .bind(filter.endpoint.map(|endpoint| endpoint.uuid()))
        .bind(i64::from(most))
        .bind(filter.reason.map(DeadReason::code))
        .fetch_all(&mut *store.desk().await?)
        .await
        .map_err(from_sqlx)?;
    let all: i64 = found.first().map_or(Ok(0), |row| rows::get(row, "groups"))?;
    let items = found.iter().map(group).collect::<Result<Vec<_>>>()?;
    Ok(DeadGroups { more: u64::try_from(all).unwrap_or(0).saturating_sub(items.len() as u64), items })
}

fn group(row: &PgRow) -> Result<DeadGroup> {
    let reason: i16 = rows::get(row, "reason")?;
    let error: Option<i16> = rows::get(row, "last_error")?;
    let error = error
        .map(|code| ErrorClass::from_code(code).ok_or_else(|| Error::corrupt(format_args!("error {code}"))))
        .transpose()?;
    let status: Option<i32> = rows::get(row, "last_status")?;
    let detail: Option<String> = rows::get(row, "detail")?;
    let count: i64 = rows::get(row, "count")?;
    Ok(DeadGroup {
        lane: LaneId::from_i64(rows::get(row, "lane")?),
        endpoint: rows::endpoint_id(row, "endpoint_id")?,
        tenant: rows::get(row, "tenant")?,
        event_type: rows::get(row, "type")?,
        reason: DeadReason::from_code(reason).ok_or_else(|| Error::corrupt(format_args!("reason {reason}")))?,
        last_status: status.and_then(|status| u16::try_from(status).ok()),
        last_error: detail.or_else(|| error.map(|error| error.to_string())),
        count: u64::try_from(count).unwrap_or(0),
        first_died_at: rows::time(row, "first_died_at")?,
        last_died_at: rows::time(row, "last_died_at")?,
        example: DeliveryId::from_uuid(rows::get(row, "example")?),
    })
}

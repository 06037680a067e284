//! Dead letters in groups: what they have in common, how many there are, since when.

use ringback::{
    attempt::ErrorClass,
    delivery::{DeadReason, LaneId},
    id::{DeliveryId, EndpointId},
    store::{DeadGroup, DeadGroups, GroupFilter},
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use crate::{
    error::corrupt,
    read::{code, code_or_none, time, uuid_or_none},
};

pub(super) async fn read(
    connection: &mut SqliteConnection,
    filter: &GroupFilter,
    most: u32,
) -> sqlx::Result<DeadGroups> {
    let found = sqlx::query(sql!("dead_letters/group_dead_letters"))
        .bind(filter.died.since.map_or(i64::MIN, |since| since.micros()))
        .bind(filter.died.until.map_or(i64::MAX, |until| until.micros()))
        .bind(filter.tenant.as_deref())
        .bind(filter.event_type.as_deref())
        .bind(filter.endpoint.map(|endpoint| endpoint.uuid().as_bytes().to_vec()))
        .bind(most)
        .bind(filter.reason.map(DeadReason::code))
        .fetch_all(connection)
        .await?;
    let all: u64 = found.first().map_or(Ok(0), |row| row.try_get("groups"))?;
    let items = found.iter().map(group).collect::<sqlx::Result<Vec<_>>>()?;
    Ok(DeadGroups { more: all.saturating_sub(items.len() as u64), items })
}

fn group(row: &SqliteRow) -> sqlx::Result<DeadGroup> {
    let error = code_or_none(row, "last_error", ErrorClass::from_code)?.map(|error| error.to_string());
    let example = Uuid::try_parse(row.try_get("example")?).map_err(corrupt)?;
    Ok(DeadGroup {
        lane: LaneId::from_i64(row.try_get("lane")?),
        endpoint: uuid_or_none(row, "endpoint_id")?.map(EndpointId::from_uuid),
        tenant: row.try_get("tenant")?,
        event_type: row.try_get("type")?,
        reason: code(row, "reason", DeadReason::from_code)?,
        last_status: row.try_get("last_status")?,
        last_error: row.try_get::<Option<String>, _>("detail")?.or(error),
        count: row.try_get("count")?,
        first_died_at: time(row, "first_died_at")?,
        last_died_at: time(row, "last_died_at")?,
        example: DeliveryId::from_uuid(example),
    })
}

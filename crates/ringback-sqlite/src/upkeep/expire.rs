//! Deliveries that were due for too long in lanes that may not send.

use std::{collections::HashSet, time::Duration};

use ringback::{
    id::DeliveryId,
    store::{Change, MINUTE},
};
use sqlx::{Row as _, SqliteConnection};

use crate::{
    batch::{Hex, json},
    configuration::change,
    read::{now, uuid},
    record::{ReplayedRow, remove, settle_replayed},
};

/// Most deliveries that one call expires.
const EXPIRED_MAX: u32 = 2000;

/// Makes dead letters of them; returns how many deliveries expired.
pub(super) async fn expire_held(tx: &mut SqliteConnection, expires_after: Duration) -> sqlx::Result<u64> {
    let now = now();
    let cutoff = now.saturating_sub(i64::try_from(expires_after.as_micros()).unwrap_or(i64::MAX));
    let rows =
        sqlx::query(sql!("upkeep/find_expired")).bind(cutoff).bind(now).bind(EXPIRED_MAX).fetch_all(&mut *tx).await?;
    let (mut ids, mut replayed, mut ordered) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        let id = uuid(row, "id")?;
        ids.push(Hex(id));
        if row.try_get("replayed")? {
            replayed.push(ReplayedRow::dead(id));
        }
        if row.try_get("ordered")? {
            ordered.push((row.try_get::<i64, _>("lane")?, DeliveryId::from_uuid(id)));
        }
    }
    if ids.is_empty() {
        return Ok(0);
    }
    sqlx::query(sql!("upkeep/insert_expired")).bind(json(&ids)?).bind(now).execute(&mut *tx).await?;
    let minute = now - now.rem_euclid(MINUTE.as_micros() as i64);
    sqlx::query(sql!("figures/add_expired")).bind(json(&ids)?).bind(minute).execute(&mut *tx).await?;
    if !replayed.is_empty() {
        settle_replayed(tx, &replayed).await?;
    }
    remove(tx, &ids).await?;
    // Later deliveries of their ordering keys may be sent now.
    let mut told = HashSet::new();
    for (_, id) in ordered.into_iter().filter(|(lane, _)| told.insert(*lane)) {
        change(tx, &Change::DeliveryReleased(id)).await?;
    }
    Ok(u64::try_from(ids.len()).unwrap_or(u64::MAX))
}

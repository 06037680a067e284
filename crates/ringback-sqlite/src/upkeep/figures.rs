//! Removes figures: those beyond their retention, and those of deleted endpoints.

use std::time::Duration;

use ringback::time::Timestamp;
use sqlx::{Row as _, SqliteConnection};

use super::leftovers::{ROWS, drop_oldest};
use crate::read::uuid;

/// How long it is known that a part of figures was added: much longer than a process tries to add it.
const PARTS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes a bounded number of rows; true if there may be more.
pub(super) async fn drop_figures(tx: &mut SqliteConnection, now: Timestamp, until: Timestamp) -> sqlx::Result<bool> {
    let mut more = drop_oldest(tx, sql!("upkeep/forget_figures"), until).await?;
    more |= drop_oldest(tx, sql!("upkeep/forget_figure_parts"), now - PARTS_KEPT).await?;
    let Some(row) = sqlx::query(sql!("upkeep/find_figures_to_remove")).fetch_optional(&mut *tx).await? else {
        return Ok(more);
    };
    let endpoint = uuid(&row, "id")?.as_bytes().to_vec();
    let removed = sqlx::query(sql!("upkeep/remove_figures"))
        .bind(row.try_get::<String, _>("tenant")?)
        .bind(&endpoint)
        .bind(ROWS)
        .execute(&mut *tx)
        .await?;
    if removed.rows_affected() < u64::from(ROWS) {
        sqlx::query(sql!("upkeep/remove_pulse")).bind(&endpoint).execute(&mut *tx).await?;
        sqlx::query(sql!("upkeep/mark_figures_removed")).bind(&endpoint).execute(&mut *tx).await?;
    }
    Ok(true)
}

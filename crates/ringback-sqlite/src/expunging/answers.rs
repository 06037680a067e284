//! Erases what attempts kept of answers, since receivers may echo what they were sent.
//!
//! An attempt's detail is one packed value, so it is read, cut and written back, for a bounded number of deliveries at a
//! time.

use ringback::store::rules::erasing;
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use crate::operations::scan::Range;

/// Deliveries that are looked at together.
const TOGETHER: u128 = 256;

/// Erases the answers to the deliveries of a range; returns of how many attempts it erased one. `is_inline` says that
/// their destination came with the event.
pub(super) async fn erase(tx: &mut SqliteConnection, range: Range, is_inline: bool) -> sqlx::Result<i64> {
    let last: Option<Vec<u8>> = sqlx::query_scalar(sql!("expunging/find_last_delivery"))
        .bind(range.low.as_bytes().as_slice())
        .bind(range.high.as_bytes().as_slice())
        .fetch_one(&mut *tx)
        .await?;
    let Some(last) = last.and_then(|id| Uuid::from_slice(&id).ok()) else { return Ok(0) };
    let (mut erased, mut low) = (0, range.low.as_u128());
    while low <= last.as_u128() {
        let part = Range { low: Uuid::from_u128(low), high: Uuid::from_u128(low.saturating_add(TOGETHER)) };
        let part = part.and(range);
        erased +=
            rewrite(tx, part, is_inline, sql!("expunging/read_finished_to_erase"), sql!("expunging/erase_finished"))
                .await?;
        erased +=
            rewrite(tx, part, is_inline, sql!("expunging/read_attempts_to_erase"), sql!("expunging/erase_attempts"))
                .await?;
        low = low.saturating_add(TOGETHER);
    }
    Ok(erased)
}

async fn rewrite(
    tx: &mut SqliteConnection,
    part: Range,
    is_inline: bool,
    read: &'static str,
    write: &'static str,
) -> sqlx::Result<i64> {
    let rows = sqlx::query(read)
        .bind(part.low.as_bytes().as_slice())
        .bind(part.high.as_bytes().as_slice())
        .fetch_all(&mut *tx)
        .await?;
    let mut erased = 0;
    for row in &rows {
        let detail: &[u8] = row.try_get("detail")?;
        let left = erasing::erased_detail(detail, is_inline);
        if row.try_get("has_body")? || *left != *detail {
            sqlx::query(write).bind(row.try_get::<i64, _>("row")?).bind(&*left).execute(&mut *tx).await?;
            erased += 1;
        }
    }
    Ok(erased)
}

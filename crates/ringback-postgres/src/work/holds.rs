//! Holds: lanes that may not send before a given time.

use ringback::{
    delivery::{LaneId, Shard},
    store::{Hold, NodeId, Result},
};

use crate::{Postgres, error::from_sqlx, rows, sql::prepared};

pub(super) async fn set(store: &Postgres, node: NodeId, holds: &[Hold]) -> Result<()> {
    // A statement may change a row only once, so of several holds of a lane the last one counts.
    let last: std::collections::BTreeMap<_, _> = holds.iter().map(|hold| (hold.lane, hold)).collect();
    let lanes: Vec<i64> = last.keys().map(|lane| lane.as_i64()).collect();
    let until: Vec<i64> = last.values().map(|hold| hold.until.micros()).collect();
    let streaks: Vec<i32> = last.values().map(|hold| hold.streak).collect();
    let reasons: Vec<i16> = last.values().map(|hold| hold.reason.code()).collect();
    let shards: std::collections::BTreeSet<_> = last.keys().map(|lane| lane.shard().cast_signed()).collect();
    prepared(&store.sql().set_holds)
        .bind(&lanes)
        .bind(&until)
        .bind(&streaks)
        .bind(&reasons)
        .bind(node.0)
        .bind(shards.into_iter().collect::<Vec<i16>>())
        .execute(&mut *store.work().await?)
        .await
        .map_err(from_sqlx)?;
    Ok(())
}

pub(super) async fn load(store: &Postgres, shards: &[Shard]) -> Result<Vec<Hold>> {
    let shards: Vec<i16> = shards.iter().map(|shard| shard.cast_signed()).collect();
    let rows = prepared(&store.sql().load_holds)
        .bind(&shards)
        .fetch_all(&mut *store.work().await?)
        .await
        .map_err(from_sqlx)?;
    rows.iter()
        .map(|row| {
            Ok(Hold {
                lane: LaneId::from_i64(rows::get(row, "lane")?),
                until: rows::time(row, "until")?,
                reason: rows::hold_reason(rows::get(row, "reason")?)?,
                streak: rows::get(row, "streak")?,
            })
        })
        .collect()
}

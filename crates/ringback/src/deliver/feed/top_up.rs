//! Reads rows of single lanes that had no room for them before.

use std::sync::Arc;

use super::{Delivering, apply};
use crate::{
    delivery::LaneId,
    store::{self, Cursor},
};

/// Most lanes in one top-up.
const LANES: usize = 64;

/// Most rows of one lane in one top-up.
const LANE_ROWS: u32 = 1_000;

/// Reads further rows of lanes that have room again; true if there were such lanes.
pub(super) async fn top_up(delivering: &Arc<Delivering>) -> store::Result<bool> {
    let lanes = delivering.lanes.lock().take_top_ups(LANES);
    if lanes.is_empty() {
        return Ok(false);
    }
    let read = delivering.begin_read();
    let page = match delivering.engine.store().feed_lanes(&lanes, LANE_ROWS).await {
        Ok(page) => page,
        Err(error) => {
            put_back(delivering, lanes);
            return Err(error);
        }
    };
    let mut rests: Vec<(LaneId, usize, Option<Cursor>)> = lanes.iter().map(|&(lane, _)| (lane, 0, None)).collect();
    for due in &page.rows {
        if let Some((_, count, last)) = rests.iter_mut().find(|(lane, ..)| *lane == due.lane) {
            *count += 1;
            *last = Some(Cursor::at(due));
        }
    }
    if let Err(error) = apply(delivering, page, read).await {
        put_back(delivering, lanes);
        return Err(error);
    }
    let mut guard = delivering.lanes.lock();
    for (lane, count, last) in rests {
        guard.topped_up(lane, last.filter(|_| count >= LANE_ROWS as usize));
    }
    Ok(true)
}

/// A top-up has failed: its lanes are as far behind as they were.
fn put_back(delivering: &Delivering, lanes: Vec<(LaneId, Cursor)>) {
    let mut guard = delivering.lanes.lock();
    for (lane, cursor) in lanes {
        guard.topped_up(lane, Some(cursor));
    }
}

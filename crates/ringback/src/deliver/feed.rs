//! Brings due deliveries of our shards into their lanes: a read by cursor, no write.
//!
//! Rows become visible in commit order and not in order of `due_at`. So the cursor stays a moment behind the clock,
//! steps back some seconds every second, and starts over every minute; what is known already is passed over. A row
//! that was missed is therefore late, never lost.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use super::{Delivering, Read};
use crate::{
    delivery::{Due, LaneId, SHARDS, Shard},
    store::{self, Cursor, FeedPage},
    time::Timestamp,
};

/// Rows of one shard in one read.
const SHARD_ROWS: u32 = 256;

/// Lanes in one refill.
const REFILL_LANES: usize = 64;

/// Rows of one lane in one refill.
const REFILL_ROWS: u32 = 1_000;

/// How far the cursor stays behind the clock: commits take no longer, as a rule.
const LAG: Duration = Duration::from_millis(100);

/// How far it steps back every [`STEP_BACK_EVERY`], for commits that took longer.
const STEP_BACK: Duration = Duration::from_secs(10);
const STEP_BACK_EVERY: Duration = Duration::from_secs(1);

/// How often everything is read again from the beginning.
const START_OVER_EVERY: Duration = Duration::from_secs(60);

/// Between reads when there was something, and when there was nothing.
const PAUSE_BUSY: Duration = Duration::from_millis(10);
const PAUSE_IDLE: Duration = Duration::from_millis(30);

/// After an error of the database.
const PAUSE_ERROR: Duration = Duration::from_millis(500);

/// How far each shard has been read.
struct Cursors {
    at: [Cursor; SHARDS as usize],
    /// Whether the shard was ours at the last read: a shard that comes is read from the beginning.
    ours: [bool; SHARDS as usize],
    stepped_back: Instant,
    started_over: Instant,
}

/// Feeds until `stop`.
pub(super) async fn feed(delivering: Arc<Delivering>, stop: CancellationToken) {
    let mut cursors = Cursors::new();
    while !stop.is_cancelled() {
        let pause = match read(&delivering, &mut cursors).await {
            Ok(Found::Full) => continue,
            Ok(Found::Some) => PAUSE_BUSY,
            Ok(Found::Nothing) => PAUSE_IDLE,
            Err(error) => {
                tracing::warn!(%error, "feeding waits for the database");
                PAUSE_ERROR
            }
        };
        tokio::select! {
            () = delivering.hungry.notified() => {}
            () = delivering.pause(pause, &stop) => {}
        }
    }
}

enum Found {
    Nothing,
    Some,
    /// There is more right now.
    Full,
}

async fn read(delivering: &Arc<Delivering>, cursors: &mut Cursors) -> store::Result<Found> {
    let refilled = refill(delivering).await?;
    let owned = delivering.lanes.lock().owned_shards();
    let wanted = cursors.of(&owned, delivering.clock.now());
    if wanted.is_empty() {
        return Ok(Found::Nothing);
    }
    let asked = Instant::now();
    let read = delivering.begin_read();
    let page = delivering.engine.store().feed(&wanted, SHARD_ROWS).await?;
    delivering.clock.hear(page.now, asked);
    let before = cursors.at;
    let full = cursors.advance(&wanted, &page);
    let found = page.rows.len();
    if let Err(error) = apply(delivering, page, read).await {
        cursors.at = before;
        return Err(error);
    }
    Ok(match (full || refilled, found) {
        (true, _) => Found::Full,
        (false, 0) => Found::Nothing,
        (false, _) => Found::Some,
    })
}

/// Reads what lanes had no room for before; true if any of them may have more.
async fn refill(delivering: &Arc<Delivering>) -> store::Result<bool> {
    let lanes = delivering.lanes.lock().take_refills(REFILL_LANES);
    if lanes.is_empty() {
        return Ok(false);
    }
    let read = delivering.begin_read();
    let page = match delivering.engine.store().refill(&lanes, REFILL_ROWS).await {
        Ok(page) => page,
        Err(error) => {
            let mut guard = delivering.lanes.lock();
            for (lane, cursor) in lanes {
                guard.refilled(lane, Some(cursor));
            }
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
    apply(delivering, page, read).await?;
    let mut guard = delivering.lanes.lock();
    for (lane, count, last) in rests {
        guard.refilled(lane, last.filter(|_| count >= REFILL_ROWS as usize));
    }
    Ok(true)
}

async fn apply(delivering: &Arc<Delivering>, page: FeedPage, read: Read) -> store::Result<()> {
    let directory = delivering.engine.directories().newest();
    let unknown = |due: &Due| due.endpoint.is_some_and(|endpoint| directory.endpoint(endpoint).is_none());
    if page.rows.iter().any(unknown) {
        // Routed by another node with a newer configuration than this one has read.
        delivering.engine.directory().await?;
    }
    read.admit(page.rows.into_iter().map(|due| (due, None)).collect());
    Ok(())
}

/// Brings the next delivery of each of these ordering keys, now that the one before is finished.
pub(super) async fn bring_heads(delivering: &Arc<Delivering>, keys: Vec<(LaneId, Box<str>)>) {
    let read = delivering.begin_read();
    match delivering.engine.store().heads(&keys).await {
        Ok(page) => read.admit(page.rows.into_iter().map(|due| (due, None)).collect()),
        // The feed starts over within a minute and finds them.
        Err(error) => tracing::warn!(%error, "the next of an ordering key is late"),
    }
}

impl Cursors {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            at: [Cursor::START; SHARDS as usize],
            ours: [false; SHARDS as usize],
            stepped_back: now,
            started_over: now,
        }
    }

    /// From where to read each of these shards at `now`, the database's.
    fn of(&mut self, owned: &[Shard], now: Timestamp) -> Vec<(Shard, Cursor)> {
        for shard in 0..SHARDS {
            let ours = owned.contains(&shard);
            if ours && !self.ours[usize::from(shard)] {
                self.at[usize::from(shard)] = Cursor::START;
            }
            self.ours[usize::from(shard)] = ours;
        }
        if self.started_over.elapsed() >= START_OVER_EVERY {
            self.started_over = Instant::now();
            self.at = [Cursor::START; SHARDS as usize];
        } else if self.stepped_back.elapsed() >= STEP_BACK_EVERY {
            self.stepped_back = Instant::now();
            let back = Cursor::through(now - STEP_BACK);
            self.at = self.at.map(|cursor| cursor.min(back));
        }
        owned.iter().map(|&shard| (shard, self.at[usize::from(shard)])).collect()
    }

    /// Moves on past a page; true if any shard may have more.
    fn advance(&mut self, asked: &[(Shard, Cursor)], page: &FeedPage) -> bool {
        let mut count = [0_u32; SHARDS as usize];
        let mut last = [None; SHARDS as usize];
        for due in &page.rows {
            let shard = usize::from(due.lane.shard());
            count[shard] += 1;
            last[shard] = Some(Cursor::at(due));
        }
        let settled = Cursor::through(page.now - LAG);
        let mut full = false;
        for &(shard, from) in asked {
            let shard = usize::from(shard);
            let is_full = count[shard] >= SHARD_ROWS;
            full |= is_full;
            // A full page ends where it ends; one that is not full has shown everything up to now.
            let to = if is_full { last[shard].unwrap_or(from) } else { settled };
            self.at[shard] = from.max(to);
        }
        full
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{delivery::Marks, id::EventId};

    fn row(lane: i64, due_at: i64) -> Due {
        let due_at = Timestamp::from_micros(due_at);
        Due {
            id: EventId::new(due_at).delivery(1),
            lane: LaneId::from_i64(lane),
            endpoint: None,
            due_at,
            seq: 0,
            attempts: 0,
            attempts_at_refill: 0,
            marks: Marks::default(),
            ordering_key: None,
        }
    }

    #[test]
    fn a_row_that_commits_late_is_still_ahead_of_the_cursor() {
        let mut cursors = Cursors::new();
        let now = Timestamp::from_micros(1_000_000_000);
        let asked = cursors.of(&[1], now);
        cursors.advance(&asked, &FeedPage { now, rows: vec![row(1, 999_999_999)] });
        let late = row(1, now.micros() - 50_000);
        assert!(Cursor::at(&late) > cursors.of(&[1], now)[0].1);
    }

    #[test]
    fn a_full_page_goes_on_where_it_ended() {
        let mut cursors = Cursors::new();
        let now = Timestamp::from_micros(1_000_000_000);
        let asked = cursors.of(&[1], now);
        let rows: Vec<_> = (0..i64::from(SHARD_ROWS)).map(|n| row(1, n)).collect();
        let last = Cursor::at(&rows[rows.len() - 1]);
        assert!(cursors.advance(&asked, &FeedPage { now, rows }));
        assert_eq!(cursors.of(&[1], now)[0].1, last);
    }

    #[test]
    fn a_shard_that_comes_back_is_read_from_the_beginning() {
        let mut cursors = Cursors::new();
        let now = Timestamp::from_micros(1_000_000_000);
        let asked = cursors.of(&[1], now);
        cursors.advance(&asked, &FeedPage { now, rows: vec![] });
        cursors.of(&[], now);
        assert_eq!(cursors.of(&[1], now)[0].1, Cursor::START);
    }
}

//! Brings due deliveries of our shards into their lanes: a read by cursor, no write.
//!
//! Rows become visible in commit order and not in order of `due_at`. So the cursor stays a moment behind the clock,
//! steps back some seconds every second, and starts over every minute; what is known already is passed over. A row
//! that was missed is therefore late, never lost. Going back costs a walk over the backlog; the longer that takes,
//! the rarer it is done.

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

/// Going back may take up one part in so many of the feed's time.
const WALK_PART: u32 = 10;

/// Between reads when there was something, and when there was nothing.
const PAUSE_BUSY: Duration = Duration::from_millis(10);
const PAUSE_IDLE: Duration = Duration::from_millis(30);

/// After an error of the database.
const PAUSE_ERROR: Duration = Duration::from_millis(500);

/// How far each shard has been read.
struct Cursors {
    at: [Cursor; SHARDS as usize],
    stepped_back: Instant,
    started_over: Instant,
    /// When the feed last went back, while it has not caught up since.
    walking: Option<Instant>,
    /// It does not go back before.
    rest_until: Instant,
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
    let (owned, fresh) = {
        let mut lanes = delivering.lanes.lock();
        (lanes.owned_shards(), lanes.take_fresh())
    };
    cursors.restart(&fresh);
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
        guard.refilled(lane, last.filter(|_| count >= REFILL_ROWS as usize));
    }
    Ok(true)
}

/// A refill has failed: its lanes are as far behind as they were.
fn put_back(delivering: &Delivering, lanes: Vec<(LaneId, Cursor)>) {
    let mut guard = delivering.lanes.lock();
    for (lane, cursor) in lanes {
        guard.refilled(lane, Some(cursor));
    }
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
            stepped_back: now,
            started_over: now,
            walking: None,
            rest_until: now,
        }
    }

    /// Shards that have just come are read from the beginning, also if they had been here a moment ago.
    fn restart(&mut self, shards: &[Shard]) {
        for &shard in shards {
            self.at[usize::from(shard)] = Cursor::START;
        }
    }

    /// From where to read each of these shards at `now`, the database's.
    fn of(&mut self, owned: &[Shard], now: Timestamp) -> Vec<(Shard, Cursor)> {
        let moment = Instant::now();
        let may = self.may_go_back(moment);
        if may && moment - self.started_over >= START_OVER_EVERY {
            self.started_over = moment;
            self.walking = Some(moment);
            self.at = [Cursor::START; SHARDS as usize];
        } else if may && moment - self.stepped_back >= STEP_BACK_EVERY {
            self.stepped_back = moment;
            self.walking = Some(moment);
            let back = Cursor::through(now - STEP_BACK);
            self.at = self.at.map(|cursor| cursor.min(back));
        }
        owned.iter().map(|&shard| (shard, self.at[usize::from(shard)])).collect()
    }

    /// Whether the last walk has ended and had its rest. One that never ends is broken off: rows behind it may
    /// have been missed, too.
    fn may_go_back(&self, now: Instant) -> bool {
        match self.walking {
            Some(since) => now - since >= START_OVER_EVERY * WALK_PART,
            None => now >= self.rest_until,
        }
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
        if !full && let Some(since) = self.walking.take() {
            self.rest_until = Instant::now() + since.elapsed() * (WALK_PART - 1);
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
        assert_ne!(cursors.of(&[1], now)[0].1, Cursor::START);
        cursors.restart(&[1]);
        assert_eq!(cursors.of(&[1], now)[0].1, Cursor::START);
    }
}

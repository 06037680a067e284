//! Brings due deliveries of our shards into their lanes: a read by cursor, no write.
//!
//! Each shard is read at two places. The *front* is where rows become due: it stays a moment behind the clock and steps
//! back some seconds every second, because rows become visible in commit order and not in order of `due_at`. The *walk*
//! goes through everything from the beginning: at once when a shard comes, and now and then for what a commit that took
//! very long has hidden from the front. What is known already is passed over, so a row that was missed is late, never
//! lost.
//!
//! The two are apart so that a backlog delays nobody: however many rows of one lane the walk has to pass, whatever
//! falls due meanwhile in other lanes of the shard is read at the front. Going back costs time; the longer it takes, the
//! rarer it is done.

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
const SHARD_ROWS: u32 = 512;

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
const WALK_EVERY: Duration = Duration::from_secs(60);

/// Between the pages of such a walk: nobody waits for it, and it must not crowd out those who are waited for.
const WALK_PAUSE: Duration = Duration::from_millis(10);

/// Stepping back and walking may each take up one part in so many of the feed's time.
const WALK_PART: u32 = 20;

/// Between reads when there was something, and when there was nothing.
const PAUSE_BUSY: Duration = Duration::from_millis(10);
const PAUSE_IDLE: Duration = Duration::from_millis(30);

/// After an error of the database.
const PAUSE_ERROR: Duration = Duration::from_millis(500);

/// How far each shard has been read.
struct Cursors {
    front: [Cursor; SHARDS as usize],
    stepped_back: Instant,
    /// When the front last stepped back, while it has not caught up since.
    catching_up: Option<Instant>,
    /// It does not step back before.
    step_back_from: Instant,
    walk: Walk,
}

/// Reading everything from the beginning.
struct Walk {
    /// Where it is, of the shards that it has not come to the end of.
    at: Vec<(Shard, Cursor)>,
    began: Instant,
    /// Some of them have just come: their lanes have nothing else to send.
    is_awaited: bool,
    next_page: Instant,
    next_walk: Instant,
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
    cursors.restart(&fresh, delivering.clock.now());
    // The oldest first, where there is no more of a backlog than a page of it.
    let walked = walk(delivering, &mut cursors.walk, &owned).await?;
    let wanted = cursors.front_of(&owned, delivering.clock.now());
    if wanted.is_empty() {
        return Ok(Found::Nothing);
    }
    let before = cursors.front;
    let page = ask(delivering, &wanted).await?;
    let full = cursors.advance(&wanted, &page.page);
    let found = page.page.rows.len();
    if let Err(error) = page.apply(delivering).await {
        cursors.front = before;
        return Err(error);
    }
    Ok(match (full || refilled || walked, found) {
        (true, _) => Found::Full,
        (false, 0) => Found::Nothing,
        (false, _) => Found::Some,
    })
}

/// Reads the next page of the walk, if it is time; true if lanes wait for the one after it.
async fn walk(delivering: &Arc<Delivering>, walk: &mut Walk, owned: &[Shard]) -> store::Result<bool> {
    let wanted = walk.page_of(owned, Instant::now());
    if wanted.is_empty() {
        return Ok(false);
    }
    let page = ask(delivering, &wanted).await?;
    let rest = rest_of(&wanted, &page.page);
    page.apply(delivering).await?;
    walk.advance(rest, Instant::now());
    Ok(walk.is_awaited && !walk.at.is_empty())
}

/// A page that has been read and not been taken in yet.
struct Asked {
    page: FeedPage,
    read: Read,
}

async fn ask(delivering: &Arc<Delivering>, wanted: &[(Shard, Cursor)]) -> store::Result<Asked> {
    let asked = Instant::now();
    let read = delivering.begin_read();
    let page = delivering.engine.store().feed(wanted, SHARD_ROWS).await?;
    delivering.clock.hear(page.now, asked);
    Ok(Asked { page, read })
}

impl Asked {
    async fn apply(self, delivering: &Arc<Delivering>) -> store::Result<()> {
        apply(delivering, self.page, self.read).await
    }
}

/// Where each shard goes on whose page was full.
fn rest_of(asked: &[(Shard, Cursor)], page: &FeedPage) -> Vec<(Shard, Cursor)> {
    let mut count = [0_u32; SHARDS as usize];
    let mut last = [None; SHARDS as usize];
    for due in &page.rows {
        let shard = usize::from(due.lane.shard());
        count[shard] += 1;
        last[shard] = Some(Cursor::at(due));
    }
    asked
        .iter()
        .filter(|(shard, _)| count[usize::from(*shard)] >= SHARD_ROWS)
        .filter_map(|&(shard, _)| Some((shard, last[usize::from(shard)]?)))
        .collect()
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
        // The walk through everything finds them: after a minute, or later where there is a large backlog.
        Err(error) => tracing::warn!(%error, "the next of an ordering key is late"),
    }
}

impl Cursors {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            front: [Cursor::START; SHARDS as usize],
            stepped_back: now,
            catching_up: None,
            step_back_from: now,
            walk: Walk { at: Vec::new(), began: now, is_awaited: false, next_page: now, next_walk: now + WALK_EVERY },
        }
    }

    /// Shards that have just come are walked through from the beginning, also if they had been here a moment ago.
    fn restart(&mut self, shards: &[Shard], now: Timestamp) {
        for &shard in shards {
            self.front[usize::from(shard)] = Cursor::through(now - STEP_BACK);
            self.walk.begin_with(shard);
        }
    }

    /// From where to read the front of each of these shards at `now`, the database's.
    fn front_of(&mut self, owned: &[Shard], now: Timestamp) -> Vec<(Shard, Cursor)> {
        let moment = Instant::now();
        let rested = self.catching_up.is_none() && moment >= self.step_back_from;
        if rested && moment - self.stepped_back >= STEP_BACK_EVERY {
            self.stepped_back = moment;
            self.catching_up = Some(moment);
            let back = Cursor::through(now - STEP_BACK);
            self.front = self.front.map(|cursor| cursor.min(back));
        }
        owned.iter().map(|&shard| (shard, self.front[usize::from(shard)])).collect()
    }

    /// Moves the front on past a page; true if any shard may have more.
    fn advance(&mut self, asked: &[(Shard, Cursor)], page: &FeedPage) -> bool {
        let rest = rest_of(asked, page);
        let settled = Cursor::through(page.now - LAG);
        for &(shard, from) in asked {
            // A full page ends where it ends; one that is not full has shown everything up to now.
            let end = rest.iter().find(|(full, _)| *full == shard).map_or(settled, |&(_, end)| end);
            self.front[usize::from(shard)] = from.max(end);
        }
        if rest.is_empty()
            && let Some(since) = self.catching_up.take()
        {
            self.step_back_from = Instant::now() + since.elapsed() * (WALK_PART - 1);
        }
        !rest.is_empty()
    }
}

impl Walk {
    /// A shard has come.
    fn begin_with(&mut self, shard: Shard) {
        if self.at.is_empty() {
            self.began = Instant::now();
        }
        self.at.retain(|(walked, _)| *walked != shard);
        self.at.push((shard, Cursor::START));
        self.is_awaited = true;
    }

    /// What to read now of these shards; nothing while there is no walk, or while it pauses.
    fn page_of(&mut self, owned: &[Shard], now: Instant) -> Vec<(Shard, Cursor)> {
        self.at.retain(|(shard, _)| owned.contains(shard));
        if self.at.is_empty() && now >= self.next_walk {
            self.began = now;
            self.next_walk = now + WALK_EVERY;
            self.at = owned.iter().map(|&shard| (shard, Cursor::START)).collect();
        }
        if !self.is_awaited && now < self.next_page {
            return Vec::new();
        }
        self.at.clone()
    }

    /// Goes on from `rest`; at the end of all it rests itself.
    fn advance(&mut self, rest: Vec<(Shard, Cursor)>, now: Instant) {
        self.at = rest;
        self.next_page = now + WALK_PAUSE;
        if self.at.is_empty() {
            self.is_awaited = false;
            self.next_walk = self.next_walk.max(now + (now - self.began) * (WALK_PART - 1));
        }
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

    fn full_page(now: Timestamp) -> FeedPage {
        FeedPage { now, rows: (0..i64::from(SHARD_ROWS)).map(|n| row(1, n)).collect() }
    }

    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);

    #[test]
    fn a_row_that_commits_late_is_still_ahead_of_the_cursor() {
        let mut cursors = Cursors::new();
        let asked = cursors.front_of(&[1], NOW);
        cursors.advance(&asked, &FeedPage { now: NOW, rows: vec![row(1, 999_999_999)] });
        let late = row(1, NOW.micros() - 50_000);
        assert!(Cursor::at(&late) > cursors.front_of(&[1], NOW)[0].1);
    }

    #[test]
    fn a_full_page_goes_on_where_it_ended() {
        let mut cursors = Cursors::new();
        let asked = cursors.front_of(&[1], NOW);
        let page = full_page(NOW);
        let last = Cursor::at(&page.rows[page.rows.len() - 1]);
        assert!(cursors.advance(&asked, &page));
        assert_eq!(cursors.front_of(&[1], NOW)[0].1, last);
    }

    #[test]
    fn a_shard_that_comes_back_is_read_from_the_beginning() {
        let mut cursors = Cursors::new();
        let now = Instant::now();
        for _ in 0..2 {
            cursors.restart(&[1], NOW);
            let wanted = cursors.walk.page_of(&[1], now);
            assert_eq!(wanted, [(1, Cursor::START)]);
            cursors.walk.advance(rest_of(&wanted, &FeedPage { now: NOW, rows: vec![] }), now);
            assert_eq!(cursors.walk.page_of(&[1], now), []);
        }
    }

    #[test]
    fn what_falls_due_is_read_while_the_walk_is_still_in_a_backlog() {
        let mut cursors = Cursors::new();
        cursors.restart(&[1], NOW);
        let wanted = cursors.walk.page_of(&[1], Instant::now());
        cursors.walk.advance(rest_of(&wanted, &full_page(NOW)), Instant::now());
        let walked_to = cursors.walk.page_of(&[1], Instant::now())[0].1;
        let front = cursors.front_of(&[1], NOW)[0].1;
        assert!(walked_to < front && front < Cursor::at(&row(1, NOW.micros())));
    }

    #[test]
    fn a_walk_takes_its_time_and_a_longer_one_is_rarer() {
        let mut cursors = Cursors::new();
        let begin = cursors.walk.next_walk;
        assert_eq!(cursors.walk.page_of(&[1], begin - WALK_PAUSE), []);
        let wanted = cursors.walk.page_of(&[1], begin);
        cursors.walk.advance(rest_of(&wanted, &full_page(NOW)), begin);
        assert_eq!(cursors.walk.page_of(&[1], begin), [], "it pauses between pages");
        let end = begin + WALK_EVERY;
        assert_eq!(cursors.walk.page_of(&[1], end).len(), 1);
        cursors.walk.advance(Vec::new(), end);
        assert_eq!(cursors.walk.page_of(&[1], end + WALK_EVERY * (WALK_PART - 2)), []);
        assert_eq!(cursors.walk.page_of(&[1], end + WALK_EVERY * (WALK_PART - 1)), [(1, Cursor::START)]);
    }

    #[test]
    fn a_shard_that_has_gone_is_walked_no_further() {
        let mut cursors = Cursors::new();
        cursors.restart(&[1, 2], NOW);
        assert_eq!(cursors.walk.page_of(&[2], Instant::now()), [(2, Cursor::START)]);
    }
}

//! Brings due deliveries of this node's shards into their lanes: reads by cursor, no write.
//!
//! ```text
//! front     reads rows as they become due: every shard, a moment behind the clock
//! walk      reads everything from the beginning: when this node takes a shard, and now and then
//! top_up    reads rows of single lanes that had no room for them before
//! ```
//!
//! Lanes ignore rows of deliveries that they have already, so rows can be read again, and a row that one read missed is
//! late, never lost. Front and walk are apart so that a backlog delays no other lane: however many rows of one lane the
//! walk has to pass, the front reads the rows of the shard's other lanes when they become due. Reading again costs time;
//! the longer it takes, the less often it is done.

mod front;
mod top_up;
mod walk;

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::time::Instant;

use tokio_util::sync::CancellationToken;

use self::{front::Front, walk::Walk};
use super::{Delivering, Read, Stage};
use crate::{
    delivery::{LaneId, SHARDS, Shard},
    id::EndpointId,
    store::{self, Cursor, FeedPage},
};

/// Most rows of one shard in one read.
const SHARD_ROWS: u32 = 512;

/// Reading rows again may take up one part in so many of the feed's time, at the front and in the walk each.
const GOING_BACK_PART: u32 = 20;

/// Between reads: after a read that found rows, and after one that found none.
const PAUSE_BUSY: Duration = Duration::from_millis(10);
const PAUSE_IDLE: Duration = Duration::from_millis(30);

/// After an error of the database.
const PAUSE_ERROR: Duration = Duration::from_millis(500);

/// Feeds until `stop`.
pub(crate) async fn feed(delivering: Arc<Delivering>, stop: CancellationToken) {
    let (mut front, mut walk) = (Front::new(), Walk::new());
    // Restarted after a panic, this task does not know how far it had read.
    delivering.lanes.lock().read_anew();
    while !stop.is_cancelled() {
        let found = read(&delivering, &mut front, &mut walk).await;
        if found.is_ok() {
            delivering.progress.came_round(Stage::Feed);
        }
        let pause = match found {
            Ok(Found::Full) => continue,
            Ok(Found::Some) => PAUSE_BUSY,
            Ok(Found::Nothing) => PAUSE_IDLE,
            Err(error) => {
                tracing::warn!(%error, "feeding waits for the database");
                front.failed();
                PAUSE_ERROR
            }
        };
        tokio::select! {
            () = delivering.feed_wanted.notified() => {}
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

async fn read(delivering: &Arc<Delivering>, front: &mut Front, walk: &mut Walk) -> store::Result<Found> {
    let topped_up = top_up::top_up(delivering).await?;
    let (owned, fresh) = {
        let mut lanes = delivering.lanes.lock();
        (lanes.owned_shards(), lanes.take_fresh())
    };
    for shard in fresh {
        front.restart(shard, delivering.clock.now());
        walk.begin_with(shard);
    }
    // The walk before the front, so that a small backlog, of a page, enters the lanes oldest first.
    let walked = walk::walk(delivering, walk, &owned).await?;
    let wanted = front.of(&owned, delivering.clock.now());
    if wanted.is_empty() {
        return Ok(Found::Nothing);
    }
    let begun = Instant::now();
    let Asked { page, read } = ask(delivering, &wanted).await?;
    let (rest, now, found) = (rest_of(&wanted, &page), page.now, page.rows.len());
    apply(delivering, page, read).await?;
    let full = front.advance(&wanted, &rest, now, begun.elapsed());
    Ok(match (full || topped_up || walked, found) {
        (true, _) => Found::Full,
        (false, 0) => Found::Nothing,
        (false, _) => Found::Some,
    })
}

/// A page that has been read, and whose rows are not admitted yet.
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

/// The shards whose page was full, each with the cursor where it goes on.
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

/// Admits the rows of a page; returns the shards of which a row was admitted.
async fn apply(delivering: &Arc<Delivering>, page: FeedPage, read: Read) -> store::Result<HashSet<Shard>> {
    know(delivering, page.rows.iter().filter_map(|due| due.endpoint)).await?;
    Ok(read.admit(page.rows.into_iter().map(|due| (due, None)).collect()))
}

/// Reads the configuration if it lacks one of these endpoints: another node may have routed with a newer one.
async fn know(delivering: &Delivering, mut endpoints: impl Iterator<Item = EndpointId>) -> store::Result<()> {
    let directory = delivering.engine.directories().newest();
    if endpoints.any(|endpoint| directory.endpoint(endpoint).is_none()) {
        delivering.engine.directory().await?;
    }
    Ok(())
}

/// Brings the next delivery of each of these ordering keys, now that the one before is finished.
pub(super) async fn bring_heads(delivering: &Arc<Delivering>, keys: Vec<(LaneId, Box<str>)>) {
    let read = delivering.begin_read();
    match delivering.engine.store().heads(&keys).await {
        Ok(page) => {
            read.admit(page.rows.into_iter().map(|due| (due, None)).collect());
        }
        // The walk finds them: after a minute, or later where there is a large backlog.
        Err(error) => tracing::warn!(%error, "the next of an ordering key is late"),
    }
}

#[cfg(test)]
mod tests {
    use super::{walk::Step, *};
    use crate::{
        delivery::{Due, Marks},
        id::EventId,
        time::Timestamp,
    };

    /// A row of lane 1, which is of shard 1.
    pub(super) fn row(due_at: i64) -> Due {
        let due_at = Timestamp::from_micros(due_at);
        Due {
            id: EventId::new(due_at).delivery(1),
            lane: LaneId::from_i64(1),
            endpoint: None,
            due_at,
            seq: 0,
            attempts: 0,
            attempts_at_refill: 0,
            marks: Marks::default(),
            ordering_key: None,
        }
    }

    pub(super) fn full_page() -> FeedPage {
        FeedPage { now: NOW, rows: (0..i64::from(SHARD_ROWS)).map(row).collect() }
    }

    pub(super) const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);

    #[test]
    fn a_full_page_goes_on_where_it_ended() {
        let page = full_page();
        let last = Cursor::at(&page.rows[page.rows.len() - 1]);
        assert_eq!(rest_of(&[(1, Cursor::START), (2, Cursor::START)], &page), [(1, last)]);
        let short = FeedPage { now: NOW, rows: vec![row(1)] };
        assert_eq!(rest_of(&[(1, Cursor::START)], &short), []);
    }

    #[test]
    fn what_falls_due_is_read_while_the_walk_is_still_in_a_backlog() {
        let (mut front, mut walk) = (Front::new(), Walk::new());
        front.restart(1, NOW);
        walk.begin_with(1);
        let wanted = [(1, Cursor::START)];
        walk.advance(rest_of(&wanted, &full_page()), &HashSet::from([1]));
        let Step::Rows(walked) = walk.next(&[1], Instant::now()) else { panic!("it goes on") };
        let front = front.of(&[1], NOW)[0].1;
        assert!(walked[0].1 < front && front < Cursor::at(&row(NOW.micros())));
    }
}

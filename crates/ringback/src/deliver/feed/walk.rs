//! The walk: reads everything from the beginning. At once when this node takes a shard, and now and then to find rows that
//! the front missed because their commit took very long.
//!
//! The lanes of a shard that was just taken wait for the first walk through it: they have nothing else to send. It must not
//! read a backlog of millions for them, since a lane holds some thousand rows and leaves the rest in the database. So when
//! no row of a shard's page was admitted, the walk stops reading that shard's rows and looks for its lanes instead, leaping
//! from one to the next: it tells each lane that there may be more rows, and the lane is topped up when it has room.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{Asked, Delivering, GOING_BACK_PART, apply, ask, know, rest_of};
use crate::{
    delivery::{LaneId, Shard},
    store::{self, Cursor},
};

/// How often everything is read again from the beginning.
const WALK_EVERY: Duration = Duration::from_secs(60);

/// The longest rest between two walks, however long a walk takes: it bounds the delay of rows that only a walk finds.
const REST_MAX: Duration = Duration::from_secs(10 * 60);

/// Between the pages of a walk that no lane waits for: it must not delay reads that lanes wait for.
const WALK_PAUSE: Duration = Duration::from_millis(10);

/// Most lanes that one read finds.
const LANES: u32 = 4_096;

/// Where the walk is.
pub(super) struct Walk {
    /// The shards that it still reads, and how far it has read each.
    at: Vec<(Shard, Cursor)>,
    /// Shards whose rows find no room, and how far they were read: the walk looks for their lanes.
    crowded: Vec<(Shard, Cursor)>,
    /// The last lane that was looked at for the crowded shards.
    lane: Option<LaneId>,
    /// How long reading has taken since the walk began.
    spent: Duration,
    /// The walk includes shards that were just taken: their lanes have nothing else to send.
    is_awaited: bool,
    next_page: Instant,
    next_walk: Instant,
}

/// What a walk does next.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Nothing: the walk is over, or pauses.
    Rest,
    /// Read these shards on from these cursors.
    Rows(Vec<(Shard, Cursor)>),
    /// Look for lanes after this one.
    Lanes(Option<LaneId>),
}

/// Makes the walk's next step, if it is time; true if lanes wait for the steps after it.
pub(super) async fn walk(delivering: &Arc<Delivering>, walk: &mut Walk, owned: &[Shard]) -> store::Result<bool> {
    let begun = Instant::now();
    match walk.next(owned, begun) {
        Step::Rest => return Ok(false),
        Step::Rows(wanted) => {
            let Asked { page, read } = ask(delivering, &wanted).await?;
            let rest = rest_of(&wanted, &page);
            let took = apply(delivering, page, read).await?;
            walk.advance(rest, &took);
        }
        Step::Lanes(after) => {
            let last = look_for_lanes(delivering, after, &walk.crowded).await?;
            walk.looked(last);
        }
    }
    walk.end_step(begun.elapsed(), Instant::now());
    Ok(walk.is_awaited)
}

/// Tells the next lanes of `crowded` shards that they may have more rows than were read. Returns the last lane that was
/// looked at, if there may be others.
async fn look_for_lanes(
    delivering: &Arc<Delivering>,
    after: Option<LaneId>,
    crowded: &[(Shard, Cursor)],
) -> store::Result<Option<LaneId>> {
    let lanes = delivering.engine.store().pending_lanes(after, LANES).await?;
    let clock = delivering.clock.now();
    let behind: Vec<_> = lanes
        .iter()
        .filter(|pending| pending.due_at <= clock)
        .filter_map(|pending| {
            let (_, read_to) = crowded.iter().find(|(shard, _)| *shard == pending.lane.shard())?;
            Some((*pending, *read_to))
        })
        .collect();
    know(delivering, behind.iter().filter_map(|(pending, _)| pending.endpoint)).await?;
    let mut guard = delivering.lanes.lock();
    let directory = delivering.engine.directories().newest();
    for (pending, read_to) in behind {
        guard.fall_behind(&pending, read_to, &directory, Instant::now());
    }
    Ok(lanes.last().map(|pending| pending.lane).filter(|_| lanes.len() >= LANES as usize))
}

impl Walk {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            at: Vec::new(),
            crowded: Vec::new(),
            lane: None,
            spent: Duration::ZERO,
            is_awaited: false,
            next_page: now,
            next_walk: now + WALK_EVERY,
        }
    }

    fn is_over(&self) -> bool {
        self.at.is_empty() && self.crowded.is_empty()
    }

    /// This node has taken a shard: it is walked through from the beginning, even if this node had it a moment ago.
    pub(super) fn begin_with(&mut self, shard: Shard) {
        if self.is_over() {
            self.spent = Duration::ZERO;
        }
        self.at.retain(|(walked, _)| *walked != shard);
        self.crowded.retain(|(walked, _)| *walked != shard);
        self.at.push((shard, Cursor::START));
        self.is_awaited = true;
    }

    /// What to do now, while this node owns these shards.
    pub(super) fn next(&mut self, owned: &[Shard], now: Instant) -> Step {
        self.at.retain(|(shard, _)| owned.contains(shard));
        self.crowded.retain(|(shard, _)| owned.contains(shard));
        if self.is_over() {
            self.is_awaited = false;
            if now < self.next_walk || owned.is_empty() {
                return Step::Rest;
            }
            self.spent = Duration::ZERO;
            self.next_walk = now + WALK_EVERY;
            self.at = owned.iter().map(|&shard| (shard, Cursor::START)).collect();
        }
        if !self.is_awaited && now < self.next_page {
            return Step::Rest;
        }
        if self.at.is_empty() { Step::Lanes(self.lane) } else { Step::Rows(self.at.clone()) }
    }

    /// A page has been read, and rows of the shards in `took` were admitted; shards whose page was full go on at `rest`.
    pub(super) fn advance(&mut self, rest: Vec<(Shard, Cursor)>, took: &HashSet<Shard>) {
        let is_awaited = self.is_awaited;
        let (crowded, rest) = rest.into_iter().partition(|(shard, _)| is_awaited && !took.contains(shard));
        self.at = rest;
        if !Vec::is_empty(&crowded) {
            // Lanes are looked for from the first again: those passed before may be of these shards.
            self.lane = None;
            self.crowded.extend(crowded);
        }
    }

    /// Lanes have been looked for up to `last`; `None` if there are no more.
    fn looked(&mut self, last: Option<LaneId>) {
        self.lane = last;
        if last.is_none() {
            self.crowded.clear();
        }
    }

    /// A step took `took`. At the end of the walk, its whole time decides when the next one begins.
    fn end_step(&mut self, took: Duration, now: Instant) {
        self.spent += took;
        self.next_page = now + WALK_PAUSE;
        if self.is_over() {
            self.is_awaited = false;
            self.next_walk = self.next_walk.max(now + (self.spent * (GOING_BACK_PART - 1)).min(REST_MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const START: (Shard, Cursor) = (1, Cursor::START);

    fn rows(of: impl IntoIterator<Item = (Shard, Cursor)>) -> Step {
        Step::Rows(of.into_iter().collect())
    }

    #[test]
    fn a_shard_that_comes_back_is_read_from_the_beginning() {
        let mut walk = Walk::new();
        let now = Instant::now();
        for _ in 0..2 {
            walk.begin_with(1);
            assert_eq!(walk.next(&[1], now), rows([START]));
            walk.advance(Vec::new(), &HashSet::new());
            walk.end_step(Duration::ZERO, now);
            assert_eq!(walk.next(&[1], now), Step::Rest);
        }
    }

    #[test]
    fn a_walk_takes_its_time_and_a_longer_one_is_rarer() {
        let mut walk = Walk::new();
        let begin = walk.next_walk;
        assert_eq!(walk.next(&[1], begin - WALK_PAUSE), Step::Rest);
        assert_eq!(walk.next(&[1], begin), rows([START]));
        walk.advance(vec![START], &HashSet::new());
        walk.end_step(4 * SECOND, begin);
        assert_eq!(walk.next(&[1], begin), Step::Rest, "it pauses between pages");
        let end = begin + WALK_EVERY;
        assert_eq!(walk.next(&[1], end), rows([START]), "nobody waits, so it reads all rows");
        walk.advance(Vec::new(), &HashSet::new());
        walk.end_step(6 * SECOND, end);
        assert_eq!(walk.next(&[1], end + 10 * SECOND * (GOING_BACK_PART - 1) - WALK_PAUSE), Step::Rest);
        let next = end + 10 * SECOND * (GOING_BACK_PART - 1);
        assert_eq!(walk.next(&[1], next), rows([START]));
        walk.advance(Vec::new(), &HashSet::new());
        walk.end_step(1_000 * SECOND, next);
        assert_eq!(walk.next(&[1], next + REST_MAX - WALK_PAUSE), Step::Rest);
        assert_eq!(walk.next(&[1], next + REST_MAX), rows([START]), "and is not too rare");
    }

    #[test]
    fn a_shard_that_has_gone_is_walked_no_further() {
        let mut walk = Walk::new();
        walk.begin_with(1);
        walk.begin_with(2);
        assert_eq!(walk.next(&[2], Instant::now()), rows([(2, Cursor::START)]));
    }

    #[test]
    fn where_rows_find_no_room_lanes_are_looked_for() {
        let mut walk = Walk::new();
        let now = Instant::now();
        walk.begin_with(1);
        walk.begin_with(2);
        walk.advance(vec![START, (2, Cursor::START)], &HashSet::from([2]));
        walk.end_step(Duration::ZERO, now);
        assert_eq!(walk.next(&[1, 2], now), rows([(2, Cursor::START)]), "of shard 2 rows found room");
        walk.advance(Vec::new(), &HashSet::new());
        walk.end_step(Duration::ZERO, now);
        assert_eq!(walk.next(&[1, 2], now), Step::Lanes(None));
        walk.looked(Some(LaneId::from_i64(65)));
        walk.end_step(Duration::ZERO, now);
        assert_eq!(walk.next(&[1, 2], now), Step::Lanes(Some(LaneId::from_i64(65))));
        walk.looked(None);
        walk.end_step(Duration::ZERO, now);
        assert_eq!(walk.next(&[1, 2], now), Step::Rest);
    }

    #[test]
    fn lanes_are_looked_for_again_when_another_shard_is_crowded() {
        let mut walk = Walk::new();
        let now = Instant::now();
        walk.begin_with(1);
        walk.advance(vec![START], &HashSet::new());
        walk.end_step(Duration::ZERO, now);
        walk.looked(Some(LaneId::from_i64(65)));
        walk.end_step(Duration::ZERO, now);
        walk.begin_with(2);
        assert_eq!(walk.next(&[1, 2], now), rows([(2, Cursor::START)]));
        walk.advance(vec![(2, Cursor::START)], &HashSet::new());
        walk.end_step(Duration::ZERO, now);
        assert_eq!(walk.next(&[1, 2], now), Step::Lanes(None));
    }
}

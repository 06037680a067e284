//! Where rows become due. It stays a moment behind the clock and steps back some seconds every second, because rows
//! become visible in commit order and not in order of `due_at`.

use std::time::{Duration, Instant};

use super::GOING_BACK_PART;
use crate::{
    delivery::{SHARDS, Shard},
    store::Cursor,
    time::Timestamp,
};

/// How far it stays behind the clock: commits take no longer, as a rule.
const LAG: Duration = Duration::from_millis(100);

/// How far it steps back every [`STEP_BACK_EVERY`], for commits that took longer.
const STEP_BACK: Duration = Duration::from_secs(10);
const STEP_BACK_EVERY: Duration = Duration::from_secs(1);

/// How far each shard has been read.
pub(super) struct Front {
    cursors: [Cursor; SHARDS as usize],
    stepped_back: Instant,
    /// When it last stepped back, while it has not caught up since.
    catching_up: Option<Instant>,
    /// It does not step back before.
    step_back_from: Instant,
}

impl Front {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let cursors = [Cursor::START; SHARDS as usize];
        Self { cursors, stepped_back: now, catching_up: None, step_back_from: now }
    }

    /// A shard has come: what has been due for longer is the walk's.
    pub(super) fn restart(&mut self, shard: Shard, now: Timestamp) {
        self.cursors[usize::from(shard)] = Cursor::through(now - STEP_BACK);
    }

    /// From where to read each of these shards at `now`, the database's.
    pub(super) fn of(&mut self, owned: &[Shard], now: Timestamp) -> Vec<(Shard, Cursor)> {
        let moment = Instant::now();
        let rested = self.catching_up.is_none() && moment >= self.step_back_from;
        if rested && moment - self.stepped_back >= STEP_BACK_EVERY {
            self.stepped_back = moment;
            self.catching_up = Some(moment);
            let back = Cursor::through(now - STEP_BACK);
            self.cursors = self.cursors.map(|cursor| cursor.min(back));
        }
        owned.iter().map(|&shard| (shard, self.cursors[usize::from(shard)])).collect()
    }

    /// Moves on past a page of what was `asked`, read at `now`, of which full shards go on at `rest`; true if any does.
    pub(super) fn advance(&mut self, asked: &[(Shard, Cursor)], rest: &[(Shard, Cursor)], now: Timestamp) -> bool {
        let settled = Cursor::through(now - LAG);
        for &(shard, from) in asked {
            // A full page ends where it ends; one that is not full has shown everything up to now.
            let end = rest.iter().find(|(full, _)| *full == shard).map_or(settled, |&(_, end)| end);
            self.cursors[usize::from(shard)] = from.max(end);
        }
        if rest.is_empty()
            && let Some(since) = self.catching_up.take()
        {
            self.step_back_from = Instant::now() + since.elapsed() * (GOING_BACK_PART - 1);
        }
        !rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{NOW, row},
        *,
    };

    #[test]
    fn a_row_that_commits_late_is_still_ahead_of_the_cursor() {
        let mut front = Front::new();
        let asked = front.of(&[1], NOW);
        assert!(!front.advance(&asked, &[], NOW));
        let late = row(NOW.micros() - 50_000);
        assert!(Cursor::at(&late) > front.of(&[1], NOW)[0].1);
    }

    #[test]
    fn a_full_shard_is_read_on_from_its_end() {
        let mut front = Front::new();
        let asked = front.of(&[1, 2], NOW);
        let end = Cursor::at(&row(700));
        assert!(front.advance(&asked, &[(1, end)], NOW));
        assert_eq!(front.of(&[1, 2], NOW), [(1, end), (2, Cursor::through(NOW - LAG))]);
    }
}

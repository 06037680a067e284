//! The front: reads rows as they become due. It stays a moment behind the database's clock and steps back some seconds
//! every second, because rows become visible in commit order and not in order of `due_at`.

use std::time::Duration;

use tokio::time::Instant;

use super::GOING_BACK_PART;
use crate::{
    delivery::{SHARDS, Shard},
    store::Cursor,
    time::Timestamp,
};

/// How far the front stays behind the clock: commits take no longer, as a rule.
const LAG: Duration = Duration::from_millis(100);

/// How far the front steps back every [`STEP_BACK_EVERY`], for commits that took longer.
const STEP_BACK: Duration = Duration::from_secs(10);
const STEP_BACK_EVERY: Duration = Duration::from_secs(1);

/// The longest rest before the next step back, however long reading took. It must be shorter than [`STEP_BACK`], or rows
/// in between would be missed.
const REST_MAX: Duration = Duration::from_secs(5);

/// How far each shard has been read.
pub(super) struct Front {
    cursors: [Cursor; SHARDS as usize],
    stepped_back: Instant,
    /// While the front catches up after a step back: how long reading has taken since.
    catching_up: Option<Duration>,
    /// The earliest moment of the next step back.
    step_back_from: Instant,
    /// The last read failed.
    is_failing: bool,
}

impl Front {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let cursors = [Cursor::START; SHARDS as usize];
        Self { cursors, stepped_back: now, catching_up: None, step_back_from: now, is_failing: false }
    }

    /// This node has taken a shard: the front starts [`STEP_BACK`] ago, and the walk reads what was due before.
    pub(super) fn restart(&mut self, shard: Shard, now: Timestamp) {
        self.cursors[usize::from(shard)] = Cursor::through(now - STEP_BACK);
    }

    /// From where to read each of these shards at `now`, the database's time.
    pub(super) fn of(&mut self, owned: &[Shard], now: Timestamp) -> Vec<(Shard, Cursor)> {
        let moment = Instant::now();
        let rested = self.catching_up.is_none() && moment >= self.step_back_from;
        if rested && moment - self.stepped_back >= STEP_BACK_EVERY {
            self.stepped_back = moment;
            self.catching_up = Some(Duration::ZERO);
            let back = Cursor::through(now - STEP_BACK);
            self.cursors = self.cursors.map(|cursor| cursor.min(back));
        }
        owned.iter().map(|&shard| (shard, self.cursors[usize::from(shard)])).collect()
    }

    /// A read has failed. The time that it took says nothing about how much there is to read, so it is not counted. If
    /// the database stood still, transactions of that time commit only once it goes on: each cursor steps back from its
    /// place, once for an outage.
    pub(super) fn failed(&mut self) {
        self.catching_up = None;
        self.step_back_from = Instant::now();
        if !std::mem::replace(&mut self.is_failing, true) {
            self.cursors = self.cursors.map(|cursor| cursor.min(Cursor::through(cursor.due_at - STEP_BACK)));
        }
    }

    /// Moves on past a page that was read for `asked` at `now` and took `took`; shards whose page was full go on at
    /// `rest`. True if there are such.
    pub(super) fn advance(
        &mut self,
        asked: &[(Shard, Cursor)],
        rest: &[(Shard, Cursor)],
        now: Timestamp,
        took: Duration,
    ) -> bool {
        let waited = std::mem::replace(&mut self.is_failing, false);
        let settled = Cursor::through(now - LAG);
        for &(shard, from) in asked {
            // A full page ends at its last row; a page that is not full has shown everything up to `settled`.
            let end = rest.iter().find(|(full, _)| *full == shard).map_or(settled, |&(_, end)| end);
            self.cursors[usize::from(shard)] = from.max(end);
        }
        if let Some(spent) = &mut self.catching_up {
            // The first answer after a failure took as long as the database was away: how much of that was reading is
            // unknown.
            *spent += if waited { Duration::ZERO } else { took };
            if rest.is_empty() {
                self.step_back_from = Instant::now() + (*spent * (GOING_BACK_PART - 1)).min(REST_MAX);
                self.catching_up = None;
            }
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
        assert!(!front.advance(&asked, &[], NOW, Duration::ZERO));
        let late = row(NOW.micros() - 50_000);
        assert!(Cursor::at(&late) > front.of(&[1], NOW)[0].1);
    }

    #[test]
    fn a_full_shard_is_read_on_from_its_end() {
        let mut front = Front::new();
        let asked = front.of(&[1, 2], NOW);
        let end = Cursor::at(&row(700));
        assert!(front.advance(&asked, &[(1, end)], NOW, Duration::ZERO));
        assert_eq!(front.of(&[1, 2], NOW), [(1, end), (2, Cursor::through(NOW - LAG))]);
    }

    /// A front of which the last look was at everything up to `NOW`, within `took`.
    fn looked(took: Duration) -> Front {
        let mut front = Front::new();
        front.stepped_back -= STEP_BACK_EVERY;
        let asked = front.of(&[1], NOW);
        front.advance(&asked, &[], NOW, took);
        front.stepped_back -= STEP_BACK_EVERY;
        front
    }

    fn steps_back(front: &mut Front) -> bool {
        front.of(&[1], NOW)[0].1 <= Cursor::through(NOW - STEP_BACK)
    }

    #[test]
    fn going_back_is_rarer_the_longer_it_takes_and_never_too_rare() {
        assert!(steps_back(&mut looked(Duration::ZERO)));
        let mut front = looked(Duration::from_millis(100));
        assert!(!steps_back(&mut front));
        front.step_back_from -= Duration::from_millis(1_900);
        assert!(steps_back(&mut front));
        let mut front = looked(Duration::from_secs(100));
        front.step_back_from -= REST_MAX;
        assert!(steps_back(&mut front));
    }

    #[test]
    fn time_that_passed_in_vain_makes_going_back_no_rarer() {
        let mut front = looked(Duration::from_secs(1));
        front.failed();
        assert!(steps_back(&mut front));
        let asked = front.of(&[1], NOW);
        front.failed();
        front.advance(&asked, &[], NOW, Duration::from_secs(100));
        assert!(front.step_back_from <= Instant::now());
    }

    #[test]
    fn the_first_answer_after_a_failure_was_waited_for_and_makes_going_back_no_rarer() {
        let mut front = looked(Duration::ZERO);
        front.failed();
        let asked = front.of(&[1], NOW);
        front.advance(&asked, &[], NOW, Duration::from_secs(100));
        assert!(front.step_back_from <= Instant::now());
        front.stepped_back -= STEP_BACK_EVERY;
        let asked = front.of(&[1], NOW);
        front.advance(&asked, &[], NOW, Duration::from_secs(100));
        assert!(front.step_back_from > Instant::now(), "the next one was read");
    }

    #[test]
    fn what_was_being_committed_when_the_database_stood_still_is_read_after_it() {
        let mut front = looked(Duration::ZERO);
        front.stepped_back = Instant::now();
        let before = front.of(&[1], NOW)[0].1;
        front.failed();
        front.failed();
        let after = front.of(&[1], NOW + Duration::from_secs(45))[0].1;
        assert_eq!(after, Cursor::through(before.due_at - STEP_BACK), "once for each time that it stood still");
        front.advance(&[(1, after)], &[], NOW + Duration::from_secs(45), Duration::ZERO);
        front.failed();
        assert!(front.of(&[1], NOW)[0].1 > after);
    }
}

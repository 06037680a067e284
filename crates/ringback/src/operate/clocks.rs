//! Whether the clocks can be trusted. The database's clock decides what is too old; while it may be wrong, nothing is
//! dropped until a person has looked.
//!
//! ```text
//! apart    this node's clock and the database's differ by more than APART_MAX: one of them is wrong
//! jumped   the database's clock has moved on by more than JUMP since the last round of upkeep: either there was none for
//!          so long, or the clock was set. It is believed once it has been seen for WAIT, or at once when it is set back
//! ```
//!
//! With SQLite, and on a single machine, both clocks are the same: then only `jumped` can tell that it is wrong.

use std::{fmt, time::Duration};

use tokio::time::Instant;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::{
    Engine,
    store::{self, Store},
    time::Timestamp,
};

/// How far the two clocks may be apart while rows are dropped. Clocks that are synchronised differ by less than a second.
const APART_MAX: Duration = Duration::from_secs(5 * 60);

/// A database's clock that has moved on by more than this between two rounds is not believed at once. Shorter than usual
/// retentions, longer than a node is down overnight.
const JUMP: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a clock that jumped is not believed: enough time for a person to see the warning. Dropping rows a day later does
/// no harm.
const WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// How often the time of a round is stored.
const NOTED_EVERY: Duration = Duration::from_secs(10 * 60);

/// For how long a comparison with the database's clock is used for the times of events.
const HEARD_FOR: Duration = Duration::from_secs(60);

/// An event gets this node's time while that is no further than this from the database's.
const SAME: Duration = Duration::from_secs(1);

/// The setting that stores the time of the last round.
const SETTING: &str = "upkeep_clock";

/// Why nothing is dropped for now: a clock may be wrong. `Display` shows both times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClockDoubt {
    /// This node's clock and the database's are far apart.
    Apart {
        /// What this node's clock showed.
        node: Timestamp,
        /// What the database's showed at that moment.
        database: Timestamp,
    },
    /// The database's clock has moved on by days between two rounds of housekeeping.
    Jumped {
        /// What it shows.
        database: Timestamp,
        /// When it is believed, unless it is set back before.
        until: Timestamp,
    },
}

impl fmt::Display for ClockDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Apart { node, database } => write!(
                f,
                "the clocks are apart: it is {node} on this node and {database} in the database; nothing that is old is dropped"
            ),
            Self::Jumped { database, until } => write!(
                f,
                "the database's clock shows {database}, more than a day after the last housekeeping; in case it is wrong, \
                 nothing that is old is dropped before {until}"
            ),
        }
    }
}

/// This node's clock beside the database's, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compared {
    /// What this node's clock showed.
    pub node: Timestamp,
    /// What the database's showed.
    pub database: Timestamp,
    /// By how much they differ for sure; zero if that may be just the time that asking took.
    pub apart: Duration,
}

impl Compared {
    /// Whether they are so far apart that nothing that is old is dropped.
    #[must_use]
    pub fn stops_upkeep(&self) -> bool {
        self.apart > APART_MAX
    }

    /// Whether they are so far apart that events get the database's time instead of this node's.
    #[must_use]
    pub fn moves_events(&self) -> bool {
        self.apart > SAME
    }
}

impl Engine {
    /// Compares this node's clock with the database's.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn compare_clocks(&self) -> store::Result<Compared> {
        let (database, heard) = self.clocks().hear(&**self.store()).await?;
        Ok(Compared { node: heard.node, database, apart: Duration::from_micros(heard.ahead.unsigned_abs()) })
    }
}

/// The last round of housekeeping on any node, by the database's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// What the database's clock showed, in microseconds.
    seen: i64,
    /// If the clock jumped: the time, in its own microseconds, from which on it is believed.
    believed_from: Option<i64>,
}

impl Mark {
    /// The mark after `before`, when the database's clock shows `now`.
    fn next(before: Option<Self>, now: Timestamp) -> Self {
        let seen = now.micros();
        let Some(before) = before else { return Self { seen, believed_from: None } };
        let last = Timestamp::from_micros(before.seen);
        if now.since(last) > JUMP {
            return Self { seen, believed_from: Some((now + WAIT).micros()) };
        }
        if last.since(now) > APART_MAX {
            // Set back: the time that it showed before was the wrong one.
            return Self { seen, believed_from: None };
        }
        let believed_from = before.believed_from.filter(|from| seen < *from);
        let is_due = now.since(last) >= NOTED_EVERY || believed_from != before.believed_from;
        Self { seen: if is_due { seen } else { before.seen }, believed_from }
    }
}

/// The last comparison with the database's clock.
#[derive(Debug, Clone, Copy)]
struct Heard {
    /// By how many microseconds this node's clock is ahead of the database's; 0 if the difference may be just the time that
    /// asking took.
    ahead: i64,
    /// What this node's clock showed at `at`.
    node: Timestamp,
    /// When they were compared, by the monotonic clock.
    at: Instant,
}

impl Heard {
    /// Whether the comparison still holds: it is recent, and this node's clock was not set since.
    fn serves(&self, now: Timestamp) -> bool {
        let elapsed = self.at.elapsed();
        let expected = self.node + elapsed;
        elapsed < HEARD_FOR && now.since(expected).max(expected.since(now)) <= SAME
    }
}

/// By how many microseconds a node is ahead of a database whose clock showed `database` at some moment between `asked` and
/// `answered`.
fn ahead(asked: Timestamp, database: Timestamp, answered: Timestamp) -> i64 {
    if database < asked {
        asked.micros().saturating_sub(database.micros())
    } else if database > answered {
        answered.micros().saturating_sub(database.micros())
    } else {
        0
    }
}

/// This node's clock beside the database's.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    heard: Mutex<Option<Heard>>,
    doubt: Mutex<Option<ClockDoubt>>,
}

impl Clocks {
    /// Why nothing is dropped for now, as of the last round of this process's housekeeping.
    pub(crate) fn doubt(&self) -> Option<ClockDoubt> {
        *self.doubt.lock()
    }

    /// Compares both clocks. The node that keeps house stores the mark for the next round.
    pub(super) async fn check(&self, store: &dyn Store, keeps_house: bool) -> store::Result<Option<ClockDoubt>> {
        let (database, heard) = self.hear(store).await?;
        let doubt = if heard.ahead.unsigned_abs() > micros(APART_MAX) {
            Some(ClockDoubt::Apart { node: heard.node, database })
        } else {
            let mark = mark(store, database, keeps_house).await?;
            mark.believed_from.map(|from| ClockDoubt::Jumped { database, until: Timestamp::from_micros(from) })
        };
        *self.doubt.lock() = doubt;
        Ok(doubt)
    }

    /// The time of an event that is accepted now: this node's if its clock is right, otherwise the database's. It decides
    /// the event's partition and retention.
    pub(crate) async fn of_event(&self, store: &dyn Store) -> Timestamp {
        let heard = *self.heard.lock();
        let heard = match heard.filter(|heard| heard.serves(Timestamp::now())) {
            Some(heard) => Some(heard),
            // On an error the node's time serves: a database that does not answer will not take the event either.
            None => self.hear(store).await.ok().map(|(_, heard)| heard),
        };
        let now = Timestamp::now();
        match heard {
            Some(heard) if heard.ahead.unsigned_abs() > micros(SAME) => {
                Timestamp::from_micros(now.micros().saturating_sub(heard.ahead))
            }
            _ => now,
        }
    }

    /// Forgets the last comparison: the next event asks the database again.
    pub(crate) fn forget(&self) {
        *self.heard.lock() = None;
    }

    async fn hear(&self, store: &dyn Store) -> store::Result<(Timestamp, Heard)> {
        let asked = Timestamp::now();
        let database = store.clock().await?;
        let answered = Timestamp::now();
        let heard = Heard { ahead: ahead(asked, database, answered), node: answered, at: Instant::now() };
        *self.heard.lock() = Some(heard);
        Ok((database, heard))
    }
}

/// The mark as of now; the node that keeps house stores it.
async fn mark(store: &dyn Store, now: Timestamp, keeps_house: bool) -> store::Result<Mark> {
    let kept = store.setting(SETTING).await?;
    // A stored mark that cannot be read counts as none.
    let before = kept.and_then(|kept| serde_json::from_slice(&kept).ok());
    let next = Mark::next(before, now);
    if keeps_house && before != Some(next) {
        let text = serde_json::to_vec(&next).map_err(store::Error::corrupt)?;
        store.put_setting(SETTING, &text).await?;
    }
    Ok(next)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(60 * 60);
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn at(days: u32) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000) + DAY * days
    }

    fn doubts(mark: Mark) -> bool {
        mark.believed_from.is_some()
    }

    #[test]
    fn a_clock_that_moves_on_by_days_is_believed_a_day_later() {
        let first = Mark::next(None, at(0));
        assert!(!doubts(first));
        let night = Mark::next(Some(first), at(0) + HOUR * 14);
        assert!(!doubts(night), "a machine may be off for a night");
        let jumped = Mark::next(Some(night), at(100));
        assert!(doubts(jumped));
        let waiting = Mark::next(Some(jumped), at(100) + HOUR * 23);
        assert!(doubts(waiting));
        assert!(!doubts(Mark::next(Some(waiting), at(101))));
        let again = Mark::next(Some(waiting), at(200));
        assert_eq!(again.believed_from, Some(at(201).micros()), "each jump is waited for anew");
    }

    #[test]
    fn a_clock_that_is_set_back_is_believed_at_once_and_slight_corrections_do_not_count() {
        let jumped = Mark::next(Some(Mark::next(None, at(0))), at(100));
        assert!(doubts(Mark::next(Some(jumped), at(100) - Duration::from_secs(60))));
        let back = Mark::next(Some(jumped), at(0) + HOUR);
        assert_eq!(back, Mark { seen: (at(0) + HOUR).micros(), believed_from: None });
    }

    #[test]
    fn a_round_is_noted_down_every_ten_minutes() {
        let first = Mark::next(None, at(0));
        assert_eq!(Mark::next(Some(first), at(0) + Duration::from_secs(10)), first);
        let later = at(0) + HOUR;
        assert_eq!(Mark::next(Some(first), later).seen, later.micros());
    }

    #[test]
    fn clocks_that_differ_by_little_stop_nothing() {
        let compared = |apart| Compared { node: at(1), database: at(1), apart };
        assert!(!compared(SAME).moves_events());
        assert!(compared(SAME * 2).moves_events() && !compared(APART_MAX).stops_upkeep());
        assert!(compared(APART_MAX * 2).stops_upkeep());
    }

    #[test]
    fn a_slow_answer_is_no_difference_between_clocks() {
        let (asked, answered) = (at(1), at(1) + HOUR);
        assert_eq!(ahead(asked, at(1) + HOUR / 2, answered), 0);
        assert_eq!(ahead(asked, at(0), answered), i64::try_from(DAY.as_micros()).unwrap());
        assert_eq!(ahead(asked, answered + HOUR, answered), -i64::try_from(HOUR.as_micros()).unwrap());
    }
}

//! Whether the clocks can be trusted. What is too old goes by the database's clock; where that one may be wrong, nothing
//! is dropped until somebody has looked.
//!
//! ```text
//! apart    this node's clock and the database's differ by more than APART_MAX: one of them is wrong
//! jumped   the database's clock has moved on by more than JUMP since anybody kept house: either nobody did for so long,
//!          or it was set. It is believed once it has been seen for WAIT, or at once when it is set back
//! ```
//!
//! The second is what tells of a wrong clock where both are one: with SQLite, and on a single machine.

use std::{fmt, time::Duration};

use tokio::time::Instant;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::{
    store::{self, Store},
    time::Timestamp,
};

/// How far the two clocks may be apart while things are dropped. Clocks that anything keeps in order differ by less than a
/// second.
const APART_MAX: Duration = Duration::from_secs(5 * 60);

/// A database's clock that has moved on by more than this between two rounds is not believed at once. Shorter than any
/// retention that matters, longer than a night.
const JUMP: Duration = Duration::from_secs(24 * 60 * 60);

/// For how long not: time enough for whoever sees the warning. Dropping things a day later than they could be harms
/// nobody.
const WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// How often the time of a round is written down.
const NOTED_EVERY: Duration = Duration::from_secs(10 * 60);

/// How long what was heard of the database's clock serves for the times of events.
const HEARD_FOR: Duration = Duration::from_secs(60);

/// An event carries this node's time while it is no further than this from the database's.
const SAME: Duration = Duration::from_secs(1);

/// The setting under which the time of the last round is kept.
const SETTING: &str = "upkeep_clock";

/// Why nothing is dropped for now: a clock may be wrong. What is shown tells both times.
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
        /// When it is believed if it is not set back before.
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

/// When somebody last kept house, by the database's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// In microseconds.
    seen: i64,
    /// A clock that jumped is believed from then on.
    believed_from: Option<i64>,
}

impl Mark {
    /// What `before` becomes when the database's clock shows `now`.
    fn next(before: Option<Self>, now: Timestamp) -> Self {
        let seen = now.micros();
        let Some(before) = before else { return Self { seen, believed_from: None } };
        let last = Timestamp::from_micros(before.seen);
        if now.since(last) > JUMP {
            return Self { seen, believed_from: Some((now + WAIT).micros()) };
        }
        if last.since(now) > APART_MAX {
            // Set back: what went before it was the mistake.
            return Self { seen, believed_from: None };
        }
        let believed_from = before.believed_from.filter(|from| seen < *from);
        let is_due = now.since(last) >= NOTED_EVERY || believed_from != before.believed_from;
        Self { seen: if is_due { seen } else { before.seen }, believed_from }
    }
}

/// What was last heard of the database's clock.
#[derive(Debug, Clone, Copy)]
struct Heard {
    /// By how many microseconds this node's clock is ahead of it; 0 where that cannot be told from the time it took to ask.
    ahead: i64,
    /// What this node's clock showed …
    node: Timestamp,
    /// … and when.
    at: Instant,
}

impl Heard {
    /// Whether it still tells how the clocks stand: it is recent, and this node's was not set since.
    fn serves(&self, now: Timestamp) -> bool {
        let elapsed = self.at.elapsed();
        let expected = self.node + elapsed;
        elapsed < HEARD_FOR && now.since(expected).max(expected.since(now)) <= SAME
    }
}

/// By how many microseconds a node is ahead of a database that said `database` between `asked` and `answered`.
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

    /// Looks at both clocks. Whoever keeps house notes that down for the next.
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

    /// The time of an event that is accepted now: this node's if its clock is right, by the database's otherwise. Retention
    /// goes by it, and so does the partition that holds the event.
    pub(crate) async fn of_event(&self, store: &dyn Store) -> Timestamp {
        let heard = *self.heard.lock();
        let heard = match heard.filter(|heard| heard.serves(Timestamp::now())) {
            Some(heard) => Some(heard),
            // A database that does not answer will not take the event either.
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

    /// What was heard of the database's clock serves no longer: the next event asks anew.
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

/// The mark as it is now; written down by whoever keeps house.
async fn mark(store: &dyn Store, now: Timestamp, keeps_house: bool) -> store::Result<Mark> {
    let kept = store.setting(SETTING).await?;
    // One that cannot be read is as good as none.
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
    fn a_slow_answer_is_no_difference_between_clocks() {
        let (asked, answered) = (at(1), at(1) + HOUR);
        assert_eq!(ahead(asked, at(1) + HOUR / 2, answered), 0);
        assert_eq!(ahead(asked, at(0), answered), i64::try_from(DAY.as_micros()).unwrap());
        assert_eq!(ahead(asked, answered + HOUR, answered), -i64::try_from(HOUR.as_micros()).unwrap());
    }
}

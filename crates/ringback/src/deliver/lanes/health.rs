//! Whether a receiver is failing, and for how long it is left alone: pure.
//!
//! ```text
//!            fewer than five failures in a row            the probe fails: twice as long, at most 15 min
//!               ┌──────┐                                        ┌──────┐
//!               │      ▼    the fifth failure: 30 s             │      ▼
//!              well ─────────────────────────────────────────▶ failing
//!                 ◀─────────────────────────────────────────────
//!                             any answer, whatever it says
//! ```
//!
//! A failure is a time-out or a connection that could not be made or broke before an answer. An answer of 500 is not a
//! failure: the receiver is reachable. When a hold ends, the lane opens one request, for the delivery that has been due
//! for longest: the probe. The failures of requests that were opened before the hold ended are not counted: they tell
//! of the same outage, and only a failed probe prolongs it.

use std::time::Duration;

use tokio::time::Instant;

/// So many failures in a row begin a hold.
const FAILURES: u32 = 5;

/// How long the first hold lasts.
const HOLD_FIRST: Duration = Duration::from_secs(30);

/// No hold is longer: a receiver that is back is found within this time.
const HOLD_MAX: Duration = Duration::from_secs(15 * 60);

/// What a request that has ended says about its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Symptom {
    /// It answered.
    Alive,
    /// It answered that it has too much to do.
    Overloaded,
    /// It timed out or could not be reached.
    Failing,
    /// Nothing: no request reached it.
    Unknown,
}

/// What is known of one receiver.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Health {
    /// Failures in a row while the receiver is well.
    failures: u32,
    /// Holds in a row; the receiver is well while this is zero.
    streak: u32,
    /// When the last hold ends: a request that is opened from then on is a probe.
    until: Option<Instant>,
}

impl Health {
    /// The health of a receiver whose lane has a stored hold, from another node or from before a restart.
    pub(super) const fn after_holds(streak: u32, until: Instant) -> Self {
        Self { failures: 0, streak, until: Some(until) }
    }

    pub(super) const fn is_failing(self) -> bool {
        self.streak > 0
    }

    /// Holds in a row.
    pub(super) const fn streak(self) -> u32 {
        self.streak
    }

    /// It answered.
    pub(super) const fn answered(&mut self) {
        *self = Self { failures: 0, streak: 0, until: None };
    }

    /// A request that was opened at `opened` failed now. Returns the end of the hold that this begins, if it does.
    pub(super) fn failed(&mut self, opened: Instant, now: Instant) -> Option<Instant> {
        if self.is_failing() {
            if self.until.is_some_and(|until| opened < until) {
                return None;
            }
        } else {
            self.failures += 1;
            if self.failures < FAILURES {
                return None;
            }
        }
        self.streak = self.streak.saturating_add(1);
        // The sixth doubling exceeds `HOLD_MAX`; the bound keeps the power from overflowing.
        let wait = HOLD_MAX.min(HOLD_FIRST * 2_u32.pow(self.streak.min(6) - 1));
        self.until = Some(now + wait);
        self.until
    }

    /// The endpoint was changed or resumed: if the next request fails, a hold begins at once, of the shortest length.
    pub(super) const fn given_a_chance(&mut self) {
        if self.is_failing() {
            *self = Self { failures: FAILURES - 1, streak: 0, until: None };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A receiver that fails one request after the other, each as soon as it may be opened; how long it is held each
    /// time.
    fn holds(health: &mut Health, failures: usize) -> Vec<u64> {
        let mut now = Instant::now();
        let mut holds = Vec::new();
        for _ in 0..failures {
            if let Some(until) = health.failed(now, now) {
                holds.push((until - now).as_secs());
                now = until;
            }
        }
        holds
    }

    #[test]
    fn the_fifth_failure_in_a_row_begins_holds_that_double_to_a_quarter_of_an_hour() {
        let mut health = Health::default();
        assert!(holds(&mut health, 4).is_empty());
        assert_eq!((health.is_failing(), health.streak()), (false, 0));
        assert_eq!(holds(&mut health, 8), [30, 60, 120, 240, 480, 900, 900, 900]);
        assert_eq!((health.is_failing(), health.streak()), (true, 8));
    }

    #[test]
    fn an_answer_ends_the_row_and_the_streak() {
        let mut health = Health::default();
        for _ in 0..3 {
            assert!(holds(&mut health, 4).is_empty());
            health.answered();
        }
        assert_eq!(holds(&mut health, 6), [30, 60]);
        health.answered();
        assert_eq!(holds(&mut health, 5), [30]);
    }

    #[test]
    fn what_was_open_before_the_hold_ended_does_not_lengthen_it() {
        let mut health = Health::default();
        let opened = Instant::now();
        let until = (0..5).find_map(|_| health.failed(opened, opened)).unwrap();
        let later = until + Duration::from_secs(20);
        assert!((0..50).all(|_| health.failed(opened, later).is_none()), "also when they time out after its end");
        assert_eq!(health.failed(until, later), Some(later + Duration::from_secs(60)));
    }

    #[test]
    fn a_receiver_that_is_given_a_chance_has_one_request_and_then_the_shortest_hold() {
        let mut health = Health::after_holds(7, Instant::now());
        health.given_a_chance();
        assert_eq!(holds(&mut health, 2), [30, 60]);
        let mut well = Health::default();
        well.given_a_chance();
        assert!(holds(&mut well, 4).is_empty());
    }
}

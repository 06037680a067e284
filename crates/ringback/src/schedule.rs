//! When an event may be sent: not before a moment, and not for the first time after another.

use std::time::Duration;

use crate::{invalid::Invalid, time::Timestamp};

/// How far ahead the first attempt may be put off. What waits keeps its payload, beside the events of as many days.
pub const DELIVER_AFTER_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// When the deliveries of an event may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Schedule {
    /// No attempt before this; at once unless set.
    pub deliver_after: Option<Timestamp>,
    /// Dead, as `expired`, if no attempt has begun by then.
    pub expires_at: Option<Timestamp>,
}

impl Schedule {
    /// Adds a finding if no attempt could begin.
    pub(crate) fn check(self, invalid: &mut Invalid) {
        if let (Some(after), Some(expires)) = (self.deliver_after, self.expires_at)
            && expires <= after
        {
            invalid.add("/expires_at", "out_of_range", "must be later than deliver_after");
        }
    }

    /// Adds a finding if the first attempt is put off too far, of an event that is emitted at `now`.
    pub(crate) fn check_at(self, now: Timestamp, invalid: &mut Invalid) {
        if self.deliver_after.is_some_and(|after| after > now + DELIVER_AFTER_MAX) {
            invalid.add("/deliver_after", "out_of_range", "must be at most 30 days ahead");
        }
    }

    /// Since when a delivery that is made at `now` is due.
    #[must_use]
    pub fn due_at(self, now: Timestamp) -> Timestamp {
        self.deliver_after.map_or(now, |after| after.max(now))
    }

    /// Whether its time has passed by `now`.
    #[must_use]
    pub fn is_over(self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(after: Option<i64>, expires: Option<i64>, now: i64) -> Vec<String> {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1_000);
        let schedule = Schedule { deliver_after: after.map(at), expires_at: expires.map(at) };
        let mut invalid = Invalid::default();
        schedule.check(&mut invalid);
        schedule.check_at(at(now), &mut invalid);
        invalid.findings.into_iter().map(|finding| finding.pointer).collect()
    }

    #[test]
    fn thirty_days_are_the_most_and_the_end_is_behind_the_beginning() {
        const MONTH: i64 = 30 * 24 * 60 * 60;
        assert!(found(Some(5 + MONTH), Some(6 + MONTH), 5).is_empty());
        assert_eq!(found(Some(6 + MONTH), None, 5), ["/deliver_after"]);
        assert_eq!(found(Some(7), Some(7), 5), ["/expires_at"]);
        assert!(found(Some(1), Some(2), 5).is_empty(), "what is past is at once, and over at once");
    }

    #[test]
    fn it_is_due_when_it_may_go_and_over_at_its_end() {
        let at = Timestamp::from_millis;
        let schedule = Schedule { deliver_after: Some(at(10)), expires_at: Some(at(20)) };
        assert_eq!((schedule.due_at(at(5)), schedule.due_at(at(15))), (at(10), at(15)));
        assert_eq!((schedule.is_over(at(19)), schedule.is_over(at(20))), (false, true));
        assert_eq!((Schedule::default().due_at(at(5)), Schedule::default().is_over(at(5))), (at(5), false));
    }
}

//! How an endpoint does, in one word and with the facts behind it.
//!
//! | what is known | state | since |
//! |---|---|---|
//! | an operator paused it, or it is not enabled | held | its last change |
//! | its lane is held for failing, or its newest attempts failed | failing | the first failure after the last success |
//! | its receiver asked for time | held | the beginning of the hold |
//! | nothing was tried for a day, and nothing is pending | idle | its last attempt, or its creation |
//! | its newest attempts succeeded | ok | the first success after the last failure |
//! | something waits that was not tried yet | ok | its creation |

use std::time::Duration;

use crate::{
    delivery::HoldReason,
    store::{LastFailure, Vitals},
    time::Timestamp,
    word::words,
};

/// After so long without an attempt an endpoint is idle, however the last one ended.
pub const IDLE_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

words! {
    /// How an endpoint does.
    HealthState {
        Ok "ok": "its receiver takes what it is sent",
        Failing "failing": "its last attempts failed",
        Held "held": "nothing is sent: it is paused, disabled, or its receiver asked for time",
        Idle "idle": "nothing was tried for a day, and nothing waits",
    }
}

/// How an endpoint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// In one word.
    pub state: HealthState,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// Why nothing is sent now.
    pub hold_reason: Option<HoldReason>,
    /// When that ends by itself, if it does.
    pub held_until: Option<Timestamp>,
    /// Pending deliveries, counted up to a bound.
    pub pending: u32,
    /// When the first of them is due, or was.
    pub oldest_due_at: Option<Timestamp>,
    /// When the last attempt that succeeded began.
    pub last_success_at: Option<Timestamp>,
    /// The last attempt that failed.
    pub last_failure: Option<LastFailure>,
}

/// What is known of an endpoint besides its lane.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Why an operator, or its own answer, keeps it from sending.
    pub held_by_word: Option<HoldReason>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Decides how an endpoint does.
#[must_use]
pub fn health(standing: Standing, vitals: &Vitals, now: Timestamp) -> Health {
    let (pulse, lane) = (vitals.pulse, vitals.hold);
    let failed_at = pulse.last_failure.map(|failure| failure.at);
    let last_attempt_at = pulse.last_success_at.max(failed_at);
    let was_tried_lately = last_attempt_at.is_some_and(|at| now.since(at) < IDLE_AFTER);
    let is_awake = was_tried_lately || vitals.pending > 0;
    let held_for_failing = lane.filter(|hold| hold.reason == HoldReason::Failing);
    let failing_since = pulse.failing_since.filter(|_| is_awake).or(held_for_failing.map(|hold| hold.since));
    let (state, since) = match (standing.held_by_word, failing_since, lane) {
        (Some(_), _, _) => (HealthState::Held, standing.updated_at),
        (None, _, Some(hold)) if hold.reason != HoldReason::Failing => (HealthState::Held, hold.since),
        (None, Some(since), _) => (HealthState::Failing, since),
        (None, None, _) if !is_awake => (HealthState::Idle, last_attempt_at.unwrap_or(standing.created_at)),
        (None, None, _) => (HealthState::Ok, pulse.succeeding_since.unwrap_or(standing.created_at)),
    };
    Health {
        state,
        since,
        hold_reason: standing.held_by_word.or(lane.map(|hold| hold.reason)),
        held_until: lane.filter(|_| standing.held_by_word.is_none()).map(|hold| hold.until),
        pending: vitals.pending,
        oldest_due_at: vitals.oldest_due_at,
        last_success_at: pulse.last_success_at,
        last_failure: pulse.last_failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{HoldNow, Pulse};

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + minutes * 60_000)
    }

    const STANDING: fn() -> Standing = || Standing { held_by_word: None, created_at: at(-9_000), updated_at: at(-50) };

    fn failure(minutes: i64) -> Option<LastFailure> {
        Some(LastFailure { at: at(minutes), error: None, status: Some(503) })
    }

    fn told(vitals: Vitals) -> (HealthState, Timestamp) {
        let health = health(STANDING(), &vitals, at(0));
        (health.state, health.since)
    }

    #[test]
    fn the_newest_attempts_say_how_it_does() {
        let succeeding = Pulse {
            last_success_at: Some(at(-1)),
            last_failure: failure(-30),
            succeeding_since: Some(at(-20)),
            failing_since: None,
        };
        assert_eq!(told(Vitals { pulse: succeeding, ..Vitals::default() }), (HealthState::Ok, at(-20)));
        let failing = Pulse {
            last_success_at: Some(at(-31)),
            last_failure: failure(-1),
            succeeding_since: None,
            failing_since: Some(at(-30)),
        };
        assert_eq!(told(Vitals { pulse: failing, pending: 1, ..Vitals::default() }), (HealthState::Failing, at(-30)));
    }

    #[test]
    fn without_attempts_for_a_day_it_is_idle_unless_something_waits() {
        assert_eq!(told(Vitals::default()), (HealthState::Idle, at(-9_000)));
        let long_ago = Pulse { last_failure: failure(-2_000), failing_since: Some(at(-2_000)), ..Pulse::default() };
        assert_eq!(told(Vitals { pulse: long_ago, ..Vitals::default() }), (HealthState::Idle, at(-2_000)));
        let waits = Vitals { pulse: long_ago, pending: 1, ..Vitals::default() };
        assert_eq!(told(waits), (HealthState::Failing, at(-2_000)));
        assert_eq!(told(Vitals { pending: 1, ..Vitals::default() }), (HealthState::Ok, at(-9_000)));
    }

    #[test]
    fn a_lane_held_for_failing_is_failing_and_one_whose_receiver_asked_for_time_is_held() {
        let hold = |reason| Some(HoldNow { reason, since: at(-5), until: at(5) });
        let failing = Vitals { hold: hold(HoldReason::Failing), ..Vitals::default() };
        assert_eq!(told(failing), (HealthState::Failing, at(-5)));
        let asked = Vitals { hold: hold(HoldReason::RetryAfter), ..Vitals::default() };
        assert_eq!(told(asked), (HealthState::Held, at(-5)));
        let health = health(STANDING(), &failing, at(0));
        assert_eq!((health.hold_reason, health.held_until), (Some(HoldReason::Failing), Some(at(5))));
    }

    #[test]
    fn an_operators_word_goes_before_what_the_lane_is_held_for() {
        let hold = Some(HoldNow { reason: HoldReason::Failing, since: at(-5), until: at(5) });
        let paused = Standing { held_by_word: Some(HoldReason::Paused), ..STANDING() };
        let health = health(paused, &Vitals { hold, ..Vitals::default() }, at(0));
        assert_eq!((health.state, health.since), (HealthState::Held, at(-50)));
        assert_eq!((health.hold_reason, health.held_until), (Some(HoldReason::Paused), None));
    }
}

//! What an outcome means: pure, with time and chance as arguments.
//!
//! | outcome | tries left | next |
//! |---|---|---|
//! | success: 2xx, or the statuses that the endpoint sets | | delivered |
//! | a status that the endpoint lists as permanent | | dead, `refused`: 410 is no exception |
//! | 410 of an endpoint | | gone: the endpoint is disabled, the delivery stays |
//! | 410 of an inline destination | | dead, `gone` |
//! | anything else | yes | retry after the schedule, or `Retry-After` if that is later |
//! | anything else | no | the endpoint's other URL at once, with as many tries; then dead, `exhausted` |
//!
//! 429 and 503 with `Retry-After` also hold the whole lane. What an outcome says about the receiver's health is its
//! [`symptom`].

use std::time::Duration;

use super::{lanes::Symptom, retry, retry_after::retry_after};
use crate::{
    attempt::{ErrorClass, Outcome},
    delivery::DeadReason,
    endpoint::{Retry, Statuses},
    time::Timestamp,
};

/// Longest time that one answer holds a lane. A receiver that asks for more can ask again with its next answer.
const HOLD_MAX: Duration = Duration::from_secs(15 * 60);

/// Statuses that ask for fewer requests at a time, with or without `Retry-After`. 502 and 504 come from the receiver's own
/// proxy.
const OVERLOADED: [u16; 4] = [429, 502, 503, 504];

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It is done.
    Delivered,
    /// It is tried again.
    Retry {
        /// How long after the attempt ended.
        after: Duration,
    },
    /// The endpoint answered that it is gone for good: it is to be disabled, and the delivery stays pending.
    Gone,
    /// It becomes a dead letter.
    Dead(DeadReason),
}

/// What becomes of a delivery, and of its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judgement {
    /// What becomes of the delivery.
    pub(super) next: Next,
    /// How long the receiver wants the whole lane to be held.
    pub(super) hold: Option<Duration>,
}

/// By what an outcome is judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy<'a> {
    /// How often and when it is tried again.
    pub(super) retry: &'a Retry,
    /// Statuses that no further try can change.
    pub(super) permanent: &'a Statuses,
    /// Whether a 410 ends the delivery, as for inline destinations.
    pub(super) inline: bool,
    /// Whether there is another URL for a second budget.
    pub(super) has_fallback: bool,
}

/// Judges an outcome. `tries_used` counts this attempt and those before it of the present budget; `chance` is a number in
/// [0, 1) for the jitter.
#[must_use]
pub(super) fn judge(outcome: &Outcome, tries_used: u32, policy: Policy<'_>, chance: f64, now: Timestamp) -> Judgement {
    if outcome.is_delivered() {
        return Judgement { next: Next::Delivered, hold: None };
    }
    let status = outcome.response.as_ref().map(|response| response.status);
    let asked = outcome.response.as_ref().and_then(|response| retry_after(&response.headers, now));
    let next = if status.is_some_and(|status| policy.permanent.contain(status)) {
        Next::Dead(DeadReason::Refused)
    } else if status == Some(410) && !(policy.has_fallback && tries_used > policy.retry.max_attempts) {
        if policy.inline { Next::Dead(DeadReason::Gone) } else { Next::Gone }
    } else if policy.has_fallback && tries_used == policy.retry.max_attempts {
        // What the first receiver asks for is no matter of the other's.
        Next::Retry { after: Duration::ZERO }
    } else if tries_used >= policy.retry.max_attempts.saturating_mul(1 + u32::from(policy.has_fallback)) {
        Next::Dead(DeadReason::Exhausted)
    } else {
        let of_budget = (tries_used.max(1) - 1) % policy.retry.max_attempts.max(1) + 1;
        let scheduled = retry::delay(policy.retry, of_budget, chance);
        Next::Retry { after: asked.map_or(scheduled, |asked| asked.max(scheduled)) }
    };
    let holds = matches!(status, Some(429 | 503));
    let hold = asked.filter(|asked| holds && !asked.is_zero()).map(|asked| asked.min(HOLD_MAX));
    Judgement { next, hold }
}

/// What an outcome says about the receiver. A receiver that sends anything back, however wrong, is alive; a request that
/// Ringback refused to send says nothing.
pub(super) fn symptom(outcome: &Outcome) -> Symptom {
    if let Some(response) = &outcome.response {
        return if OVERLOADED.contains(&response.status) { Symptom::Overloaded } else { Symptom::Alive };
    }
    match outcome.failure.map(|failure| failure.error) {
        Some(ErrorClass::BlockedDestination | ErrorClass::Panic | ErrorClass::Authorization) | None => Symptom::Unknown,
        Some(
            ErrorClass::Status
            | ErrorClass::Redirect
            | ErrorClass::Protocol
            | ErrorClass::TooLarge
            | ErrorClass::Challenge,
        ) => Symptom::Alive,
        Some(
            ErrorClass::Timeout
            | ErrorClass::Reset
            | ErrorClass::Dns
            | ErrorClass::ConnectRefused
            | ErrorClass::Connect
            | ErrorClass::TlsExpired
            | ErrorClass::TlsName
            | ErrorClass::TlsUntrusted
            | ErrorClass::TlsProtocol
            | ErrorClass::TlsClientAuth,
        ) => Symptom::Failing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attempt::{Failure, Phase, Response, Timings},
        endpoint::Preset,
    };

    fn answered(status: u16, headers: &[(&str, &str)]) -> Outcome {
        let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let failure = Failure { error: ErrorClass::Status, phase: None, ambiguous: false };
        Outcome {
            response: Some(Response { status, headers, ..Response::default() }),
            failure: (!(200..300).contains(&status)).then_some(failure),
            remote_addr: None,
            duration: Duration::ZERO,
            timings: Timings::default(),
        }
    }

    fn judged(outcome: &Outcome, tries_used: u32) -> Judgement {
        judged_by(outcome, tries_used, &Statuses::none(), false)
    }

    fn judged_by(outcome: &Outcome, tries_used: u32, permanent: &Statuses, inline: bool) -> Judgement {
        let policy = Policy { retry: &Preset::Default.retry(), permanent, inline, has_fallback: false };
        judge(outcome, tries_used, policy, 0.5, Timestamp::from_millis(0))
    }

    fn after(outcome: &Outcome, tries_used: u32) -> u64 {
        match judged(outcome, tries_used).next {
            Next::Retry { after } => after.as_secs(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn any_2xx_is_delivered() {
        for status in [200, 202, 204, 299] {
            let outcome = answered(status, &[("retry-after", "60")]);
            assert_eq!(judged(&outcome, 3), Judgement { next: Next::Delivered, hold: None });
        }
    }

    #[test]
    fn everything_else_is_tried_three_times_in_all() {
        let blocked = Outcome::refused(ErrorClass::BlockedDestination, Phase::Policy);
        let outcomes = [301, 400, 401, 404, 413, 415, 429, 500, 503, 600].map(|status| answered(status, &[]));
        for outcome in outcomes.iter().chain([&blocked]) {
            assert_eq!((after(outcome, 1), after(outcome, 2)), (10, 60));
            assert_eq!(judged(outcome, 3).next, Next::Dead(DeadReason::Exhausted));
            assert_eq!(judged(outcome, 4).next, Next::Dead(DeadReason::Exhausted));
            assert_eq!(judged(outcome, 1).hold, None);
        }
    }

    #[test]
    fn silence_is_a_sign_of_failing_and_any_answer_one_of_life() {
        for status in [200, 301, 404, 410, 500] {
            assert_eq!(symptom(&answered(status, &[])), Symptom::Alive);
        }
        for status in [429, 502, 503, 504] {
            assert_eq!(symptom(&answered(status, &[])), Symptom::Overloaded);
        }
        for error in ErrorClass::ALL {
            let expected = match error {
                ErrorClass::BlockedDestination | ErrorClass::Panic | ErrorClass::Authorization => Symptom::Unknown,
                ErrorClass::Status
                | ErrorClass::Redirect
                | ErrorClass::Protocol
                | ErrorClass::TooLarge
                | ErrorClass::Challenge => Symptom::Alive,
                _ => Symptom::Failing,
            };
            assert_eq!(symptom(&Outcome::refused(*error, Phase::Connect)), expected, "{error:?}");
        }
    }

    #[test]
    fn gone_disables_an_endpoint_and_kills_an_inline_delivery() {
        let outcome = answered(410, &[]);
        assert_eq!(judged(&outcome, 1).next, Next::Gone);
        assert_eq!(judged(&outcome, 3).next, Next::Gone);
        assert_eq!(judged_by(&outcome, 1, &Statuses::none(), true).next, Next::Dead(DeadReason::Gone));
    }

    #[test]
    fn a_second_url_has_a_budget_of_its_own_at_once_and_no_410_of_it_disables() {
        let judged = |status: u16, tries_used: u32| {
            let (retry, permanent) = (Preset::Default.retry(), Statuses::none());
            let policy = Policy { retry: &retry, permanent: &permanent, inline: false, has_fallback: true };
            let outcome = answered(status, &[("retry-after", "1")]);
            judge(&outcome, tries_used, policy, 0.5, Timestamp::from_millis(0)).next
        };
        let after = |seconds| Next::Retry { after: Duration::from_secs(seconds) };
        let all: Vec<_> = (1..=6).map(|tries_used| judged(500, tries_used)).collect();
        let dead = Next::Dead(DeadReason::Exhausted);
        assert_eq!(all, [after(10), after(60), after(0), after(10), after(60), dead]);
        assert_eq!(judged(410, 3), Next::Gone);
        assert_eq!((judged(410, 4), judged(410, 6)), (after(10), dead));
        assert_eq!(judged(200, 6), Next::Delivered);
    }

    #[test]
    fn a_permanent_status_is_the_end_at_once_but_a_success_stays_one() {
        let permanent: Statuses = "400-422,410,503".parse().unwrap();
        for status in [400, 410, 422, 503] {
            for inline in [false, true] {
                let judgement = judged_by(&answered(status, &[]), 1, &permanent, inline);
                assert_eq!(judgement.next, Next::Dead(DeadReason::Refused), "{status}");
            }
        }
        assert!(matches!(judged_by(&answered(500, &[]), 1, &permanent, false).next, Next::Retry { .. }));
        let holds = judged_by(&answered(503, &[("retry-after", "5")]), 1, &permanent, false).hold;
        assert_eq!(holds, Some(Duration::from_secs(5)), "the receiver's wish for time is about the others");
        assert_eq!(judged_by(&answered(204, &[]), 1, &permanent, false).next, Next::Delivered);
    }

    #[test]
    fn retry_after_delays_but_never_hurries() {
        assert_eq!(after(&answered(500, &[("retry-after", "120")]), 1), 120);
        assert_eq!(after(&answered(302, &[("retry-after", "120")]), 1), 120);
        assert_eq!(after(&answered(500, &[("retry-after", "1")]), 1), 10);
        assert_eq!(after(&answered(500, &[("retry-after", "0")]), 1), 10);
        assert_eq!(after(&answered(500, &[("retry-after", "99999999999999999999999")]), 1), 86_400);
    }

    #[test]
    fn only_429_and_503_hold_the_lane_and_at_most_15_minutes() {
        let hold =
            |status, value| judged(&answered(status, &[("retry-after", value)]), 1).hold.map(|wait| wait.as_secs());
        assert_eq!(hold(429, "5"), Some(5));
        assert_eq!(hold(503, "86400"), Some(900));
        assert_eq!(hold(500, "5"), None);
        assert_eq!(hold(429, "0"), None);
        assert_eq!(hold(429, "soon"), None);
        let last = judged(&answered(429, &[("retry-after", "5")]), 3);
        assert_eq!(last.next, Next::Dead(DeadReason::Exhausted));
        assert_eq!(last.hold, Some(Duration::from_secs(5)));
    }
}

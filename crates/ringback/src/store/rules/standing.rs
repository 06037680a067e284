//! Whether a delivery may be sent again, and if not, why. This is decided from what a store reads in the transaction that
//! acts on it, because what was true when the replay was asked for may have changed since.

use crate::{
    delivery::DeadReason,
    id::EndpointId,
    store::{ReplayOf, ReplayOne, ReplayScope, Replayed},
};

/// What a store has read of one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// It is pending, for the first time or in a replay.
    pub owed: bool,
    /// It is a dead letter.
    pub dead: Option<Death>,
    /// It has been delivered.
    pub delivered: bool,
    /// It was cancelled.
    pub cancelled: bool,
    /// Its event's payload was expunged.
    pub expunged: bool,
    /// Its event or its payload is gone for another reason.
    pub payload_gone: bool,
    /// Its endpoint; `None` if inline.
    pub endpoint: Option<EndpointId>,
    /// Its endpoint is deleted.
    pub endpoint_deleted: bool,
}

/// How a dead letter died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Death {
    /// Why it was given up.
    pub reason: DeadReason,
    /// The status code of the last answer.
    pub last_status: Option<u16>,
}

impl Standing {
    /// What becomes of the delivery in a replay of this one.
    #[must_use]
    pub fn again(&self, of: ReplayOf) -> ReplayOne {
        let fits = match of {
            ReplayOf::Either => true,
            // A delivered one is no dead letter, or not any more.
            ReplayOf::DeadLetter => !self.delivered,
        };
        self.outcome(fits)
    }

    /// What becomes of the delivery when its turn comes in a replay of many.
    #[must_use]
    pub fn again_in(&self, scope: &ReplayScope) -> ReplayOne {
        let filter = &scope.filter;
        let fits_status = match (filter.status, self.dead) {
            (Replayed::Dead, Some(death)) => {
                filter.reason.is_none_or(|reason| reason == death.reason)
                    && filter.last_status.is_none_or(|status| death.last_status == Some(status))
            }
            (Replayed::Delivered, None) => self.delivered,
            (Replayed::Dead, None) | (Replayed::Delivered, Some(_)) | (Replayed::Missing, _) => false,
        };
        // An endpoint may be at another host by now. An inline destination is elsewhere only if somebody sent it there since,
        // which took it out of what this replay may send.
        let is_there = filter.host.is_none() || self.endpoint.is_none_or(|id| scope.at_host.contains(&id));
        self.outcome(fits_status && is_there)
    }

    /// Of several reasons, `Expunged` is given before all others, and a payload that is gone after all others.
    fn outcome(&self, fits: bool) -> ReplayOne {
        let is_known = self.owed || self.dead.is_some() || self.delivered || self.cancelled;
        if !is_known {
            ReplayOne::Absent
        } else if self.expunged {
            ReplayOne::Expunged
        } else if self.cancelled {
            ReplayOne::Cancelled
        } else if self.owed && (fits || !self.delivered) {
            ReplayOne::Pending
        } else if !fits {
            ReplayOne::Unfit
        } else if self.endpoint_deleted {
            ReplayOne::EndpointDeleted
        } else if self.payload_gone {
            ReplayOne::Expunged
        } else {
            ReplayOne::Released
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{store::ReplayFilter, time::Timestamp};

    const DEAD: Standing = Standing {
        dead: Some(Death { reason: DeadReason::Exhausted, last_status: Some(500) }),
        owed: false,
        delivered: false,
        cancelled: false,
        expunged: false,
        payload_gone: false,
        endpoint: None,
        endpoint_deleted: false,
    };

    fn delivered() -> Standing {
        Standing { dead: None, delivered: true, ..DEAD }
    }

    #[test]
    fn the_gravest_obstacle_is_told() {
        let owed = Standing { dead: None, owed: true, ..DEAD };
        let cases = [
            (DEAD, ReplayOne::Released),
            (delivered(), ReplayOne::Released),
            (owed, ReplayOne::Pending),
            (Standing { owed: true, ..delivered() }, ReplayOne::Pending),
            (Standing { cancelled: true, dead: None, ..DEAD }, ReplayOne::Cancelled),
            (Standing { cancelled: true, dead: None, expunged: true, ..DEAD }, ReplayOne::Expunged),
            (Standing { endpoint_deleted: true, payload_gone: true, ..DEAD }, ReplayOne::EndpointDeleted),
            (Standing { payload_gone: true, ..DEAD }, ReplayOne::Expunged),
            (Standing { payload_gone: true, ..Standing::default() }, ReplayOne::Absent),
        ];
        for (standing, outcome) in cases {
            assert_eq!(standing.again(ReplayOf::Either), outcome, "{standing:?}");
        }
        assert_eq!(delivered().again(ReplayOf::DeadLetter), ReplayOne::Unfit);
        assert_eq!(Standing { owed: true, ..delivered() }.again(ReplayOf::DeadLetter), ReplayOne::Unfit);
        assert_eq!(owed.again(ReplayOf::DeadLetter), ReplayOne::Pending);
    }

    #[test]
    fn a_replay_sends_only_what_still_fits_its_filter() {
        let fits = |standing: Standing, change: fn(&mut ReplayFilter)| {
            let mut filter = ReplayFilter::all(Replayed::Dead);
            change(&mut filter);
            standing.again_in(&ReplayScope::of(filter)) == ReplayOne::Released
        };
        assert!(fits(DEAD, |_| {}));
        assert!(!fits(delivered(), |_| {}), "it has been delivered meanwhile");
        assert!(!fits(DEAD, |filter| filter.status = Replayed::Delivered));
        assert!(fits(delivered(), |filter| filter.status = Replayed::Delivered));
        assert!(fits(DEAD, |filter| filter.reason = Some(DeadReason::Exhausted)));
        assert!(!fits(DEAD, |filter| filter.reason = Some(DeadReason::Expired)));
        assert!(fits(DEAD, |filter| filter.last_status = Some(500)));
        assert!(!fits(DEAD, |filter| filter.last_status = Some(503)));
        assert!(!fits(DEAD, |filter| filter.status = Replayed::Missing));
    }

    #[test]
    fn an_endpoint_that_has_moved_to_another_host_is_left_out() {
        let endpoint = EndpointId::new(Timestamp::now());
        let filter = ReplayFilter { host: Some("a.example.com".to_owned()), ..ReplayFilter::all(Replayed::Dead) };
        let scope = |at_host| ReplayScope { at_host, ..ReplayScope::of(filter.clone()) };
        let registered = Standing { endpoint: Some(endpoint), ..DEAD };
        assert_eq!(registered.again_in(&scope(vec![endpoint])), ReplayOne::Released);
        assert_eq!(registered.again_in(&scope(vec![])), ReplayOne::Unfit);
        assert_eq!(DEAD.again_in(&scope(vec![])), ReplayOne::Released, "inline destinations never move");
    }
}

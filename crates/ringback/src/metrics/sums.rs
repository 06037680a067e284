//! What this process has counted of each minute and not yet added to the store's figures.
//!
//! Outcomes are counted once they are committed, in memory, so that figures cost no statement and no row per delivery.
//! Every few seconds, whenever figures are asked for here, and at the end of the process, they are added to the store. A
//! process that is killed loses what it had not added: `docs/decisions/0038-figures-are-summed-up.md`.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use uuid::Uuid;

use crate::{
    delivery::Marks,
    id::EndpointId,
    store::{self, Figures, FiguresPart, MINUTE, MinuteOf, Pulse, Recorded, Settlement, SharedStore, Subject},
    time::Timestamp,
};

/// From one time that figures are added to the next.
pub(crate) const ADDED_EVERY: Duration = Duration::from_secs(10);

/// Most rows that are added at once, so that a transaction stays short.
const PART: usize = 1_000;

/// Whose delivery an outcome is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owed {
    /// The endpoint; `None` for an inline destination.
    pub(crate) endpoint: Option<EndpointId>,
    /// The tenant of the event.
    pub(crate) tenant: Arc<str>,
    /// Why the delivery exists.
    pub(crate) marks: Marks,
    /// Before this its event was not to be sent.
    pub(crate) deliver_after: Option<Timestamp>,
}

/// The sums of this process.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    present: Mutex<Present>,
    /// Parts on their way. Locked while they are added, so that whoever reads figures then sees all that was counted before.
    parts: tokio::sync::Mutex<VecDeque<FiguresPart>>,
}

#[derive(Debug, Default)]
struct Present {
    minutes: HashMap<(Arc<str>, Option<EndpointId>, Timestamp), Figures>,
    pulses: BTreeMap<EndpointId, Pulse>,
}

impl Present {
    fn minute(&mut self, tenant: &Arc<str>, endpoint: Option<EndpointId>, at: Timestamp) -> &mut Figures {
        self.minutes.entry((Arc::clone(tenant), endpoint, minute_of(at))).or_default()
    }
}

impl Sums {
    /// Counts committed outcomes that were not stale.
    pub(crate) fn count<'a>(&self, outcomes: impl Iterator<Item = (&'a Recorded, &'a Owed)>) {
        let mut present = self.present.lock();
        for (Recorded { settlement, attempt, .. }, owed) in outcomes {
            // A replay of a delivered one stays delivered, whatever comes of it.
            let died = matches!(settlement, Settlement::Dead { .. }) && !owed.marks.delivered_before;
            if let Some(attempt) = attempt {
                present.minute(&owed.tenant, owed.endpoint, attempt.at).add_attempt(attempt);
                if let Some(endpoint) = owed.endpoint {
                    present.pulses.entry(endpoint).or_default().add_attempt(attempt);
                }
            }
            if died {
                present.minute(&owed.tenant, owed.endpoint, Timestamp::now()).dead += 1;
            }
        }
    }

    /// Counts a delivery of this tenant that was dead at once.
    pub(crate) fn count_unroutable(&self, tenant: &str, endpoint: Option<EndpointId>) {
        self.present.lock().minute(&tenant.into(), endpoint, Timestamp::now()).dead += 1;
    }

    /// What was counted of a subject and is not added, nor on its way.
    pub(crate) fn unadded(&self, subject: &Subject) -> Figures {
        let mut sum = Figures::default();
        for ((tenant, endpoint, _), figures) in &self.present.lock().minutes {
            let counts = match subject {
                Subject::All => true,
                Subject::Tenant(of) => **tenant == **of,
                Subject::Endpoint(_, of) => *endpoint == Some(*of),
            };
            if counts {
                sum.merge(figures);
            }
        }
        sum
    }

    /// Adds everything counted so far to the store's figures.
    ///
    /// # Errors
    /// When the store does not answer: what was counted is added the next time.
    pub(crate) async fn add_to(&self, store: &SharedStore) -> store::Result<()> {
        let mut parts = self.parts.lock().await;
        let present = std::mem::take(&mut *self.present.lock());
        parts.extend(parts_of(present));
        while let Some(part) = parts.front() {
            match store.add_figures(part).await {
                Err(error @ (store::Error::Refused(_) | store::Error::Corrupt(_))) => {
                    tracing::error!(%error, "figures were refused and are left out");
                }
                added => added?,
            }
            parts.pop_front();
        }
        Ok(())
    }
}

/// The beginning of the minute in which a moment lies.
fn minute_of(at: Timestamp) -> Timestamp {
    let minute = i64::try_from(MINUTE.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(at.micros().div_euclid(minute) * minute)
}

/// Minutes of endpoints, of their tenants and of everything, in the order in which all nodes add them.
fn parts_of(Present { minutes, pulses }: Present) -> Vec<FiguresPart> {
    let mut sums = BTreeMap::<(Subject, Timestamp), Figures>::new();
    for ((tenant, endpoint, at), figures) in minutes {
        let tenant = tenant.to_string();
        let endpoint = endpoint.map(|endpoint| Subject::Endpoint(tenant.clone(), endpoint));
        for subject in [Some(Subject::All), Some(Subject::Tenant(tenant)), endpoint].into_iter().flatten() {
            sums.entry((subject, at)).or_default().merge(&figures);
        }
    }
    let minutes: Vec<_> = sums.into_iter().map(|((subject, at), figures)| MinuteOf { subject, at, figures }).collect();
    let pulses: Vec<_> = pulses.into_iter().collect();
    let part = |minutes: &[MinuteOf], pulses: &[(EndpointId, Pulse)]| FiguresPart {
        id: Uuid::now_v7(),
        minutes: minutes.to_vec(),
        pulses: pulses.to_vec(),
    };
    let of_minutes = minutes.chunks(PART).map(|minutes| part(minutes, &[]));
    of_minutes.chain(pulses.chunks(PART).map(|pulses| part(&[], pulses))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attempt::{Attempt, Conclusion, Detail, ErrorClass},
        delivery::{DeadReason, LaneId},
        id::EventId,
    };

    fn outcome(number: i32, error: Option<ErrorClass>, settlement: Settlement) -> Recorded {
        let at = Timestamp::from_millis(1_800_000_030_000);
        let conclusion = if error.is_none() { Conclusion::Delivered } else { Conclusion::Failed };
        Recorded {
            id: EventId::new(at).delivery(1),
            lane: LaneId::from_i64(1),
            fence: number - 1,
            settlement,
            attempt: Some(Attempt {
                number,
                at,
                conclusion,
                status: None,
                error,
                phase: None,
                ambiguous: false,
                duration: Duration::from_millis(8),
                detail: Detail::default().to_bytes(),
                response_body: bytes::Bytes::new(),
            }),
        }
    }

    fn dead() -> Settlement {
        Settlement::Dead { reason: DeadReason::Exhausted, detail: None, blocks: false }
    }

    #[test]
    fn an_outcome_counts_for_its_endpoint_its_tenant_and_everything() {
        let sums = Sums::default();
        let endpoint = EndpointId::new(Timestamp::from_millis(1));
        let owed = |endpoint| Owed { endpoint, tenant: "acme".into(), marks: Marks::default(), deliver_after: None };
        let (one, inline) = (owed(Some(endpoint)), owed(None));
        let outcomes =
            [outcome(1, None, Settlement::Delivered), outcome(3, Some(ErrorClass::Timeout), Settlement::Keep)];
        sums.count([(&outcomes[0], &one), (&outcomes[1], &one), (&outcomes[0], &inline)].into_iter());
        let parts = parts_of(std::mem::take(&mut *sums.present.lock()));
        let told: Vec<_> = parts
            .iter()
            .flat_map(|part| &part.minutes)
            .map(|it| (it.subject.clone(), it.figures.delivered, it.figures.failed, it.figures.first_attempts))
            .collect();
        let acme = || "acme".to_owned();
        assert_eq!(
            told,
            [
                (Subject::All, 2, 1, 2),
                (Subject::Tenant(acme()), 2, 1, 2),
                (Subject::Endpoint(acme(), endpoint), 1, 1, 1)
            ]
        );
        let [.., last] = parts.as_slice() else { panic!("{parts:?}") };
        let [(of, pulse)] = last.pulses.as_slice() else { panic!("{last:?}") };
        assert_eq!((*of, pulse.failing_since.is_some(), pulse.succeeding_since), (endpoint, true, None));
    }

    #[test]
    fn what_was_delivered_before_does_not_die_by_its_replay() {
        let sums = Sums::default();
        let owed = |delivered_before| Owed {
            endpoint: None,
            tenant: "acme".into(),
            marks: Marks { delivered_before, ..Marks::default() },
            deliver_after: None,
        };
        let outcome = outcome(2, Some(ErrorClass::Status), dead());
        sums.count([(&outcome, &owed(true)), (&outcome, &owed(false))].into_iter());
        sums.count_unroutable("acme", None);
        let parts = parts_of(std::mem::take(&mut *sums.present.lock()));
        let all = parts.iter().flat_map(|part| &part.minutes).filter(|it| it.subject == Subject::All);
        let (dead, failed) =
            all.fold((0, 0), |(dead, failed), it| (dead + it.figures.dead, failed + it.figures.failed));
        assert_eq!((dead, failed), (2, 2));
    }
}

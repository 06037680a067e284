//! The events of one commit, summed up, so that each counter is raised once for each commit.

use crate::store::{EventState, RoutedAs, Verdict};

/// What one commit stored or routed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arrivals {
    routed: u64,
    unmatched: u64,
    duplicates: u64,
    /// Deliveries that are owed.
    pub(super) pending: u64,
    /// Deliveries of events that were expunged before they were routed.
    pub(super) cancelled: u64,
    /// Deliveries that were dead at once.
    pub(super) unroutable: u64,
}

impl Arrivals {
    /// Adds an event that was stored with this verdict.
    pub(crate) fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Deliveries(deliveries) => {
                self.routed += 1;
                self.pending += deliveries.len() as u64;
            }
            Verdict::Unmatched => self.unmatched += 1,
            Verdict::Unroutable { .. } => {
                self.routed += 1;
                self.unroutable += 1;
            }
        }
    }

    /// Adds an event of the outbox.
    pub(crate) fn add_routed(&mut self, routed_as: RoutedAs, verdict: &Verdict) {
        match (routed_as, verdict) {
            (RoutedAs::Stored, verdict) | (RoutedAs::Expunged, verdict @ Verdict::Unmatched) => self.add(verdict),
            (RoutedAs::Expunged, Verdict::Deliveries(deliveries)) => {
                self.routed += 1;
                self.cancelled += deliveries.len() as u64;
            }
            (RoutedAs::Expunged, Verdict::Unroutable { .. }) => {
                self.routed += 1;
                self.cancelled += 1;
            }
            (RoutedAs::Duplicate, _) => self.duplicates += 1,
            (RoutedAs::ByAnother, _) => {}
        }
    }

    /// How many events there are.
    pub(crate) const fn events(&self) -> u64 {
        self.routed + self.unmatched + self.duplicates
    }

    pub(super) const fn states(&self) -> [(EventState, u64); 3] {
        [
            (EventState::Routed, self.routed),
            (EventState::Unmatched, self.unmatched),
            (EventState::Duplicate, self.duplicates),
        ]
    }
}

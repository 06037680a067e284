//! Time passes, and in the end everything comes to rest.

use std::{sync::Arc, time::Duration};

use super::{Model, Open, Outcome, TIMEOUT};
use crate::deliver::lanes::{pick::PRUNE_EVERY, tests::answered};

impl Model {
    pub(super) fn pass_time(&mut self, time: Duration) {
        self.now += time;
        let timed_out = |open: &Open| self.now - open.since >= TIMEOUT - Duration::from_secs(1);
        let ended: Vec<_> = self.open.iter().filter(|(_, open)| timed_out(open)).map(|(id, _)| *id).collect();
        for id in ended {
            self.end(id);
        }
        let there: Vec<_> =
            self.elsewhere.iter().filter(|(_, (_, ends))| *ends <= self.now).map(|(id, _)| *id).collect();
        for id in there {
            let (due, _) = self.elsewhere.remove(&id).unwrap();
            let retry = if self.chance(0.5) { Some(self.seconds(15.0)) } else { None };
            self.write(&Outcome { due, at: self.now, retry });
        }
        let now = self.now;
        let late = self.recording.extract_if(.., |outcome| now - outcome.at >= Duration::from_millis(500));
        for outcome in late.collect::<Vec<_>>() {
            self.write(&outcome);
            self.committed.push(outcome.due.id);
        }
    }

    /// Nothing is disturbed any more: everything is sent, and nothing is left behind.
    pub(super) fn come_to_rest(&mut self) {
        while !self.given.is_empty() {
            self.take();
        }
        self.sick.clear();
        for endpoint in self.endpoints() {
            let mut endpoint = Arc::unwrap_or_clone(endpoint);
            if !endpoint.enabled {
                self.finish_reads();
            }
            (endpoint.enabled, endpoint.paused) = (true, false);
            self.change(endpoint);
        }
        for _ in 0..20_000 {
            if self.rows.is_empty() && self.open.is_empty() && self.loading.is_empty() && self.recording.is_empty() {
                break;
            }
            self.feed();
            self.apply_insert();
            for _ in 0..20 {
                self.pick();
                self.looked_ahead();
            }
            while !self.loading.is_empty() {
                self.loaded();
            }
            for id in self.open.keys().copied().collect::<Vec<_>>() {
                let Open { due, courier, .. } = self.open.remove(&id).unwrap();
                self.lanes.ended(&due, &courier, answered(Duration::from_millis(5)), self.now);
                self.hear_of_holds();
                self.recording.push(Outcome { due, at: self.now, retry: None });
            }
            while !self.recording.is_empty() {
                self.commit();
            }
            self.settle();
            self.pass_time(Duration::from_millis(50));
        }
        assert!(self.rows.is_empty(), "{} rows are never sent: {:?}", self.rows.len(), self.rows.values().next());
        self.finish_reads();
        self.pass_time(Duration::from_secs(100));
        self.finish_reads();
        while self.lanes.pick(self.now).is_some() {}
        self.settle();
        for _ in 0..4 {
            self.feed();
        }
        assert_eq!(self.lanes.open(), 0, "places");
        assert_eq!(self.lanes.event_bytes, 0, "bytes");
        assert_eq!(self.lanes.known.unsettled().count(), 0, "deliveries");
        self.pass_time(PRUNE_EVERY);
        self.lanes.pick(self.now);
        self.lanes.lanes.retain(|_, lane| lane.courier.endpoint.is_none());
        assert_eq!(self.lanes.lanes.len(), 0, "lanes without work");
        assert!(self.lanes.tenants.count() <= 1, "tenants without lanes");
    }
}

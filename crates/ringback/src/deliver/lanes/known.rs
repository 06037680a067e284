//! Which deliveries this node has in memory, so that no read of the database admits one twice.
//!
//! A delivery whose outcome was just recorded stays as a tombstone until every read that had *started* by the record's
//! commit has been applied: such a read may still carry the row as it was before. Deliveries that come straight from
//! routing count as a read that started before their commit. An echo is a row that a read brings although this node has
//! the delivery; after a tombstone, a row with more attempts than the tombstone's is no echo: it is a retry.

use std::collections::{BTreeSet, HashMap, VecDeque};

use tokio::time::Instant;

use super::permits::Pool;
use crate::{
    delivery::{Due, LaneId},
    id::DeliveryId,
};

/// Counts reads of the database, in the order in which they started.
pub(super) type Read = u64;

/// What this node is doing with a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// It waits in its lane.
    Waiting,
    /// Its turn has come, it has a place in this pool, and its event is being read.
    Loading { pool: Pool },
    /// Its request is open since `since`, with a place in this pool.
    Open { pool: Pool, since: Instant },
    /// Its request has ended and its outcome is being recorded.
    Recording,
    /// The request that the shard's last owner left open may still run, at most until `until`.
    Foreign { until: Instant },
    /// Recorded; reads that started up to this one may still show it.
    Recorded { before: Read },
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    attempts: i32,
    lane: LaneId,
    doing: Doing,
}

/// A delivery that must not be sent again yet, and why.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unsettled {
    pub(super) id: DeliveryId,
    pub(super) attempts: i32,
    pub(super) lane: LaneId,
    pub(super) doing: Doing,
}

/// All deliveries that this node has in memory.
#[derive(Debug, Default)]
pub(super) struct Known {
    entries: HashMap<DeliveryId, Entry>,
    /// Tombstones, oldest first, each with the last read that had started when it was created.
    tombstones: VecDeque<(Read, DeliveryId)>,
    reads_started: Read,
    under_way: BTreeSet<Read>,
}

impl Known {
    /// Admits a row unless it is an echo; true if it was admitted.
    pub(super) fn admit(&mut self, due: &Due) -> bool {
        let echo = self.entries.get(&due.id).is_some_and(|entry| match entry.doing {
            Doing::Recorded { .. } => due.attempts <= entry.attempts,
            Doing::Waiting | Doing::Loading { .. } | Doing::Open { .. } | Doing::Recording | Doing::Foreign { .. } => {
                true
            }
        });
        if !echo {
            self.set(due.id, due.attempts, due.lane, Doing::Waiting);
        }
        !echo
    }

    pub(super) fn set(&mut self, id: DeliveryId, attempts: i32, lane: LaneId, doing: Doing) {
        self.entries.insert(id, Entry { attempts, lane, doing });
    }

    pub(super) fn doing(&self, id: DeliveryId) -> Option<Doing> {
        self.entries.get(&id).map(|entry| entry.doing)
    }

    /// The pool in which a delivery has a place while its event is read; `None` if this attempt's event is not being read
    /// any more.
    pub(super) fn loading(&self, due: &Due) -> Option<Pool> {
        match self.entries.get(&due.id).filter(|entry| entry.attempts == due.attempts)?.doing {
            Doing::Loading { pool } => Some(pool),
            _ => None,
        }
    }

    /// Forgets the deliveries of these lanes whose events are being read; returns the pool of each one's place.
    pub(super) fn forget_loading(&mut self, of: impl Fn(LaneId) -> bool) -> Vec<Pool> {
        let loading =
            self.entries.extract_if(|_, entry| of(entry.lane) && matches!(entry.doing, Doing::Loading { .. }));
        let pool = |entry: Entry| if let Doing::Loading { pool } = entry.doing { Some(pool) } else { None };
        loading.filter_map(|(_, entry)| pool(entry)).collect()
    }

    pub(super) fn lane(&self, id: DeliveryId) -> Option<LaneId> {
        self.entries.get(&id).map(|entry| entry.lane)
    }

    /// Changes what is being done with a delivery, if it is known.
    pub(super) fn turn(&mut self, id: DeliveryId, doing: Doing) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.doing = doing;
        }
    }

    pub(super) fn forget(&mut self, id: DeliveryId) {
        self.entries.remove(&id);
    }

    /// The last read that has started.
    pub(super) const fn last_read(&self) -> Read {
        self.reads_started
    }

    /// A read of the database begins.
    pub(super) fn read_started(&mut self) -> Read {
        self.reads_started += 1;
        self.under_way.insert(self.reads_started);
        self.reads_started
    }

    /// A read has been applied or has failed: tombstones that no read under way needs any more are removed.
    pub(super) fn read_applied(&mut self, read: Read) {
        self.under_way.remove(&read);
        let oldest = self.under_way.first().copied().unwrap_or(Read::MAX);
        while let Some(&(before, id)) = self.tombstones.front() {
            if before >= oldest {
                break;
            }
            self.tombstones.pop_front();
            if self.doing(id) == Some(Doing::Recorded { before }) {
                self.entries.remove(&id);
            }
        }
    }

    /// An outcome was committed.
    pub(super) fn recorded(&mut self, id: DeliveryId) {
        let before = self.reads_started;
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.doing = Doing::Recorded { before };
            self.tombstones.push_back((before, id));
        }
    }

    /// Deliveries that must not be sent again yet: with requests open here or left open by a shard's last owner, or with
    /// outcomes not yet committed.
    pub(super) fn unsettled(&self) -> impl Iterator<Item = Unsettled> + '_ {
        let unsettled = |doing| matches!(doing, Doing::Open { .. } | Doing::Recording | Doing::Foreign { .. });
        self.entries
            .iter()
            .filter(move |(_, entry)| unsettled(entry.doing))
            .map(|(&id, &Entry { attempts, lane, doing })| Unsettled { id, attempts, lane, doing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{delivery::Marks, id::EventId, time::Timestamp};

    fn due(attempts: i32) -> Due {
        Due {
            id: EventId::floor(Timestamp::from_millis(1)).delivery(1),
            lane: LaneId::from_i64(1),
            endpoint: None,
            due_at: Timestamp::default(),
            seq: 1,
            attempts,
            attempts_at_refill: 0,
            marks: Marks::default(),
            ordering_key: None,
        }
    }

    #[test]
    fn a_read_that_began_before_the_commit_brings_nothing_back() {
        let mut known = Known::default();
        assert!(known.admit(&due(0)));
        let old_read = known.read_started();
        known.recorded(due(0).id);
        let new_read = known.read_started();
        known.read_applied(new_read);
        assert!(!known.admit(&due(0)), "the old read's row is an echo");
        known.read_applied(old_read);
        assert!(known.admit(&due(0)), "a read that began after the commit tells the truth");
    }

    #[test]
    fn a_row_that_has_moved_on_is_news() {
        let mut known = Known::default();
        known.admit(&due(0));
        known.recorded(due(0).id);
        assert!(known.admit(&due(1)));
    }
}

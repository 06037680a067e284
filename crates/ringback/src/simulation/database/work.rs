//! What is owed: what lanes are fed with, and what becomes of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{Database, KeptHold};
use crate::{
    delivery::{DeadReason, Due, LaneId, Shard},
    id::DeliveryId,
    store::{Cursor, FeedPage, Hold, NodeId, PendingLane, Recorded, Settlement},
};

impl Database {
    pub(in crate::simulation) fn feed(&self, cursors: &[(Shard, Cursor)], limit: u32) -> FeedPage {
        self.page(cursors, |due| due.lane.shard(), limit)
    }

    pub(in crate::simulation) fn feed_lanes(&self, lanes: &[(LaneId, Cursor)], limit: u32) -> FeedPage {
        self.page(lanes, |due| due.lane, limit)
    }

    /// What is due after each cursor, by what the rows are asked for by.
    fn page<K: Copy + Ord>(&self, cursors: &[(K, Cursor)], of: impl Fn(&Due) -> K, limit: u32) -> FeedPage {
        let now = self.clock();
        let mut pages: BTreeMap<K, (Cursor, Vec<&Due>)> =
            cursors.iter().map(|&(key, cursor)| (key, (cursor, Vec::new()))).collect();
        for due in self.tables.deliveries.values().filter(|due| due.due_at <= now) {
            if let Some((after, page)) = pages.get_mut(&of(due))
                && Cursor::at(due) > *after
            {
                page.push(due);
            }
        }
        let mut rows = Vec::new();
        for (_, mut page) in pages.into_values() {
            page.sort_by_key(|due| Cursor::at(due));
            rows.extend(page.into_iter().take(limit as usize).cloned());
        }
        FeedPage { now, rows }
    }

    pub(in crate::simulation) fn pending_lanes(&self, after: Option<LaneId>, limit: u32) -> Vec<PendingLane> {
        let mut lanes = BTreeMap::new();
        for due in self.tables.deliveries.values().filter(|due| after.is_none_or(|after| due.lane > after)) {
            let lane = lanes.entry(due.lane).or_insert(PendingLane {
                lane: due.lane,
                endpoint: due.endpoint,
                due_at: due.due_at,
            });
            lane.due_at = lane.due_at.min(due.due_at);
        }
        lanes.into_values().take(limit as usize).collect()
    }

    /// Records one outcome; whether it counted.
    pub(in crate::simulation) fn record(&mut self, outcome: &Recorded) -> bool {
        let attempt = outcome.attempt.as_ref().map(|attempt| (outcome.id, attempt.number, attempt.at));
        if let Some(before) = attempt.and_then(|attempt| self.tables.attempts.get(&attempt)) {
            return *before;
        }
        let now = self.clock();
        let row = self.tables.deliveries.get_mut(&outcome.id).filter(|row| row.attempts == outcome.fence);
        let counts = row.is_some();
        if let Some(row) = row {
            row.attempts += i32::from(attempt.is_some());
            match &outcome.settlement {
                Settlement::Keep => {}
                Settlement::Retry { after } => row.due_at = now + *after,
                Settlement::Delivered => {
                    self.tables.finished.insert(outcome.id);
                    self.tables.deliveries.remove(&outcome.id);
                }
                Settlement::Dead { reason, .. } => {
                    self.tables.dead.insert(outcome.id, *reason);
                    self.tables.deliveries.remove(&outcome.id);
                }
            }
        }
        if let Some(attempt) = attempt {
            self.tables.attempts.insert(attempt, counts);
        }
        counts
    }

    pub(in crate::simulation) fn find_untried(&self, deliveries: &[(DeliveryId, i32)]) -> Vec<DeliveryId> {
        let is_untried = |(id, attempts): &(DeliveryId, i32)| {
            self.tables.deliveries.get(id).is_some_and(|row| row.attempts == *attempts)
        };
        deliveries.iter().filter(|one| is_untried(one)).map(|(id, _)| *id).collect()
    }

    pub(in crate::simulation) fn set_holds(&mut self, node: NodeId, holds: &[Hold]) {
        let now = self.clock();
        for hold in holds.iter().filter(|hold| self.tables.owners.get(&hold.lane.shard()) == Some(&node)).copied() {
            let before = self.tables.holds.get(&hold.lane).filter(|before| before.hold.until >= now);
            let since = before.map_or(now, |before| before.since);
            if hold.until <= now {
                self.tables.holds.remove(&hold.lane);
            } else {
                self.tables.holds.insert(hold.lane, KeptHold { hold, since });
            }
        }
    }

    pub(in crate::simulation) fn load_holds(&self, shards: &[Shard]) -> Vec<Hold> {
        let now = self.clock();
        let holds = self.tables.holds.values().map(|kept| kept.hold);
        holds.filter(|hold| hold.until > now && shards.contains(&hold.lane.shard())).collect()
    }

    /// Makes dead letters of what is due for too long in lanes that were held for as long; how many.
    pub(in crate::simulation) fn expire_held(&mut self, after: Duration) -> u64 {
        let now = self.clock();
        let long_ago = now - after;
        let held: BTreeSet<_> = self
            .tables
            .holds
            .values()
            .filter(|kept| kept.hold.until > now && kept.since <= long_ago)
            .map(|kept| kept.hold.lane)
            .collect();
        let paused: BTreeSet<_> = self
            .tables
            .endpoints
            .values()
            .filter(|endpoint| endpoint.paused && endpoint.updated_at <= long_ago)
            .map(|endpoint| LaneId::of_endpoint(endpoint.id))
            .collect();
        let is_over = |due: &Due| due.due_at <= long_ago && (held.contains(&due.lane) || paused.contains(&due.lane));
        let over: Vec<_> = self.tables.deliveries.values().filter(|due| is_over(due)).map(|due| due.id).collect();
        for id in &over {
            self.tables.deliveries.remove(id);
            self.tables.dead.insert(*id, DeadReason::Expired);
        }
        over.len() as u64
    }
}

//! Shards that go to another node and come back, and what that node sends meanwhile.

use rand::seq::IteratorRandom as _;

use super::{Model, TIMEOUT};
use crate::{
    deliver::lanes::{own::RECORDED_WITHIN, tests::left_open},
    delivery::Shard,
    store::Cursor,
};

impl Model {
    /// Gives a shard to the other node, which opens some of it.
    pub(super) fn give(&mut self) {
        let Some(shard) = self.lanes.owned_shards().into_iter().choose(&mut self.rng) else { return };
        let open = self.lanes.drop_shards(&[shard], self.now);
        self.lose_loading(shard);
        for id in self.open.iter().filter(|(_, open)| open.due.lane.shard() == shard).map(|(id, _)| id) {
            assert!(open.iter().any(|left| left.delivery == *id), "an open request is not handed over");
        }
        self.given.insert(shard, open);
    }

    /// What is being read for a shard that has gone is not sent.
    fn lose_loading(&mut self, shard: Shard) {
        for loading in self.loading.iter_mut().filter(|loading| loading.due.lane.shard() == shard) {
            loading.is_lost = true;
        }
    }

    pub(super) fn other_node_works(&mut self) {
        let given = std::mem::take(&mut self.given);
        for (&shard, list) in &given {
            let rows = self.due_after(Cursor::START, 3, |due| due.lane.shard() == shard);
            for due in rows {
                let listed = list.iter().any(|left| left.delivery == due.id && left.until > self.now);
                if listed || self.elsewhere.contains_key(&due.id) || self.open_in(due.lane) > 0 {
                    continue;
                }
                assert!(!self.open.contains_key(&due.id), "sent by its new owner, too");
                let ends = self.now + self.seconds(9.0);
                self.elsewhere.insert(due.id, (due, ends));
            }
        }
        self.given = given;
    }

    pub(super) fn take(&mut self) {
        let Some(shard) = self.given.keys().copied().choose(&mut self.rng) else { return };
        let mut list = self.given.remove(&shard).unwrap();
        let until = self.now + TIMEOUT + RECORDED_WITHIN;
        // What it sends itself it knows better than by our list.
        list.retain(|left| !self.elsewhere.contains_key(&left.delivery));
        let there = self.elsewhere.values().filter(|(due, _)| due.lane.shard() == shard);
        list.extend(there.map(|(due, _)| left_open(due, until)));
        self.lanes.take_shards(&[shard], &list, &self.directory, self.now);
        self.restore_holds(shard);
    }

    fn restore_holds(&mut self, shard: Shard) {
        for (lane, hold) in self.held.iter().filter(|(lane, hold)| lane.shard() == shard && hold.until > self.now) {
            self.lanes.restore_hold(*lane, *hold, &self.directory, self.now);
        }
    }

    /// The lease is lost and had again before anybody else took over.
    pub(super) fn lose_lease(&mut self) {
        let owned = self.lanes.owned_shards();
        self.lanes.drop_shards(&owned, self.now);
        owned.iter().for_each(|shard| self.lose_loading(*shard));
        if self.chance(0.5) {
            self.feed();
        }
        self.lanes.take_shards(&owned, &[], &self.directory, self.now);
        owned.iter().for_each(|shard| self.restore_holds(*shard));
    }

    /// What became of requests that the other node had open is asked.
    pub(super) fn ask_after_open(&mut self) {
        let is_untried = |id, attempts| self.rows.get(&id).is_some_and(|row| row.attempts <= attempts);
        let foreign = self.lanes.foreign().into_iter();
        let settled = foreign.filter(|&(id, attempts)| !is_untried(id, attempts)).map(|(id, _)| id).collect();
        self.lanes.foreign_settled(&settled);
    }
}

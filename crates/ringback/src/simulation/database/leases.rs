//! Who is registered, until when, and who owns which shards.

use std::time::Duration;

use super::{Database, Registered};
use crate::{
    delivery::{LaneId, SHARDS, Shard},
    id::DeliveryId,
    store::{Claimed, NodeId, ShardMap},
};

impl Database {
    pub(in crate::simulation) fn register(&mut self, node: NodeId, lease: Duration) {
        let until = self.clock() + lease;
        self.tables.nodes.insert(node, Registered { until, length: lease, renewals: 0 });
    }

    /// The renewals of a lease that still ran and now runs anew.
    pub(in crate::simulation) fn renew(&mut self, node: NodeId, lease: Duration) -> Option<i64> {
        self.end_leases();
        let until = self.clock() + lease;
        let registered = self.tables.nodes.get_mut(&node)?;
        *registered = Registered { until, length: lease, renewals: registered.renewals + 1 };
        Some(registered.renewals)
    }

    pub(in crate::simulation) fn leave(&mut self, node: NodeId, shards: &[Claimed]) {
        self.release(node, shards);
        self.tables.nodes.remove(&node);
        self.left.insert(node);
    }

    /// What has ended, has ended for good; and a clock that was set back makes no lease longer.
    fn end_leases(&mut self) {
        let now = self.clock();
        for registered in self.tables.nodes.values_mut() {
            registered.until = registered.until.min(now + registered.length);
        }
        self.tables.nodes.retain(|_, registered| registered.until > now);
    }

    pub(in crate::simulation) fn lease_runs(&self, node: NodeId) -> bool {
        self.tables.nodes.get(&node).is_some_and(|registered| registered.until > self.clock())
    }

    pub(in crate::simulation) fn owner(&self, shard: Shard) -> Option<NodeId> {
        self.tables.owners.get(&shard).copied()
    }

    /// Whether a delivery was handed over as open.
    pub(in crate::simulation) fn was_handed_over(&self, id: DeliveryId, lane: LaneId) -> bool {
        self.tables.handed_over.get(&lane.shard()).is_some_and(|open| open.iter().any(|open| open.delivery == id))
    }

    pub(in crate::simulation) fn shard_map(&mut self) -> ShardMap {
        self.end_leases();
        let mut owners = [None; SHARDS as usize];
        for (shard, owner) in &self.tables.owners {
            owners[usize::from(*shard)] = Some(*owner);
        }
        ShardMap { now: self.clock(), nodes: self.tables.nodes.keys().copied().collect(), owners }
    }

    pub(in crate::simulation) fn claim(&mut self, node: NodeId, wanted: &[Shard]) -> Vec<Claimed> {
        self.end_leases();
        if !self.tables.nodes.contains_key(&node) {
            return Vec::new();
        }
        let mut claimed = Vec::new();
        for &shard in wanted {
            let is_of_another = |owner: &NodeId| *owner != node && self.tables.nodes.contains_key(owner);
            if self.tables.owners.get(&shard).is_some_and(is_of_another) {
                continue;
            }
            self.tables.owners.insert(shard, node);
            claimed.push(Claimed { shard, open: self.tables.handed_over.get(&shard).cloned().unwrap_or_default() });
        }
        claimed
    }

    pub(in crate::simulation) fn release(&mut self, node: NodeId, shards: &[Claimed]) {
        for Claimed { shard, open } in shards {
            if self.tables.owners.get(shard) == Some(&node) {
                self.tables.owners.remove(shard);
                self.tables.handed_over.insert(*shard, open.clone());
            }
        }
    }
}

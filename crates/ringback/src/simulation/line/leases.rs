//! Leases and shards over the line, and a line of its own for renewing.

use std::{sync::atomic::Ordering, time::Duration};

use super::{super::database::Lock, Line, unavailable};
use crate::{
    delivery::Shard,
    store::{Claimed, LeaseKeeper, Leases, NodeId, Nodes, Renewal, Result, ShardMap},
};

#[async_trait::async_trait]
impl Leases for Line {
    async fn register_node(&self, lease: Duration) -> Result<Option<NodeId>> {
        let node = self.world.lock().fresh_node(self.node);
        self.write(move |database| database.register(node, lease)).await?;
        Ok(Some(node))
    }

    async fn lease_keeper(&self) -> Result<Box<dyn LeaseKeeper>> {
        Ok(Box::new(Keeper { line: Self::of(self.node, &self.world), renewals: 0, timeline: None }))
    }

    async fn shard_map(&self) -> Result<ShardMap> {
        self.read(|database| database.shard_map()).await
    }

    async fn nodes(&self) -> Result<Nodes> {
        Err(unavailable("nobody asks in the simulation"))
    }

    async fn claim_shards(&self, node: NodeId, wanted: &[Shard]) -> Result<Vec<Claimed>> {
        let locks = wanted.iter().map(|shard| Lock::Shard(*shard)).collect();
        let wanted = wanted.to_vec();
        self.transact(locks, |_| (), move |database, ()| database.claim(node, &wanted)).await
    }

    async fn release_shards(&self, node: NodeId, shards: &[Claimed]) -> Result<()> {
        let shards = shards.to_vec();
        self.write(move |database| database.release(node, &shards)).await
    }
}

/// Keeps a lease over a connection of its own.
struct Keeper {
    line: Line,
    renewals: i64,
    timeline: Option<u32>,
}

/// What a renewal is given before its connection counts as broken.
const PATIENCE: Duration = Duration::from_secs(4);

impl Keeper {
    async fn within<T>(&self, answer: impl Future<Output = Result<T>>) -> Result<T> {
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        let answer = answer.unwrap_or_else(|_| Err(unavailable("no answer")));
        if answer.is_err() {
            self.line.generation.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }
}

#[async_trait::async_trait]
impl LeaseKeeper for Keeper {
    async fn renew(&mut self, node: NodeId, lease: Duration) -> Result<Renewal> {
        let renew = self.line.write(move |database| (database.renew(node, lease), database.timeline));
        let (renewals, timeline) = self.within(renew).await?;
        if self.timeline.replace(timeline).is_some_and(|before| before != timeline) {
            return Ok(Renewal::OtherPast("another timeline".to_owned()));
        }
        let Some(renewals) = renewals else { return Ok(Renewal::Ended) };
        if renewals <= self.renewals {
            return Ok(Renewal::OtherPast("fewer renewals than there were".to_owned()));
        }
        self.renewals = renewals;
        Ok(Renewal::Renewed)
    }

    async fn leave(&mut self, node: NodeId, shards: &[Claimed]) -> Result<()> {
        let shards = shards.to_vec();
        self.within(self.line.write(move |database| database.leave(node, &shards))).await
    }
}

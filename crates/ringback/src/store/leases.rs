//! Which node owns which shards, until when.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Result;
use crate::{
    delivery::{LaneId, SHARDS, Shard},
    id::DeliveryId,
    time::Timestamp,
    word::words,
};

/// A node, fresh at every registration: a lease that has ended can never be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub Uuid);

impl NodeId {
    /// When it registered, by the clock of its machine: the id holds the moment, in milliseconds.
    #[must_use]
    pub fn registered_at(self) -> Timestamp {
        let millis = i64::try_from(self.0.as_u128() >> 80).unwrap_or(i64::MAX);
        Timestamp::from_micros(millis.saturating_mul(1_000))
    }
}

/// As logs, commands and the API write it: `node_` and 32 hex digits.
impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node_{}", self.0.simple())
    }
}

words! {
    /// How a node stands.
    NodeState {
        Alive "alive": "its lease runs",
        Ended "ended": "its lease has ended, so that others may take its shards",
    }
}

/// A node as a store knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeRow {
    /// The node.
    pub id: NodeId,
    /// How it stands.
    pub state: NodeState,
    /// When its lease ends unless it is renewed, by the database's clock. `None` if that is known to its own process alone
    /// (SQLite, asked from another process): its lease runs as long as it holds the lock.
    pub lease_until: Option<Timestamp>,
    /// How many shards name it as their owner.
    pub shards: u16,
}

/// The nodes that a store knows, and the shards that none of them serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nodes {
    /// The one that registered first stands first.
    pub items: Vec<NodeRow>,
    /// Shards without an owner, or whose owner is not alive.
    pub unowned: u16,
}

/// A request that was open when its shard was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenRequest {
    /// The new owner does not send this delivery before `until` while its row has `attempts` attempts.
    pub delivery: DeliveryId,
    /// The attempts in the delivery's row before this request.
    pub attempts: i32,
    /// The lane in which the request counts as open.
    pub lane: LaneId,
    /// The request has ended by then, by the database's clock.
    pub until: Timestamp,
}

/// [`OpenRequest`] as both dialects keep it in a JSON array.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Retention {
    delivery: DeliveryId,
    attempts: i32,
    lane: i64,
    until: i64,
}

impl OpenRequest {
    /// The JSON text that a store keeps beside a shard.
    #[must_use]
    pub fn to_json(requests: &[Self]) -> String {
        let kept: Vec<_> = requests
            .iter()
            .map(|open| Retention {
                delivery: open.delivery,
                attempts: open.attempts,
                lane: open.lane.as_i64(),
                until: open.until.micros(),
            })
            .collect();
        serde_json::to_string(&kept).unwrap_or_else(|_| "[]".to_owned())
    }

    /// Reads [`Self::to_json`] back.
    ///
    /// # Errors
    /// [`super::Error::Corrupt`] for anything else.
    pub fn from_json(text: &str) -> Result<Vec<Self>> {
        let kept: Vec<Retention> = serde_json::from_str(text).map_err(super::Error::corrupt)?;
        Ok(kept
            .into_iter()
            .map(|open| Self {
                delivery: open.delivery,
                attempts: open.attempts,
                lane: LaneId::from_i64(open.lane),
                until: Timestamp::from_micros(open.until),
            })
            .collect())
    }
}

/// A shard that a node has claimed, or gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The shard.
    pub shard: Shard,
    /// The requests that its last owner had open when it handed the shard over.
    pub open: Vec<OpenRequest>,
}

/// Who is alive and who owns what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardMap {
    /// The database's clock.
    pub now: Timestamp,
    /// Nodes whose lease runs.
    pub nodes: Vec<NodeId>,
    /// The owner of each shard, also one whose lease has ended; [`SHARDS`] entries.
    pub owners: [Option<NodeId>; SHARDS as usize],
}

/// Ownership of shards by lease. The database's clock decides when a lease ends.
#[async_trait::async_trait]
pub trait Leases {
    /// Registers a fresh node with a running lease. `None` if the database admits only one sending process and another
    /// process is it (SQLite).
    async fn register_node(&self, lease: Duration) -> Result<Option<NodeId>>;

    /// A keeper with a connection of its own, opened in the calling thread's runtime: renewing must never
    /// wait behind work.
    async fn lease_keeper(&self) -> Result<Box<dyn LeaseKeeper>>;

    /// Who is alive and who owns what. If this finds that a node's lease has ended, that is final, even if the database's
    /// clock is set back afterwards.
    async fn shard_map(&self) -> Result<ShardMap>;

    /// The nodes that are registered, and what they own ([`super::rules::nodes`]). Changes nothing: a node whose lease has ended
    /// is told until [`Self::shard_map`] removes it.
    async fn nodes(&self) -> Result<Nodes>;

    /// Claims those of `wanted` that nobody owns, that are `node`'s already, or whose owner's lease has ended. A node that
    /// claims a shard again gets the same open requests again, until it hands the shard over itself.
    async fn claim_shards(&self, node: NodeId, wanted: &[Shard]) -> Result<Vec<Claimed>>;

    /// Gives shards back, each with its open requests. Shards that are not `node`'s stay as they are.
    async fn release_shards(&self, node: NodeId, shards: &[Claimed]) -> Result<()>;
}

/// The result of asking for a renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    /// The lease runs anew from now on.
    Renewed,
    /// The lease had ended, or the registration is gone: it can never be renewed.
    Ended,
    /// The database has another past than at the last renewal: a backup was restored, or a standby took over that lacked
    /// commits. The text says how. All that is remembered of the database has to be read again.
    OtherPast(String),
}

/// Keeps one lease, over a connection of its own.
#[async_trait::async_trait]
pub trait LeaseKeeper: Send {
    /// Renews until `lease` from now, reconnecting if needed.
    async fn renew(&mut self, node: NodeId, lease: Duration) -> Result<Renewal>;

    /// Gives `shards` back, each with its open requests, and ends the registration: others may claim all of the node's
    /// shards at once.
    async fn leave(&mut self, node: NodeId, shards: &[Claimed]) -> Result<()>;
}

//! Nodes, and the shards that they share.

use ringback::{
    delivery::SHARDS,
    store::{self, NodeId, NodeState},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::values;

/// A process that sends, from its registration on. One that starts again, or has lost its lease, is another node.
#[derive(Serialize, ToSchema)]
pub(crate) struct Node {
    /// As its log names it.
    #[schema(example = "node_0198c0de00007000800000000000002a")]
    id: String,
    #[schema(value_type = values::NodeState)]
    state: NodeState,
    /// When it registered, by its own clock.
    #[schema(value_type = values::Time)]
    since: Timestamp,
    /// When its lease ends unless it is renewed, by the database's clock. Null if it lasts as long as a lock (SQLite, when
    /// another process than the node's is asked).
    #[schema(required, value_type = Option<values::Time>)]
    lease_until: Option<Timestamp>,
    /// How many shards name it as their owner.
    shards: u16,
    /// Whether it is the node that answers.
    is_this: bool,
}

/// Every node that is registered.
#[derive(Serialize, ToSchema)]
pub(crate) struct Nodes {
    /// The one that registered first stands first.
    items: Vec<Node>,
    /// How many shards there are: each is a part of the lanes, and belongs to one node.
    shards: u16,
    /// How many of them no node serves that is alive.
    unowned_shards: u16,
}

impl Nodes {
    pub(crate) fn of(nodes: store::Nodes, this: Option<NodeId>) -> Self {
        let node = |row: store::NodeRow| Node {
            id: row.id.to_string(),
            state: row.state,
            since: row.id.registered_at(),
            lease_until: row.lease_until,
            shards: row.shards,
            is_this: this == Some(row.id),
        };
        Self { items: nodes.items.into_iter().map(node).collect(), shards: SHARDS, unowned_shards: nodes.unowned }
    }
}

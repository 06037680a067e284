//! Which nodes are alive, how many shards each owns, and how many shards nobody serves.

use crate::{
    delivery::SHARDS,
    store::{NodeId, NodeRow, NodeState, Nodes},
    time::Timestamp,
};

/// The nodes that are registered, each with the end of its lease; `None` if the lease runs, and its end is not known here.
/// `owners` are those of the shards, `now` is by the database's clock.
#[must_use]
pub fn nodes(
    now: Timestamp,
    registered: &[(NodeId, Option<Timestamp>)],
    owners: &[Option<NodeId>; SHARDS as usize],
) -> Nodes {
    let count = |owned: &dyn Fn(Option<NodeId>) -> bool| {
        u16::try_from(owners.iter().filter(|owner| owned(**owner)).count()).unwrap_or(SHARDS)
    };
    let state = |lease_until: Option<Timestamp>| match lease_until {
        Some(until) if until <= now => NodeState::Ended,
        _ => NodeState::Alive,
    };
    let row = |&(id, lease_until): &(NodeId, Option<Timestamp>)| NodeRow {
        id,
        state: state(lease_until),
        lease_until,
        shards: count(&|owner| owner == Some(id)),
    };
    let mut items: Vec<_> = registered.iter().map(row).collect();
    items.sort_unstable_by_key(|node| node.id);
    let serves = |id: NodeId| items.iter().any(|node| node.id == id && node.state == NodeState::Alive);
    let unowned = count(&|owner| !owner.is_some_and(serves));
    Nodes { items, unowned }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn shards_of_nodes_that_are_not_alive_are_served_by_nobody() {
        let id = |number| NodeId(Uuid::from_u128(number));
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let later = Some(now + Duration::from_secs(9));
        let mut owners = [None; SHARDS as usize];
        for (shard, owner) in [(0, 1), (1, 1), (2, 2), (3, 3), (4, 4)] {
            owners[shard] = Some(id(owner));
        }
        let found = nodes(now, &[(id(4), None), (id(2), Some(now)), (id(1), later)], &owners);
        let row = |number, state, lease_until, shards| NodeRow { id: id(number), state, lease_until, shards };
        let (alive, ended) = (NodeState::Alive, NodeState::Ended);
        assert_eq!(found.items, [row(1, alive, later, 2), row(2, ended, Some(now), 1), row(4, alive, None, 1)]);
        assert_eq!(found.unowned, SHARDS - 3, "not those of an ended node, of one that is gone, and of nobody");
    }
}

//! Ownership of shards. A store that admits one sending process keeps these promises for that one.

use std::time::Duration;

use ringback::{
    delivery::{LaneId, SHARDS, Shard},
    store::{Claimed, NodeId, NodeState, OpenRequest, Renewal, Store},
};

use super::given;

const LEASE: Duration = Duration::from_secs(60);

/// Ends at once.
const NO_LEASE: Duration = Duration::ZERO;

async fn node(store: &dyn Store, lease: Duration) -> Option<NodeId> {
    store.register_node(lease).await.unwrap()
}

async fn claim(store: &dyn Store, node: NodeId, wanted: &[Shard]) -> Vec<Shard> {
    let mut shards: Vec<_> =
        store.claim_shards(node, wanted).await.unwrap().into_iter().map(|claimed| claimed.shard).collect();
    shards.sort_unstable();
    shards
}

/// And can renew its lease; no other owns anything.
pub async fn a_fresh_node_is_alive(store: &dyn Store) {
    let node = node(store, LEASE).await.unwrap();
    let map = store.shard_map().await.unwrap();
    assert_eq!(map.nodes, [node]);
    assert!(map.owners.iter().all(Option::is_none));
    let mut keeper = store.lease_keeper().await.unwrap();
    assert_eq!(keeper.renew(node, LEASE).await.unwrap(), Renewal::Renewed);
}

/// With what each owns; a node whose lease has ended owns nothing that anybody serves.
pub async fn nodes_are_told_with_their_shards(store: &dyn Store) {
    let none = store.nodes().await.unwrap();
    assert_eq!((none.items.len(), none.unowned), (0, SHARDS));
    let one = node(store, LEASE).await.unwrap();
    claim(store, one, &[0, 1, 2]).await;
    let nodes = store.nodes().await.unwrap();
    let [told] = nodes.items[..] else { panic!("{nodes:?}") };
    assert_eq!((told.id, told.state, told.shards, nodes.unowned), (one, NodeState::Alive, 3, SHARDS - 3));
    let (now, until) = (ringback::time::Timestamp::now(), told.lease_until.unwrap());
    assert!(until > now && until.since(now) <= LEASE + Duration::from_secs(5), "{until}");
    assert!(now.since(one.registered_at()) < Duration::from_secs(60), "{}", one.registered_at());
    let mut keeper = store.lease_keeper().await.unwrap();
    assert_eq!(keeper.renew(one, NO_LEASE).await.unwrap(), Renewal::Renewed);
    // Asking changes nothing.
    for _ in 0..2 {
        let nodes = store.nodes().await.unwrap();
        let told: Vec<_> = nodes.items.iter().map(|node| (node.id, node.state, node.shards)).collect();
        assert_eq!((told, nodes.unowned), (vec![(one, NodeState::Ended, 3)], SHARDS));
    }
    let two = node(store, LEASE).await.unwrap();
    claim(store, two, &[1, 2, 3]).await;
    let nodes = store.nodes().await.unwrap();
    let told = nodes.items.iter().find(|node| node.id == two).unwrap();
    assert_eq!((told.state, told.shards, nodes.unowned), (NodeState::Alive, 3, SHARDS - 3));
}

/// By one node; claiming again what is one's own gives it again.
pub async fn shards_are_claimed_once(store: &dyn Store) {
    let one = node(store, LEASE).await.unwrap();
    let all: Vec<Shard> = (0..SHARDS).collect();
    assert_eq!(claim(store, one, &all[..40]).await, all[..40]);
    assert_eq!(claim(store, one, &[0, 63]).await, [0, 63]);
    let map = store.shard_map().await.unwrap();
    assert_eq!((map.owners[39], map.owners[40], map.owners[63]), (Some(one), None, Some(one)));
    let Some(two) = node(store, LEASE).await else { return };
    assert_eq!(claim(store, two, &all).await, all[40..63]);
    assert_eq!(store.shard_map().await.unwrap().nodes.len(), 2);
}

/// Its owner is not asked.
pub async fn shards_of_an_ended_lease_can_be_claimed(store: &dyn Store) {
    let gone = node(store, LEASE).await.unwrap();
    assert_eq!(claim(store, gone, &[1, 2]).await, [1, 2]);
    let mut keeper = store.lease_keeper().await.unwrap();
    assert_eq!(keeper.renew(gone, NO_LEASE).await.unwrap(), Renewal::Renewed);
    let Some(next) = node(store, LEASE).await else { return };
    let map = store.shard_map().await.unwrap();
    assert_eq!((map.owners[1], map.nodes), (Some(gone), vec![next]));
    assert_eq!(claim(store, next, &[1, 2, 3]).await, [1, 2, 3]);
    assert!(claim(store, gone, &[4]).await.is_empty(), "whose lease has ended gets nothing");
}

/// A node that was late must register afresh.
pub async fn an_ended_lease_is_never_renewed(store: &dyn Store) {
    let node = node(store, LEASE).await.unwrap();
    let mut keeper = store.lease_keeper().await.unwrap();
    assert_eq!(keeper.renew(node, NO_LEASE).await.unwrap(), Renewal::Renewed);
    assert_eq!(keeper.renew(node, LEASE).await.unwrap(), Renewal::Ended);
    assert_eq!(keeper.renew(NodeId(uuid::Uuid::from_u128(1)), LEASE).await.unwrap(), Renewal::Ended);
}

/// Once: the next owner after that one learns nothing of it.
pub async fn a_handover_passes_what_is_open(store: &dyn Store) {
    let one = node(store, LEASE).await.unwrap();
    claim(store, one, &[5, 6]).await;
    let now = store.shard_map().await.unwrap().now;
    let open = OpenRequest {
        delivery: given::event_id().delivery(1),
        attempts: 2,
        lane: LaneId::from_i64(-123),
        until: now + Duration::from_secs(10),
    };
    let handed = [Claimed { shard: 5, open: vec![open] }, Claimed { shard: 6, open: vec![] }];
    store.release_shards(one, &handed).await.unwrap();
    let mut claimed = store.claim_shards(one, &[6, 5]).await.unwrap();
    claimed.sort_unstable_by_key(|claimed| claimed.shard);
    assert_eq!(claimed, handed);
    let empty = [Claimed { shard: 5, open: vec![] }];
    store.release_shards(one, &empty).await.unwrap();
    assert_eq!(store.claim_shards(one, &[5]).await.unwrap(), empty);
}

/// The answer to the first may have been lost: until it hands over itself, a node is told as often as it asks.
pub async fn a_claim_that_is_repeated_passes_what_is_open_again(store: &dyn Store) {
    let node = node(store, LEASE).await.unwrap();
    claim(store, node, &[5]).await;
    let open = OpenRequest {
        delivery: given::event_id().delivery(1),
        attempts: 0,
        lane: LaneId::from_i64(1),
        until: store.shard_map().await.unwrap().now + Duration::from_secs(10),
    };
    let handed = [Claimed { shard: 5, open: vec![open] }];
    store.release_shards(node, &handed).await.unwrap();
    for _ in 0..2 {
        assert_eq!(store.claim_shards(node, &[5]).await.unwrap(), handed);
    }
}

/// A node that lost its shards cannot give them away.
pub async fn only_the_owner_releases(store: &dyn Store) {
    let one = node(store, LEASE).await.unwrap();
    claim(store, one, &[7]).await;
    let stranger = NodeId(uuid::Uuid::from_u128(1));
    store.release_shards(stranger, &[Claimed { shard: 7, open: vec![] }]).await.unwrap();
    assert_eq!(store.shard_map().await.unwrap().owners[7], Some(one));
}

/// Its shards are anybody's at once, with what it left open; it is alive no more and its lease cannot be renewed.
pub async fn a_node_that_left_is_gone(store: &dyn Store) {
    let node = node(store, LEASE).await.unwrap();
    claim(store, node, &[8, 9]).await;
    let now = store.shard_map().await.unwrap().now;
    let (delivery, lane) = (given::event_id().delivery(1), LaneId::from_i64(8));
    let open = vec![OpenRequest { delivery, attempts: 0, lane, until: now + Duration::from_secs(10) }];
    let mut keeper = store.lease_keeper().await.unwrap();
    keeper.leave(node, &[Claimed { shard: 8, open: open.clone() }]).await.unwrap();
    assert!(store.shard_map().await.unwrap().nodes.is_empty());
    assert_eq!(keeper.renew(node, LEASE).await.unwrap(), Renewal::Ended);
    let next = self::node(store, LEASE).await.unwrap();
    let mut claimed = store.claim_shards(next, &[8, 9]).await.unwrap();
    claimed.sort_unstable_by_key(|claimed| claimed.shard);
    assert_eq!(claimed, [Claimed { shard: 8, open }, Claimed { shard: 9, open: vec![] }]);
}

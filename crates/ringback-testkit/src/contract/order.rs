//! Deliveries of one ordering key, one after the other.

use std::time::Duration;

use ringback::{
    delivery::{DeadReason, Due},
    id::EndpointId,
    store::{Cursor, Settlement, Store},
};

use super::given;

/// Three deliveries of one key to one endpoint; the first as it was handed out.
async fn three(store: &dyn Store, endpoint: EndpointId) -> (Due, Vec<ringback::id::DeliveryId>) {
    let mut ids = Vec::new();
    let mut first = Vec::new();
    for _ in 0..3 {
        let event = given::ordered_event(endpoint, "call-1");
        ids.push(event.id.delivery(1));
        first.extend(given::accept_due(store, event).await);
    }
    (first.remove(0), ids)
}

async fn head(store: &dyn Store, due: &Due) -> Vec<Due> {
    store.heads(&[(due.lane, "call-1".into())]).await.unwrap().rows
}

/// For the shard, for the lane, and for the key.
pub async fn only_the_first_of_an_ordering_key_is_due(store: &dyn Store) {
    let (first, _) = three(store, given::endpoint_id()).await;
    assert_eq!(first.ordering_key.as_deref(), Some("call-1"));
    assert_eq!(given::due_ids(store).await, [first.id]);
    assert_eq!(store.feed_lanes(&[(first.lane, Cursor::START)], 10).await.unwrap().rows, std::slice::from_ref(&first));
    assert_eq!(head(store, &first).await, [first]);
}

/// In the order of emission, not of their ids.
pub async fn the_next_is_the_head_once_the_first_is_finished(store: &dyn Store) {
    let (first, ids) = three(store, given::endpoint_id()).await;
    assert!(given::record(store, given::delivered(&first)).await);
    let second = head(store, &first).await.remove(0);
    assert_eq!(second.id, ids[1]);
    assert_eq!(given::due_ids(store).await, [second.id]);
    assert!(given::record(store, given::delivered(&second)).await);
    let third = head(store, &first).await.remove(0);
    assert_eq!(third.id, ids[2]);
    assert!(given::record(store, given::delivered(&third)).await);
    assert!(head(store, &first).await.is_empty());
}

/// Whatever its `due_at`.
pub async fn a_first_that_waits_for_its_retry_holds_the_others_back(store: &dyn Store) {
    let (first, _) = three(store, given::endpoint_id()).await;
    assert!(given::record(store, given::retried(&first, Duration::from_secs(3_600))).await);
    assert!(given::all_due(store).await.is_empty());
    assert!(head(store, &first).await.is_empty());
}

/// `on_dead: skip`.
pub async fn a_dead_one_that_does_not_block_lets_the_next_go(store: &dyn Store) {
    let (first, ids) = three(store, given::endpoint_id()).await;
    assert!(given::record(store, given::dead(&first)).await);
    assert_eq!(given::due_ids(store).await, [ids[1]]);
    assert_eq!(head(store, &first).await[0].id, ids[1]);
}

/// `on_dead: block`. Whoever owns the lane is told when it goes on.
pub async fn a_dead_one_that_blocks_holds_the_others_back_until_it_is_discarded(store: &dyn Store) {
    let (first, ids) = three(store, given::endpoint_id()).await;
    let blocking = Settlement::Dead { reason: DeadReason::Exhausted, detail: None, blocks: true };
    assert!(given::record(store, given::recorded(&first, blocking, Some(given::failure(1)))).await);
    assert!(given::all_due(store).await.is_empty());
    assert!(head(store, &first).await.is_empty());
    let later = given::ordered_event(first.endpoint.unwrap(), "call-1");
    assert!(given::accept_due(store, later).await.is_empty(), "nor what comes later");
    let version = store.config_version().await.unwrap();
    assert!(store.discard_dead_letter(first.id, &given::asked()).await.unwrap());
    let changes = store.changes_since(version).await.unwrap();
    assert_eq!(changes.items, [ringback::store::Change::DeliveryReleased(first.id)]);
    assert_eq!(given::due_ids(store).await, [ids[1]]);
}

/// Order is per key and destination.
pub async fn other_keys_and_lanes_do_not_wait(store: &dyn Store) {
    let endpoint = given::endpoint_id();
    let (first, _) = three(store, endpoint).await;
    let other_key = given::accept_due(store, given::ordered_event(endpoint, "call-2")).await;
    let other_lane = given::accept_due(store, given::ordered_event(given::endpoint_id(), "call-1")).await;
    let unordered = given::accept_due(store, given::event_to(&[endpoint])).await;
    let mut due = vec![first.id, other_key[0].id, other_lane[0].id, unordered[0].id];
    due.sort_unstable();
    assert_eq!(given::due_ids(store).await, due);
}

/// Its turn comes later.
pub async fn an_accepted_event_behind_another_is_not_handed_out(store: &dyn Store) {
    let endpoint = given::endpoint_id();
    let group = vec![given::ordered_event(endpoint, "call-1"), given::ordered_event(endpoint, "call-1")];
    let answer = given::accept_group(store, group).await;
    let handed_out: Vec<usize> = answer
        .iter()
        .map(|entry| match entry {
            ringback::store::Accepted::New(due) => due.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(handed_out, [1, 0]);
}

/// Those behind it wait again.
pub async fn a_replayed_dead_letter_is_the_head_again(store: &dyn Store) {
    let (first, ids) = three(store, given::endpoint_id()).await;
    assert!(given::record(store, given::dead(&first)).await);
    assert_eq!(given::due_ids(store).await, [ids[1]]);
    store.replay_one(first.id, ringback::store::ReplayOf::Either, &given::asked()).await.unwrap();
    assert_eq!(given::due_ids(store).await, [first.id]);
}

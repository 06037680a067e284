//! Sending again under the same id.

use std::time::Duration;

use ringback::{
    delivery::Status,
    id::{DeliveryId, ReplayId},
    store::{Change, ReplayFilter, ReplayOne, ReplayState, ReplayToCreate, Span, Store},
    time::Timestamp,
};

use super::given;

/// A replay of every dead letter there is.
pub(super) fn everything_dead() -> ReplayToCreate {
    everything(Status::Dead)
}

fn everything(status: Status) -> ReplayToCreate {
    ReplayToCreate {
        id: ReplayId::new(Timestamp::now()),
        filter: ReplayFilter {
            tenant: None,
            endpoint: None,
            event_type: None,
            key: None,
            status,
            created: Span::default(),
        },
        filter_json: "{}".to_owned(),
        rate_per_second: Some(12.5),
        reason: Some("repaired".to_owned()),
        dry_run: false,
    }
}

/// Due now, marked as a replay, its lane's owner told.
pub async fn a_dead_letter_goes_back_under_its_id_with_a_full_budget(store: &dyn Store) {
    let dead = given::one_dead(store).await;
    let version = store.config_version().await.unwrap();
    assert_eq!(store.replay_one(dead.id, &given::asked()).await.unwrap(), ReplayOne::Released);
    assert_eq!(store.changes_since(version).await.unwrap().items, [Change::DeliveryReleased(dead.id)]);
    let again = given::all_due(store).await.remove(0);
    assert_eq!((again.id, again.attempts, again.attempts_at_refill), (dead.id, 1, 1));
    assert_eq!((again.lane, again.endpoint, again.seq), (dead.lane, dead.endpoint, dead.seq));
    assert!(again.marks.replay && !again.marks.delivered_before);
    assert_eq!(given::delivery(store, dead.id).await.status, Status::Pending);
    assert!(given::record(store, given::delivered(&again)).await);
    assert_eq!(given::delivery(store, dead.id).await.status, Status::Delivered);
    let numbers: Vec<_> = store.attempts(dead.id).await.unwrap().iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 2]);
}

/// Delivered again, retried or given up.
pub async fn a_delivered_one_stays_delivered_whatever_its_replay_does(store: &dyn Store) {
    for outcome in [given::delivered, given::dead] {
        let due = given::one_delivered(store).await;
        let first = given::delivery(store, due.id).await;
        assert_eq!(store.replay_one(due.id, &given::asked()).await.unwrap(), ReplayOne::Released);
        let again = given::all_due(store).await.remove(0);
        assert_eq!((again.id, again.attempts, again.attempts_at_refill), (due.id, 1, 1));
        assert!(again.marks.replay && again.marks.delivered_before);
        let row = given::delivery(store, due.id).await;
        assert_eq!((row.status, row.due_at), (Status::Delivered, Some(again.due_at)));
        assert_eq!(store.replay_one(due.id, &given::asked()).await.unwrap(), ReplayOne::Pending);
        assert!(given::record(store, given::retried(&again, Duration::ZERO)).await);
        let again = given::all_due(store).await.remove(0);
        assert_eq!(given::delivery(store, due.id).await.attempts, 2);
        assert!(given::record(store, outcome(&again)).await);
        let row = given::delivery(store, due.id).await;
        assert_eq!((row.status, row.due_at, row.attempts), (Status::Delivered, None, 3));
        assert_eq!(row.finished_at, first.finished_at);
        assert_eq!(store.attempts(due.id).await.unwrap().len(), 3);
        assert!(given::all_due(store).await.is_empty());
    }
    let ledger = store.ledger(None, Span::default()).await.unwrap().deliveries;
    assert_eq!((ledger.owed, ledger.delivered, ledger.dead), (2, 2, 0));
}

/// They never begin anew, so a stale outcome of long ago can never fit.
pub async fn attempt_numbers_rise_over_every_replay(store: &dyn Store) {
    let first = given::one_due(store).await;
    assert!(given::record(store, given::dead(&first)).await);
    for round in 1..4 {
        assert_eq!(store.replay_one(first.id, &given::asked()).await.unwrap(), ReplayOne::Released);
        let again = given::all_due(store).await.remove(0);
        assert_eq!(again.attempts, round);
        assert!(!given::record(store, given::delivered(&first)).await, "an outcome of the first round is stale");
        assert!(given::record(store, given::dead(&again)).await);
    }
    store.replay_one(first.id, &given::asked()).await.unwrap();
    let again = given::all_due(store).await.remove(0);
    assert!(given::record(store, given::delivered(&again)).await);
    for round in 5..8 {
        store.replay_one(first.id, &given::asked()).await.unwrap();
        let again = given::all_due(store).await.remove(0);
        assert_eq!(again.attempts, round, "also of what was delivered");
        assert!(given::record(store, given::delivered(&again)).await);
    }
}

/// And changes nothing, nor tells anyone.
pub async fn what_cannot_be_replayed_says_why(store: &dyn Store) {
    let pending = given::one_due(store).await;
    let cancelled = given::one_dead(store).await;
    store.discard_dead_letter(cancelled.id, &given::asked()).await.unwrap();
    let expunged = given::one_delivered(store).await;
    store.expunge(expunged.id.event(), &given::asked()).await.unwrap();
    let expunged_dead = given::one_dead(store).await;
    store.expunge(expunged_dead.id.event(), &given::asked()).await.unwrap();
    let endpoint = given::create(store, &given::endpoint()).await;
    let due = given::accept_due(store, given::event_to(&[endpoint.id])).await.remove(0);
    given::record(store, given::dead(&due)).await;
    store.delete_endpoint(endpoint.id, None, &given::asked()).await.unwrap();
    let version = store.config_version().await.unwrap();
    for (id, why) in [
        (pending.id, ReplayOne::Pending),
        (cancelled.id, ReplayOne::Cancelled),
        (expunged.id, ReplayOne::Expunged),
        (expunged_dead.id, ReplayOne::Expunged),
        (due.id, ReplayOne::EndpointDeleted),
        (given::event_id().delivery(1), ReplayOne::Absent),
    ] {
        assert_eq!(store.replay_one(id, &given::asked()).await.unwrap(), why);
    }
    assert_eq!(store.config_version().await.unwrap(), version);
    assert_eq!(given::due_ids(store).await, [pending.id]);
}

/// It counts what would be taken.
pub async fn a_preview_stores_nothing(store: &dyn Store) {
    let dead = given::one_dead(store).await;
    given::one_dead(store).await;
    given::one_delivered(store).await;
    let preview = ReplayToCreate { dry_run: true, ..everything_dead() };
    let row = store.create_replay(&preview, &given::asked()).await.unwrap();
    assert_eq!((row.id, row.state), (None, ReplayState::Preview));
    assert_eq!((row.matched, row.remaining, row.released, row.skipped), (2, 2, 0, 0));
    let bytes = store.event(dead.id.event()).await.unwrap().unwrap().payload_bytes;
    assert_eq!(row.bytes, 2 * bytes);
    assert!(store.replay(preview.id).await.unwrap().is_none());
    assert!(store.running_replays().await.unwrap().is_empty());
}

/// Fixed when it is made: what dies later is none of it, not even its own failures.
pub async fn a_replay_takes_a_fixed_set_and_counts_it(store: &dyn Store) {
    let mut dead = Vec::new();
    for _ in 0..3 {
        dead.push(given::one_dead(store).await.id);
    }
    let mut other = given::event_to(&[given::endpoint_id()]);
    other.tenant = "acme".to_owned();
    let other = given::accept_due(store, other).await.remove(0);
    given::record(store, given::dead(&other)).await;
    let mut replay = everything_dead();
    replay.filter.tenant = Some("default".to_owned());
    let row = store.create_replay(&replay, &given::asked()).await.unwrap();
    assert_eq!((row.id, row.state, row.tenant.as_deref()), (Some(replay.id), ReplayState::Running, Some("default")));
    assert_eq!((row.rate_per_second, row.reason.as_deref()), (Some(12.5), Some("repaired")));
    assert_eq!((row.matched, row.remaining), (3, 3));
    assert_eq!(store.running_replays().await.unwrap().len(), 1);
    given::one_dead(store).await;

    assert_eq!(store.release_replayed(replay.id, 2).await.unwrap(), 2);
    assert_eq!(given::due_ids(store).await, dead[..2], "in order of their events");
    let row = store.replay(replay.id).await.unwrap().unwrap();
    assert_eq!((row.state, row.released, row.remaining), (ReplayState::Running, 2, 1));
    for due in given::all_due(store).await {
        given::record(store, given::dead(&due)).await;
    }
    assert_eq!(store.release_replayed(replay.id, 2).await.unwrap(), 1);
    assert_eq!(given::due_ids(store).await, dead[2..]);
    let row = store.replay(replay.id).await.unwrap().unwrap();
    assert_eq!((row.state, row.released, row.remaining), (ReplayState::Completed, 3, 0));
    assert!(row.finished_at.is_some());
    assert_eq!(store.release_replayed(replay.id, 2).await.unwrap(), 0);
    assert!(store.running_replays().await.unwrap().is_empty());
}

/// Delivered or dead since, by the replay that released them.
pub async fn a_replay_counts_what_became_of_its_deliveries(store: &dyn Store) {
    for status in [Status::Dead, Status::Delivered] {
        let mut ids: Vec<DeliveryId> = Vec::new();
        for _ in 0..3 {
            ids.push(match status {
                Status::Dead => given::one_dead(store).await.id,
                _ => given::one_delivered(store).await.id,
            });
        }
        let mut replay = everything(status);
        replay.filter.created.since = Some(ids[0].event().accepted_at());
        assert_eq!(store.create_replay(&replay, &given::asked()).await.unwrap().matched, 3);
        assert_eq!(store.release_replayed(replay.id, 10).await.unwrap(), 3);
        let due = given::all_due(store).await;
        let of = |id: DeliveryId| due.iter().find(|due| due.id == id).unwrap();
        given::record(store, given::delivered(of(ids[0]))).await;
        given::record(store, given::dead(of(ids[1]))).await;
        given::record(store, given::retried(of(ids[2]), Duration::from_secs(3_600))).await;
        let row = store.replay(replay.id).await.unwrap().unwrap();
        assert_eq!((row.released, row.delivered, row.dead), (3, 1, 1), "of {status} ones");
    }
}

/// What changed between the fixing of the set and its turn.
pub async fn a_replay_skips_what_cannot_go_back(store: &dyn Store) {
    let mut dead = Vec::new();
    for _ in 0..4 {
        dead.push(given::one_dead(store).await.id);
    }
    let replay = everything_dead();
    store.create_replay(&replay, &given::asked()).await.unwrap();
    store.discard_dead_letter(dead[0], &given::asked()).await.unwrap();
    store.replay_one(dead[1], &given::asked()).await.unwrap();
    store.expunge(dead[2].event(), &given::asked()).await.unwrap();
    assert_eq!(store.release_replayed(replay.id, 10).await.unwrap(), 4);
    let row = store.replay(replay.id).await.unwrap().unwrap();
    assert_eq!((row.matched, row.released, row.skipped, row.remaining), (4, 1, 3, 0));
    assert_eq!(row.state, ReplayState::Completed);
    assert_eq!(given::due_ids(store).await, [dead[1], dead[3]]);
}

/// What was released stays released.
pub async fn a_cancelled_replay_releases_nothing_more(store: &dyn Store) {
    given::one_dead(store).await;
    given::one_dead(store).await;
    let replay = everything_dead();
    store.create_replay(&replay, &given::asked()).await.unwrap();
    store.release_replayed(replay.id, 1).await.unwrap();
    let row = store.cancel_replay(replay.id, &given::asked()).await.unwrap().unwrap();
    assert_eq!((row.state, row.released, row.remaining), (ReplayState::Cancelled, 1, 1));
    assert!(row.finished_at.is_some());
    assert_eq!(store.release_replayed(replay.id, 1).await.unwrap(), 0);
    assert_eq!(given::due_ids(store).await.len(), 1);
    let again = store.cancel_replay(replay.id, &given::asked()).await.unwrap().unwrap();
    assert_eq!((again.state, again.finished_at), (ReplayState::Cancelled, row.finished_at));
    assert!(store.cancel_replay(ReplayId::new(Timestamp::now()), &given::asked()).await.unwrap().is_none());
}

/// There is nothing to wait for.
pub async fn a_filter_that_finds_nothing_is_complete_at_once(store: &dyn Store) {
    given::one_dead(store).await;
    let mut replay = everything_dead();
    replay.filter.key = Some("call-1".to_owned());
    let row = store.create_replay(&replay, &given::asked()).await.unwrap();
    assert_eq!((row.state, row.matched, row.bytes), (ReplayState::Completed, 0, 0));
    assert!(row.finished_at.is_some());
}

//! Replays of all that a filter finds: a fixed set, carried out in turn and counted.

use std::time::Duration;

use ringback::{
    delivery::DeadReason,
    id::{DeliveryId, ReplayId},
    store::{
        Keys, ReplayFilter, ReplayListFilter, ReplayOf, ReplayOne, ReplayScope, ReplayState, ReplayToCreate, Replayed,
        Settlement, Span, Store,
    },
    time::Timestamp,
};

use super::{
    given,
    replays::{everything, everything_dead},
};

/// It counts what would be taken.
pub async fn a_preview_stores_nothing(store: &dyn Store) {
    let dead = given::one_dead(store).await;
    given::one_dead(store).await;
    given::one_delivered(store).await;
    let preview = ReplayToCreate { dry_run: true, ..everything_dead() };
    let row = given::made(store, &preview).await;
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
    replay.scope.filter.tenant = Some("default".to_owned());
    let row = given::made(store, &replay).await;
    assert_eq!(
        (row.id, row.state, row.filter.tenant.as_deref()),
        (Some(replay.id), ReplayState::Running, Some("default"))
    );
    assert_eq!((row.rate_per_second, row.note.as_deref()), (Some(12.5), Some("repaired")));
    assert_eq!((row.matched, row.remaining), (3, 3));
    assert_eq!(store.running_replays().await.unwrap().len(), 1);
    given::one_dead(store).await;

    assert_eq!(store.release_replayed(replay.id, &replay.scope, 2).await.unwrap(), 2);
    assert_eq!(given::due_ids(store).await, dead[..2], "in order of their events");
    let row = store.replay(replay.id).await.unwrap().unwrap();
    assert_eq!((row.state, row.released, row.remaining), (ReplayState::Running, 2, 1));
    for due in given::all_due(store).await {
        given::record(store, given::dead(&due)).await;
    }
    assert_eq!(store.release_replayed(replay.id, &replay.scope, 2).await.unwrap(), 1);
    assert_eq!(given::due_ids(store).await, dead[2..]);
    let row = store.replay(replay.id).await.unwrap().unwrap();
    assert_eq!((row.state, row.released, row.remaining), (ReplayState::Completed, 3, 0));
    assert!(row.finished_at.is_some());
    assert_eq!(store.release_replayed(replay.id, &replay.scope, 2).await.unwrap(), 0);
    assert!(store.running_replays().await.unwrap().is_empty());
}

/// Delivered or dead since, by the replay that released them.
pub async fn a_replay_counts_what_became_of_its_deliveries(store: &dyn Store) {
    for status in [Replayed::Dead, Replayed::Delivered] {
        let mut ids: Vec<DeliveryId> = Vec::new();
        for _ in 0..3 {
            ids.push(match status {
                Replayed::Dead => given::one_dead(store).await.id,
                _ => given::one_delivered(store).await.id,
            });
        }
        let mut replay = everything(status);
        replay.scope.filter.created.since = Some(ids[0].event().accepted_at());
        assert_eq!(given::made(store, &replay).await.matched, 3);
        assert_eq!(store.release_replayed(replay.id, &replay.scope, 10).await.unwrap(), 3);
        let due = given::all_due(store).await;
        let of = |id: DeliveryId| due.iter().find(|due| due.id == id).unwrap();
        given::record(store, given::delivered(of(ids[0]))).await;
        given::record(store, given::dead(of(ids[1]))).await;
        given::record(store, given::retried(of(ids[2]), Duration::from_secs(3_600))).await;
        let row = store.replay(replay.id).await.unwrap().unwrap();
        assert_eq!((row.released, row.delivered, row.dead), (3, 1, 1), "of {status:?} ones");
    }
}

/// What changed between the fixing of the set and its turn.
pub async fn a_replay_skips_what_cannot_go_back(store: &dyn Store) {
    let mut dead = Vec::new();
    for _ in 0..4 {
        dead.push(given::one_dead(store).await.id);
    }
    let replay = everything_dead();
    given::made(store, &replay).await;
    store.discard_dead_letter(dead[0], &given::asked()).await.unwrap();
    store.replay_one(dead[1], ReplayOf::Either, &given::asked()).await.unwrap();
    store.expunge(dead[2].event(), Keys::Keep, &given::asked()).await.unwrap();
    assert_eq!(store.release_replayed(replay.id, &replay.scope, 10).await.unwrap(), 4);
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
    given::made(store, &replay).await;
    store.release_replayed(replay.id, &replay.scope, 1).await.unwrap();
    let row = store.cancel_replay(replay.id, &given::asked()).await.unwrap().unwrap();
    assert_eq!((row.state, row.released, row.remaining), (ReplayState::Cancelled, 1, 1));
    assert!(row.finished_at.is_some());
    assert_eq!(store.release_replayed(replay.id, &replay.scope, 1).await.unwrap(), 0);
    assert_eq!(given::due_ids(store).await.len(), 1);
    let again = store.cancel_replay(replay.id, &given::asked()).await.unwrap().unwrap();
    assert_eq!((again.state, again.finished_at), (ReplayState::Cancelled, row.finished_at));
    assert!(store.cancel_replay(ReplayId::new(Timestamp::now()), &given::asked()).await.unwrap().is_none());
}

/// There is nothing to wait for.
pub async fn a_filter_that_finds_nothing_is_complete_at_once(store: &dyn Store) {
    given::one_dead(store).await;
    let mut replay = everything_dead();
    replay.scope.filter.key = Some("call-1".to_owned());
    let row = given::made(store, &replay).await;
    assert_eq!((row.state, row.matched, row.bytes), (ReplayState::Completed, 0, 0));
    assert!(row.finished_at.is_some());
}

/// Two equal replays, one after the other or at once: whatever one has sent, the other leaves out.
pub async fn a_replay_leaves_out_what_has_been_delivered_meanwhile(store: &dyn Store) {
    let mut dead = Vec::new();
    for _ in 0..3 {
        dead.push(given::one_dead(store).await);
    }
    let [first, second] = [everything_dead(), everything_dead()];
    for replay in [&first, &second] {
        assert_eq!(given::made(store, replay).await.matched, 3);
    }
    assert_eq!(store.release_replayed(first.id, &first.scope, 10).await.unwrap(), 3);
    for due in given::all_due(store).await {
        assert!(given::record(store, given::delivered(&due)).await);
    }
    assert_eq!(store.release_replayed(second.id, &second.scope, 10).await.unwrap(), 3);
    let row = store.replay(second.id).await.unwrap().unwrap();
    assert_eq!((row.released, row.skipped, row.remaining), (0, 3, 0), "they are no dead letters any more");
    assert!(given::all_due(store).await.is_empty(), "nothing is sent a second time");
    let of = |outcome| async move { store.replay_one(outcome, ReplayOf::DeadLetter, &given::asked()).await.unwrap() };
    assert_eq!(of(dead[0].id).await, ReplayOne::Unfit);
    assert_eq!(store.replay_one(dead[0].id, ReplayOf::Either, &given::asked()).await.unwrap(), ReplayOne::Released);
    assert_eq!(of(dead[0].id).await, ReplayOne::Unfit, "a delivered one that is sent once more is no dead letter");
}

/// Reason and last status code are conditions like any other, when the set is fixed and when a turn comes.
pub async fn a_replay_takes_the_dead_letters_of_its_reason_and_status(store: &dyn Store) {
    let exhausted = given::one_dead(store).await;
    let expired = given::one_due(store).await;
    let reason = DeadReason::Expired;
    let outcome = given::recorded(&expired, Settlement::Dead { reason, detail: None, blocks: false }, None);
    assert!(given::record(store, outcome).await);
    let matched = |change: fn(&mut ReplayFilter)| async move {
        let mut preview = ReplayToCreate { dry_run: true, ..everything_dead() };
        change(&mut preview.scope.filter);
        given::made(store, &preview).await.matched
    };
    assert_eq!(matched(|_| {}).await, 2);
    assert_eq!(matched(|filter| filter.reason = Some(DeadReason::Expired)).await, 1);
    assert_eq!(matched(|filter| filter.reason = Some(DeadReason::Gone)).await, 0);
    assert_eq!(matched(|filter| filter.last_status = Some(500)).await, 1);
    assert_eq!(matched(|filter| filter.last_status = Some(503)).await, 0);
    let mut replay = everything_dead();
    replay.scope.filter.reason = Some(DeadReason::Exhausted);
    assert_eq!(given::made(store, &replay).await.filter, replay.scope.filter);
    // Sent again and dead again for another reason before its turn comes.
    store.replay_one(exhausted.id, ReplayOf::DeadLetter, &given::asked()).await.unwrap();
    let due = given::all_due(store).await.remove(0);
    let outcome = given::recorded(&due, Settlement::Dead { reason, detail: None, blocks: false }, None);
    assert!(given::record(store, outcome).await);
    assert_eq!(store.release_replayed(replay.id, &replay.scope, 10).await.unwrap(), 1);
    let row = store.replay(replay.id).await.unwrap().unwrap();
    assert_eq!((row.matched, row.released, row.skipped), (1, 0, 1));
}

/// Endpoints by what the configuration says, inline destinations by their URLs.
pub async fn a_replay_by_host_takes_its_endpoints_and_its_inline_destinations(store: &dyn Store) {
    let there = given::one_dead(store).await;
    given::one_dead(store).await;
    for (url, host) in
        [("https://hooks.example.com/a", "hooks.example.com"), ("https://x.example/?hooks.example.com", "x.example")]
    {
        let due = given::accept_due(store, given::inline_event(url, host)).await.remove(0);
        assert!(given::record(store, given::dead(&due)).await);
    }
    let mut replay = everything_dead();
    replay.scope.filter.host = Some("hooks.example.com".to_owned());
    replay.scope.at_host = there.endpoint.into_iter().collect();
    assert_eq!(given::made(store, &replay).await.matched, 2);
    // The endpoint moves away before its turn.
    let scope = ReplayScope { at_host: Vec::new(), ..replay.scope };
    assert_eq!(store.release_replayed(replay.id, &scope, 10).await.unwrap(), 2);
    let row = store.replay(replay.id).await.unwrap().unwrap();
    assert_eq!((row.released, row.skipped), (1, 1));
}

/// Newest first, by tenant, state and time, page by page.
pub async fn replays_are_listed(store: &dyn Store) {
    given::one_dead(store).await;
    let mut ids = Vec::new();
    for tenant in [None, Some("acme"), Some("default")] {
        let mut replay = everything_dead();
        replay.scope.filter.tenant = tenant.map(str::to_owned);
        given::made(store, &replay).await;
        ids.insert(0, replay.id);
    }
    let list = |filter: ReplayListFilter<'static>, before, limit| async move {
        let page = store.list_replays(&filter, before, limit).await.unwrap();
        (page.items.iter().filter_map(|row| row.id).collect::<Vec<_>>(), page.next)
    };
    ids.sort_unstable_by(|one, other| other.cmp(one));
    let all = ReplayListFilter::default();
    assert_eq!(list(all, None, 10).await, (ids.clone(), None));
    let (first, next) = list(all, None, 2).await;
    assert_eq!((first.as_slice(), next), (&ids[..2], Some(ids[1])));
    assert_eq!(list(all, next, 2).await, (ids[2..].to_vec(), None));
    let of = |tenant, state| ReplayListFilter { tenant, state, ..ReplayListFilter::default() };
    assert_eq!(list(of(Some("acme"), None), None, 10).await.0.len(), 1);
    assert_eq!(list(of(None, Some(ReplayState::Running)), None, 10).await.0.len(), 2, "one matched nothing");
    assert_eq!(list(of(Some("acme"), Some(ReplayState::Completed)), None, 10).await.0.len(), 1);
    let later = Span { since: Some(Timestamp::now() + Duration::from_secs(60)), until: None };
    assert!(list(ReplayListFilter { created: later, ..all }, None, 10).await.0.is_empty());
}

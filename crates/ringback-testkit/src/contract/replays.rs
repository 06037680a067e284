//! Sending again under the same id.

use std::time::Duration;

use ringback::{
    delivery::{DeadReason, Status},
    id::{DeliveryId, ReplayId},
    store::{
        Change, EventState, Keys, ReplayFilter, ReplayListFilter, ReplayOf, ReplayOne, ReplayScope, ReplayState,
        ReplayToCreate, Replayed, Settlement, Span, Store, Wanting,
    },
    time::Timestamp,
};

use super::given;

/// A replay of every dead letter there is.
pub(super) fn everything_dead() -> ReplayToCreate {
    everything(Replayed::Dead)
}

fn everything(status: Replayed) -> ReplayToCreate {
    ReplayToCreate {
        id: ReplayId::new(Timestamp::now()),
        scope: ReplayScope::of(ReplayFilter::all(status)),
        rate_per_second: Some(12.5),
        note: Some("repaired".to_owned()),
        dry_run: false,
        once: None,
    }
}

/// Due now, marked as a replay, its lane's owner told.
pub async fn a_dead_letter_goes_back_under_its_id_with_a_full_budget(store: &dyn Store) {
    let dead = given::one_dead(store).await;
    let version = store.config_version().await.unwrap();
    assert_eq!(store.replay_one(dead.id, ReplayOf::Either, &given::asked()).await.unwrap(), ReplayOne::Released);
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
        assert_eq!(store.replay_one(due.id, ReplayOf::Either, &given::asked()).await.unwrap(), ReplayOne::Released);
        let again = given::all_due(store).await.remove(0);
        assert_eq!((again.id, again.attempts, again.attempts_at_refill), (due.id, 1, 1));
        assert!(again.marks.replay && again.marks.delivered_before);
        let row = given::delivery(store, due.id).await;
        assert_eq!((row.status, row.due_at), (Status::Delivered, Some(again.due_at)));
        assert_eq!(store.replay_one(due.id, ReplayOf::Either, &given::asked()).await.unwrap(), ReplayOne::Pending);
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

/// Also where it is ended from outside, and also once the attempts themselves are dropped.
pub async fn attempts_of_a_replay_count_however_it_ends(store: &dyn Store) {
    let endpoint = given::create(store, &given::endpoint()).await;
    let due = given::accept_due(store, given::event_to(&[endpoint.id])).await.remove(0);
    assert!(given::record(store, given::delivered(&due)).await);
    assert_eq!(store.replay_one(due.id, ReplayOf::Either, &given::asked()).await.unwrap(), ReplayOne::Released);
    let again = given::all_due(store).await.remove(0);
    assert!(given::record(store, given::retried(&again, Duration::from_secs(3_600))).await);
    given::done(store.delete_endpoint(endpoint.id, None, &given::asked()).await.unwrap());
    let row = given::delivery(store, due.id).await;
    assert_eq!((row.status, row.due_at, row.attempts), (Status::Delivered, None, 2));
}

/// One that came when its replay had ended already, without an attempt.
pub async fn a_stale_attempt_of_a_replay_does_not_count(store: &dyn Store) {
    let due = given::one_delivered(store).await;
    store.replay_one(due.id, ReplayOf::Either, &given::asked()).await.unwrap();
    let again = given::all_due(store).await.remove(0);
    let unroutable = Settlement::Dead { reason: DeadReason::Unroutable, detail: None, blocks: false };
    assert!(given::record(store, given::recorded(&again, unroutable, None)).await);
    assert!(!given::record(store, given::delivered(&again)).await);
    assert_eq!(given::delivery(store, due.id).await.attempts, 1);
    store.replay_one(due.id, ReplayOf::Either, &given::asked()).await.unwrap();
    let again = given::all_due(store).await.remove(0);
    assert_eq!((again.attempts, again.attempts_at_refill), (1, 1));
    assert!(given::record(store, given::delivered(&again)).await);
    assert_eq!(given::delivery(store, due.id).await.attempts, 2);
}

/// They never begin anew, so a stale outcome of long ago can never fit.
pub async fn attempt_numbers_rise_over_every_replay(store: &dyn Store) {
    let first = given::one_due(store).await;
    assert!(given::record(store, given::dead(&first)).await);
    for round in 1..4 {
        assert_eq!(store.replay_one(first.id, ReplayOf::Either, &given::asked()).await.unwrap(), ReplayOne::Released);
        let again = given::all_due(store).await.remove(0);
        assert_eq!(again.attempts, round);
        assert!(!given::record(store, given::delivered(&first)).await, "an outcome of the first round is stale");
        assert!(given::record(store, given::dead(&again)).await);
    }
    store.replay_one(first.id, ReplayOf::Either, &given::asked()).await.unwrap();
    let again = given::all_due(store).await.remove(0);
    assert!(given::record(store, given::delivered(&again)).await);
    for round in 5..8 {
        store.replay_one(first.id, ReplayOf::Either, &given::asked()).await.unwrap();
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
    store.expunge(expunged.id.event(), Keys::Keep, &given::asked()).await.unwrap();
    let expunged_dead = given::one_dead(store).await;
    store.expunge(expunged_dead.id.event(), Keys::Keep, &given::asked()).await.unwrap();
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
        assert_eq!(store.replay_one(id, ReplayOf::Either, &given::asked()).await.unwrap(), why);
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

/// Each gets a new delivery under the next free number, and the ledger still balances.
pub async fn missing_events_get_a_new_delivery(store: &dyn Store) {
    let endpoint = given::create(store, &given::endpoint()).await;
    let other = given::endpoint_id();
    let unmatched = given::event();
    let elsewhere = given::event_to(&[other]);
    let there = given::event_to(&[endpoint.id]);
    let inline = given::inline_event("https://hooks.example.com/a", "hooks.example.com");
    let expunged = given::event();
    let mut of_another = given::event();
    of_another.tenant = "another".to_owned();
    let mut test = given::event();
    test.test = true;
    let ids = [unmatched.id, elsewhere.id, expunged.id];
    for event in [unmatched, elsewhere, there, inline, expunged, of_another, test] {
        given::accept(store, event).await;
    }
    store.expunge(ids[2], Keys::Keep, &given::asked()).await.unwrap();
    let duplicate = given::event();
    given::accept(store, duplicate).await;
    let before = store.ledger(None, Span::default()).await.unwrap();
    let mut replay = everything(Replayed::Missing);
    replay.scope.filter.endpoint = Some(endpoint.id);
    replay.scope.filter.created.until = Some(Timestamp::now() + Duration::from_secs(60));
    replay.scope.wanting = Some(Wanting {
        endpoint: endpoint.id,
        tenant: endpoint.tenant.clone(),
        key: None,
        event_types: vec!["*".to_owned()],
        ordered: false,
    });
    let preview = ReplayToCreate { dry_run: true, ..replay.clone() };
    assert_eq!(given::made(store, &preview).await.matched, 3);
    let row = given::made(store, &replay).await;
    assert_eq!((row.matched, row.remaining), (3, 3));
    let version = store.config_version().await.unwrap();
    assert_eq!(store.release_replayed(replay.id, &replay.scope, 2).await.unwrap(), 2);
    assert!(!store.changes_since(version).await.unwrap().items.is_empty(), "the lane's owner is told");
    assert_eq!(store.release_replayed(replay.id, &replay.scope, 2).await.unwrap(), 1);
    assert_eq!(store.release_replayed(replay.id, &replay.scope, 2).await.unwrap(), 0);
    let of_endpoint = |due: &&ringback::delivery::Due| due.endpoint == Some(endpoint.id) && due.marks.replay;
    let due = given::all_due(store).await;
    let made: Vec<_> = due.iter().filter(of_endpoint).collect();
    assert_eq!(made.len(), 3);
    assert!(made.iter().any(|due| due.id == ids[0].delivery(1)), "the first of an event that nobody wanted");
    assert!(made.iter().any(|due| due.id == ids[1].delivery(2)), "the next of one that another got");
    assert_eq!(store.event(ids[0]).await.unwrap().unwrap().state, EventState::Routed);
    let after = store.ledger(None, Span::default()).await.unwrap();
    assert_eq!(after.deliveries.pending, before.deliveries.pending + 3);
    assert_eq!((after.events.unmatched, after.events.routed), (before.events.unmatched - 2, before.events.routed + 2));
    let events = after.events;
    assert_eq!(events.accepted, events.unrouted + events.duplicate + events.unmatched + events.routed);
    assert!(given::record(store, given::delivered(made[0])).await);
    let row = store.replay(replay.id).await.unwrap().unwrap();
    assert_eq!((row.state, row.released, row.skipped, row.delivered), (ReplayState::Completed, 3, 0, 1));
    assert_eq!(given::made(store, &preview).await.matched, 0, "none is missing now");
}

/// What is no longer missing when its turn comes.
pub async fn a_missing_event_that_is_there_by_then_is_skipped(store: &dyn Store) {
    let endpoint = given::create(store, &given::endpoint()).await;
    given::accept(store, given::event()).await;
    let gone = given::event();
    let gone_id = gone.id;
    given::accept(store, gone).await;
    let scope = ReplayScope {
        wanting: Some(Wanting {
            endpoint: endpoint.id,
            tenant: endpoint.tenant.clone(),
            key: None,
            event_types: vec!["*".to_owned()],
            ordered: false,
        }),
        ..ReplayScope::of(ReplayFilter { endpoint: Some(endpoint.id), ..ReplayFilter::all(Replayed::Missing) })
    };
    let [first, second, third] = [(); 3].map(|()| ReplayToCreate { scope: scope.clone(), ..everything_dead() });
    for replay in [&first, &second, &third] {
        assert_eq!(given::made(store, replay).await.matched, 2);
    }
    store.expunge(gone_id, Keys::Keep, &given::asked()).await.unwrap();
    let came_to = |id| async move {
        let row = store.replay(id).await.unwrap().unwrap();
        (row.released, row.skipped)
    };
    store.release_replayed(first.id, &scope, 10).await.unwrap();
    assert_eq!(came_to(first.id).await, (1, 1), "expunged meanwhile");
    store.release_replayed(second.id, &scope, 10).await.unwrap();
    assert_eq!(came_to(second.id).await, (0, 2), "there already");
    store.delete_endpoint(endpoint.id, None, &given::asked()).await.unwrap();
    store.release_replayed(third.id, &scope, 10).await.unwrap();
    assert_eq!(came_to(third.id).await, (0, 2), "the endpoint is deleted");
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

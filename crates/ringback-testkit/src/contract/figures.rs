//! Figures: what waits, and what dead letters have in common.

use std::time::Duration;

use ringback::{
    attempt::Attempt,
    delivery::{DeadReason, LaneId},
    id::EndpointId,
    store::{Backlog, DeadGroups, GroupFilter, Ingest, Recorded, Span, Store, UNHELD_ROWS_OF_SHARD},
    time::Timestamp,
};

use super::given;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Up to a bound, replays of delivered ones aside.
pub async fn the_backlog_counts_what_is_pending_and_what_is_dead(store: &dyn Store) {
    assert_eq!(store.backlog(100).await.unwrap(), Backlog::default());
    let replayed = given::one_delivered(store).await;
    store.replay_one(replayed.id, ringback::store::ReplayOf::Either, &given::asked()).await.unwrap();
    given::one_dead(store).await;
    assert_eq!(store.backlog(100).await.unwrap(), Backlog { pending: 0, dead: 1 });
    for _ in 0..3 {
        given::one_due(store).await;
        given::one_dead(store).await;
    }
    assert_eq!(store.backlog(100).await.unwrap(), Backlog { pending: 3, dead: 4 });
    assert_eq!(store.backlog(2).await.unwrap(), Backlog { pending: 2, dead: 2 });
}

/// Also what an earlier one of its ordering key keeps back; what waits for its own retry is not due.
pub async fn the_oldest_due_one_counts_whatever_keeps_it_back(store: &dyn Store) {
    assert_eq!(store.oldest_due().await.unwrap(), None);
    let endpoint = given::endpoint_id();
    let first = given::accept_due(store, given::ordered_event(endpoint, "call-1")).await.remove(0);
    given::accept_due(store, given::ordered_event(endpoint, "call-1")).await;
    assert!(store.oldest_due().await.unwrap().is_some_and(|due_for| due_for < HOUR));
    assert!(given::record(store, given::retried(&first, HOUR)).await);
    assert!(given::all_due(store).await.is_empty(), "the second waits for the first");
    assert!(store.oldest_due().await.unwrap().is_some());
}

/// A held lane's deliveries may be as many as they like: they hide nobody who waits for the engine alone. Nor does it count
/// what an earlier one of its ordering key keeps back, or what waits for its own retry.
pub async fn the_oldest_that_could_be_sent_is_found_behind_what_could_not(store: &dyn Store) {
    let unheld = |held: Vec<LaneId>| async move { store.oldest_due_outside(&held).await.unwrap() };
    assert_eq!(unheld(vec![]).await, None);
    // More than are looked at in one shard, all older than what comes next.
    let paused = given::endpoint_id();
    for _ in 0..=UNHELD_ROWS_OF_SHARD {
        given::accept_due(store, given::event_to(&[paused])).await;
    }
    let held = LaneId::of_endpoint(paused);
    assert!(unheld(vec![]).await.is_some_and(|due_for| due_for < HOUR));
    assert_eq!(unheld(vec![held]).await, None);

    tokio::time::sleep(Duration::from_millis(20)).await;
    let in_shard = |endpoint: &EndpointId| LaneId::of_endpoint(*endpoint).shard() == held.shard();
    let behind = std::iter::repeat_with(given::endpoint_id).find(in_shard).unwrap();
    let late = given::accept_due(store, given::event_to(&[behind])).await.remove(0);
    let (all, found) = (store.oldest_due().await.unwrap().unwrap(), unheld(vec![held]).await.unwrap());
    assert!(found + Duration::from_millis(10) < all, "{found:?} {all:?}");
    assert_eq!(unheld(vec![held, late.lane]).await, None);
    assert!(given::record(store, given::retried(&late, HOUR)).await);
    assert_eq!(unheld(vec![held]).await, None, "it waits for its own retry");

    let ordered = given::endpoint_id();
    let first = given::accept_due(store, given::ordered_event(ordered, "call-1")).await.remove(0);
    given::accept_due(store, given::ordered_event(ordered, "call-1")).await;
    assert!(given::record(store, given::retried(&first, HOUR)).await);
    assert_eq!(unheld(vec![held]).await, None, "the second waits for the first");
    given::accept_due(store, given::ordered_event(ordered, "call-2")).await;
    assert!(unheld(vec![held]).await.is_some());
}

/// Due or not, replays of delivered ones aside.
pub async fn what_is_pending_in_some_lanes_is_counted_up_to_a_bound(store: &dyn Store) {
    let lanes = [given::endpoint_id(), given::endpoint_id(), given::endpoint_id()];
    for (endpoint, count) in lanes.iter().zip([3, 2, 5]) {
        for _ in 0..count {
            given::accept_due(store, given::event_to(&[*endpoint])).await;
        }
    }
    let late = given::accept_due(store, given::event_to(&[lanes[0]])).await.remove(0);
    assert!(given::record(store, given::retried(&late, HOUR)).await);
    let replayed = given::accept_due(store, given::event_to(&[lanes[1]])).await.remove(0);
    assert!(given::record(store, given::delivered(&replayed)).await);
    store.replay_one(replayed.id, ringback::store::ReplayOf::Either, &given::asked()).await.unwrap();
    let [one, two, three] = lanes.map(LaneId::of_endpoint);
    let count = |lanes: Vec<LaneId>, most| async move { store.count_pending_in(&lanes, most).await.unwrap() };
    assert_eq!(count(vec![], 100).await, 0);
    assert_eq!(count(vec![one], 100).await, 4);
    assert_eq!(count(vec![one, two], 100).await, 6);
    assert_eq!(count(vec![three, two, one], 7).await, 7);
}

/// By destination, type, cause and last answer; counts are exact, whatever the number of groups that is asked for.
pub async fn dead_letters_are_grouped_by_what_they_have_in_common(store: &dyn Store) {
    let all = |filter: GroupFilter, most| async move { store.group_dead_letters(&filter, most).await.unwrap() };
    assert_eq!(all(GroupFilter::default(), 10).await, DeadGroups::default());
    let (one, other) = (given::endpoint_id(), given::endpoint_id());
    let die = async |endpoint, event_type: &str, status| {
        let mut event = given::event_to(&[endpoint]);
        event.event_type = event_type.to_owned();
        let due = given::accept_due(store, event).await.remove(0);
        let mut outcome = given::dead(&due);
        let attempt = outcome.attempt.take().map(|attempt| Attempt { status, ..attempt });
        assert!(given::record(store, Recorded { attempt, ..outcome }).await);
        due.id
    };
    let first = die(one, "call.ended", Some(503)).await;
    let last = die(one, "call.ended", Some(503)).await;
    let status = die(one, "call.ended", Some(500)).await;
    let kind = die(one, "call.started", Some(503)).await;
    let elsewhere = die(other, "call.ended", Some(503)).await;
    let groups = all(GroupFilter::default(), 10).await;
    let told: Vec<_> = groups.items.iter().map(|group| (group.example, group.count)).collect();
    assert_eq!(told, [(elsewhere, 1), (kind, 1), (status, 1), (last, 2)], "newest death first");
    let [.., two] = groups.items.as_slice() else { panic!("{groups:?}") };
    assert_eq!((two.endpoint, two.lane, two.last_status), (Some(one), LaneId::of_endpoint(one), Some(503)));
    assert_eq!((two.event_type.as_str(), two.reason), ("call.ended", DeadReason::Exhausted));
    let died = |id| async move { store.delivery(id).await.unwrap().and_then(|row| row.finished_at).unwrap() };
    assert_eq!((two.first_died_at, two.last_died_at), (died(first).await, died(last).await));

    assert_eq!(all(GroupFilter::default(), 1).await.more, 3);
    let of = |filter| async move { all(filter, 10).await.items.iter().map(|group| group.example).collect::<Vec<_>>() };
    assert_eq!(of(GroupFilter { endpoint: Some(other), ..GroupFilter::default() }).await, [elsewhere]);
    let event_type = Some("call.started".to_owned());
    assert_eq!(of(GroupFilter { event_type, ..GroupFilter::default() }).await, [kind]);
    assert_eq!(of(GroupFilter { tenant: Some("nobody".to_owned()), ..GroupFilter::default() }).await, []);
    let tenant = Some(two.tenant.clone());
    assert_eq!(of(GroupFilter { tenant, ..GroupFilter::default() }).await.len(), 4);
    assert_eq!(of(GroupFilter { reason: Some(DeadReason::Gone), ..GroupFilter::default() }).await, []);
    let until = Some(two.last_died_at);
    let died = Span { since: Some(two.first_died_at), until };
    let before = all(GroupFilter { died, ..GroupFilter::default() }, 10).await;
    assert_eq!(before.items.iter().map(|group| (group.example, group.count)).collect::<Vec<_>>(), [(first, 1)]);
    assert!(store.discard_dead_letter(elsewhere, &given::asked()).await.unwrap());
    assert_eq!(of(GroupFilter::default()).await, [kind, status, last]);
}

/// Of one tenant or of all, and not beyond a bound.
pub async fn accepted_events_are_counted_from_a_moment_on(store: &dyn Store) {
    let since = Timestamp::from_micros(Timestamp::now().micros() / 1_000_000 * 1_000_000) - Duration::from_secs(600);
    for (seconds, tenant) in [(1_u64, "a"), (60, "a"), (70, "b"), (80, "b")] {
        let mut event = given::event_with(given::event_id_at(since + Duration::from_secs(seconds)));
        event.tenant = tenant.to_owned();
        given::accept_due(store, event).await;
    }
    let from = since + Duration::from_secs(10);
    let count = async |tenant, from, most| store.accepted_since(tenant, from, most).await.unwrap();
    assert_eq!(count(None, from, 10).await, Ingest { count: 3, since: from });
    assert_eq!(count(Some("a"), from, 10).await, Ingest { count: 1, since: from });
    assert_eq!(count(Some("c"), from, 10).await, Ingest { count: 0, since: from });
    let of_two = Ingest { count: 2, since: since + Duration::from_secs(70) };
    assert_eq!(count(None, from, 2).await, of_two);
    assert_eq!(count(Some("b"), from, 2).await, of_two);
}

//! Figures: what waits, and how an endpoint's attempts have ended lately.

use std::time::Duration;

use ringback::{
    attempt::{Attempt, Conclusion},
    store::{Backlog, RecentAttempt, Store},
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

/// Of finished, dead and pending deliveries; stale, old and other endpoints' attempts left out.
pub async fn recent_attempts_are_an_endpoints_newest(store: &dyn Store) {
    let endpoint = given::endpoint_id();
    let now = Timestamp::now();
    let took = |attempt: Attempt, ms| Attempt { at: now, duration: Duration::from_millis(ms), ..attempt };
    let mut due = Vec::new();
    for _ in 0..4 {
        due.push(given::accept_due(store, given::event_to(&[endpoint])).await.remove(0));
    }
    let mut outcomes = [given::delivered(&due[0]), given::dead(&due[1]), given::retried(&due[2], HOUR)];
    for (outcome, ms) in outcomes.iter_mut().zip([10, 20, 30]) {
        outcome.attempt = outcome.attempt.take().map(|attempt| took(attempt, ms));
    }
    store.record(&outcomes).await.unwrap();
    // Too late, too long ago, and another's.
    assert!(!given::record(store, given::delivered(&due[2])).await);
    assert!(given::record(store, given::delivered(&due[3])).await);
    given::one_delivered(store).await;
    let recent = |most| store.recent_attempts(endpoint, now - HOUR, most);
    let mut all = recent(100).await.unwrap();
    all.sort_by_key(|attempt| attempt.duration);
    let attempt = |conclusion, ms| RecentAttempt { conclusion, duration: Duration::from_millis(ms) };
    assert_eq!(
        all,
        [attempt(Conclusion::Delivered, 10), attempt(Conclusion::Failed, 20), attempt(Conclusion::Failed, 30)]
    );
    assert_eq!(recent(2).await.unwrap().len(), 2);
    assert_eq!(store.recent_attempts(endpoint, now + HOUR, 100).await.unwrap(), []);
}

//! Figures: what waits, and how an endpoint's attempts have ended lately.

use std::time::Duration;

use ringback::{
    attempt::{Attempt, Conclusion},
    delivery::{HoldReason, LaneId},
    store::{Backlog, Hold, RecentAttempt, Store},
    time::Timestamp,
};

use super::given;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Up to a bound, replays of delivered ones aside.
pub async fn the_backlog_counts_what_is_pending(store: &dyn Store) {
    assert_eq!(store.backlog(100).await.unwrap(), Backlog::default());
    let replayed = given::one_delivered(store).await;
    store.replay_one(replayed.id, &given::asked()).await.unwrap();
    given::one_dead(store).await;
    assert_eq!(store.backlog(100).await.unwrap().pending, 0);
    for _ in 0..3 {
        given::one_due(store).await;
    }
    assert_eq!(store.backlog(100).await.unwrap().pending, 3);
    assert_eq!(store.backlog(2).await.unwrap().pending, 2);
}

/// Held ones included; what waits for its retry is not due.
pub async fn the_backlog_tells_how_long_the_oldest_has_been_due(store: &dyn Store) {
    let later = given::one_due(store).await;
    given::record(store, given::retried(&later, HOUR)).await;
    assert_eq!(store.backlog(100).await.unwrap().oldest_due, Duration::ZERO);
    let due = given::one_due(store).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let backlog = store.backlog(100).await.unwrap();
    assert!(backlog.oldest_due >= Duration::from_millis(15) && backlog.oldest_due < HOUR, "{backlog:?}");
    let hold = |until| Hold { lane: due.lane, until, reason: HoldReason::RetryAfter, streak: 0 };
    store.set_holds(&[hold(Timestamp::now() + HOUR)]).await.unwrap();
    let held = store.backlog(100).await.unwrap();
    assert!(held.oldest_due >= backlog.oldest_due);
    assert_eq!(held.held_lanes, [due.lane]);
    store.set_holds(&[hold(Timestamp::now() - HOUR)]).await.unwrap();
    assert_eq!(store.backlog(100).await.unwrap().held_lanes, Vec::<LaneId>::new());
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

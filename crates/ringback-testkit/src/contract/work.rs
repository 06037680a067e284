//! Feeding lanes and recording outcomes.

use std::time::Duration;

use bytes::Bytes;
use ringback::{
    attempt::{Attempt, Conclusion, ErrorClass, Phase},
    delivery::{DeadReason, HoldReason, LaneId, SHARDS, Status},
    store::{Cursor, Error, Hold, PendingLane, Renewal, Settlement, Store},
    time::Timestamp,
};

use super::given;

const HOUR: Duration = Duration::from_secs(3_600);

/// Rows sort by (`due_at`, id); the cursor's own row is not read again.
pub async fn feed_reads_each_shard_after_its_cursor(store: &dyn Store) {
    let endpoint = given::endpoint_id();
    for _ in 0..5 {
        given::accept_due(store, given::event_to(&[endpoint])).await;
    }
    let all = given::all_due(store).await;
    assert_eq!(all.len(), 5);
    assert!(all.is_sorted_by_key(|due| (due.due_at, due.id)));
    let shard = all[0].lane.shard();
    for (index, due) in all.iter().enumerate() {
        let page = store.feed(&[(shard, Cursor::at(due))], 100).await.unwrap();
        assert_eq!(page.rows, all[index + 1..]);
        assert!(page.now >= due.due_at, "what is fed is due");
    }
}

/// The rest comes with the next page.
pub async fn feed_gives_at_most_the_limit_of_each_shard(store: &dyn Store) {
    let endpoints: Vec<_> = (0..4).map(|_| given::endpoint_id()).collect();
    for _ in 0..3 {
        given::accept_due(store, given::event_to(&endpoints)).await;
    }
    let mut cursors: Vec<_> = (0..SHARDS).map(|shard| (shard, Cursor::START)).collect();
    let mut seen = Vec::new();
    loop {
        let rows = store.feed(&cursors, 2).await.unwrap().rows;
        if rows.is_empty() {
            break;
        }
        for shard in 0..SHARDS {
            assert!(rows.iter().filter(|due| due.lane.shard() == shard).count() <= 2);
        }
        for due in rows {
            cursors[usize::from(due.lane.shard())].1 = Cursor::at(&due);
            seen.push(due.id);
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, given::due_ids(store).await);
    assert_eq!(seen.len(), 12);
}

/// A node is fed of its own shards only.
pub async fn feed_of_other_shards_sees_nothing(store: &dyn Store) {
    let due = given::one_due(store).await;
    let others: Vec<_> =
        (0..SHARDS).filter(|&shard| shard != due.lane.shard()).map(|shard| (shard, Cursor::START)).collect();
    assert!(store.feed(&others, 100).await.unwrap().rows.is_empty());
    let own = store.feed(&[(due.lane.shard(), Cursor::START)], 100).await.unwrap();
    assert_eq!(own.rows, [due]);
}

/// The feeder's cursor moves with the database's clock.
pub async fn an_idle_feed_still_tells_the_time(store: &dyn Store) {
    let first = store.feed(&[(0, Cursor::START)], 10).await.unwrap();
    assert!(first.rows.is_empty());
    let second = store.feed(&[], 10).await.unwrap();
    assert!(second.now >= first.now && first.now > Timestamp::default());
    assert!(store.feed_lanes(&[], 10).await.unwrap().now >= second.now);
    assert!(store.heads(&[]).await.unwrap().now >= second.now);
}

/// In the same order and after the same kind of cursor as a shard.
pub async fn feed_lanes_reads_single_lanes(store: &dyn Store) {
    let (mine, other) = (given::endpoint_id(), given::endpoint_id());
    let mut due = Vec::new();
    for _ in 0..3 {
        due.extend(given::accept_due(store, given::event_to(&[mine])).await);
        given::accept_due(store, given::event_to(&[other])).await;
    }
    let lane = due[0].lane;
    assert_eq!(store.feed_lanes(&[(lane, Cursor::START)], 2).await.unwrap().rows, due[..2]);
    assert_eq!(store.feed_lanes(&[(lane, Cursor::at(&due[1]))], 2).await.unwrap().rows, due[2..]);
    let before = store.feed_lanes(&[(lane, Cursor::before(&due[0]))], 9).await.unwrap().rows;
    assert_eq!(before, due);
}

/// Once each, in order, with the first of its deliveries, a page at a time; a lane without any is none.
pub async fn lanes_with_pending_deliveries_are_found_one_after_the_other(store: &dyn Store) {
    assert_eq!(store.pending_lanes(None, 10).await.unwrap(), []);
    let endpoints: Vec<_> = (0..3).map(|_| given::endpoint_id()).collect();
    let mut due = Vec::new();
    for _ in 0..3 {
        due.extend(given::accept_due(store, given::event_to(&endpoints)).await);
    }
    let inline = given::accept_due(store, given::inline_event("https://a.example/x", "a.example")).await.remove(0);
    let finished = given::one_due(store).await;
    assert!(given::record(store, given::delivered(&finished)).await);
    // The first of one lane waits for its retry: what follows it is the first that is due.
    let (waiting, next) = (&due[0], &due[3]);
    assert!(given::record(store, given::retried(waiting, HOUR)).await);

    let all = store.pending_lanes(None, 10).await.unwrap();
    let mut expected: Vec<_> = [next, &due[1], &due[2], &inline]
        .map(|due| PendingLane { lane: due.lane, endpoint: due.endpoint, due_at: due.due_at })
        .into();
    expected.sort_unstable_by_key(|pending| pending.lane);
    assert_eq!(all, expected);
    assert_eq!(store.pending_lanes(None, 3).await.unwrap(), all[..3]);
    assert_eq!(store.pending_lanes(Some(all[1].lane), 10).await.unwrap(), all[2..]);
    assert_eq!(store.pending_lanes(Some(all[3].lane), 10).await.unwrap(), []);
    assert_eq!(store.pending_lanes(Some(LaneId::from_i64(i64::MAX)), 10).await.unwrap(), []);
}

/// Nor is what was tried and failed, or never was.
pub async fn what_is_finished_is_not_found_untried(store: &dyn Store) {
    let (one, other, failed) = (given::one_due(store).await, given::one_due(store).await, given::one_due(store).await);
    assert!(given::record(store, given::delivered(&one)).await);
    assert!(given::record(store, given::retried(&failed, HOUR)).await);
    let asked = [one.id, other.id, failed.id, given::event_id().delivery(1)].map(|id| (id, 0));
    assert_eq!(store.find_untried(&asked).await.unwrap(), [other.id]);
    assert_eq!(store.find_untried(&[(failed.id, 1)]).await.unwrap(), [failed.id]);
}

/// And the others come with everything that sending needs.
pub async fn absent_events_are_left_out(store: &dyn Store) {
    let mut event = given::event_to(&[given::endpoint_id()]);
    event.key = Some("call-1".to_owned());
    event.test = true;
    event.endpoint_keys = Some(vec!["crm".to_owned()]);
    let id = event.id;
    let occurred_at = event.occurred_at;
    given::accept_due(store, event).await;
    let loaded = store.load_events(&[given::event_id(), id]).await.unwrap();
    assert_eq!(loaded.len(), 1);
    let event = &loaded[0].event;
    assert_eq!((event.id, event.key.as_deref(), event.test), (id, Some("call-1"), true));
    assert_eq!(event.occurred_at, occurred_at);
    assert_eq!(
        event.endpoint_keys, None,
        "whom it was for is told by its delivery; a thousand keys would be read in vain"
    );
    assert!(store.load_events(&[]).await.unwrap().is_empty());
}

/// One place, one attempt, nothing due.
pub async fn a_delivered_one_is_finished_with_its_attempt(store: &dyn Store) {
    let due = given::one_due(store).await;
    assert!(given::record(store, given::delivered(&due)).await);
    let row = given::delivery(store, due.id).await;
    assert_eq!((row.status, row.attempts, row.due_at), (Status::Delivered, 1, None));
    assert!(row.finished_at.is_some());
    assert_eq!(store.attempts(due.id).await.unwrap(), [given::success(1)]);
    assert!(given::all_due(store).await.is_empty());
}

/// The next one has the next number.
pub async fn a_failed_attempt_counts_and_is_kept(store: &dyn Store) {
    let due = given::one_due(store).await;
    assert!(given::record(store, given::retried(&due, Duration::ZERO)).await);
    let again = given::all_due(store).await.remove(0);
    assert_eq!((again.id, again.attempts, again.attempts_at_refill), (due.id, 1, 0));
    assert!(given::record(store, given::delivered(&again)).await);
    assert_eq!(store.attempts(due.id).await.unwrap(), [given::failure(1), given::success(2)]);
    assert_eq!(given::delivery(store, due.id).await.attempts, 2);
}

/// By the database's clock, from the moment of recording.
pub async fn a_retry_is_not_due_before_its_time(store: &dyn Store) {
    let due = given::one_due(store).await;
    let before = store.feed(&[], 1).await.unwrap().now;
    assert!(given::record(store, given::retried(&due, HOUR)).await);
    let after = store.feed(&[], 1).await.unwrap().now;
    assert!(given::all_due(store).await.is_empty());
    let row = given::delivery(store, due.id).await;
    assert_eq!((row.status, row.attempts), (Status::Pending, 1));
    let due_at = row.due_at.unwrap();
    assert!(due_at >= before + HOUR && due_at <= after + HOUR);
}

/// Its lane is held, and no schedule applies.
pub async fn keeping_leaves_it_due_as_it_was(store: &dyn Store) {
    let due = given::one_due(store).await;
    let kept = given::recorded(&due, Settlement::Keep, Some(given::failure(1)));
    assert!(given::record(store, kept).await);
    let again = given::all_due(store).await.remove(0);
    assert_eq!((again.id, again.due_at, again.attempts), (due.id, due.due_at, 1));
    assert_eq!(store.attempts(due.id).await.unwrap().len(), 1);
}

/// With its last status and error, and when it died.
pub async fn a_dead_one_becomes_a_dead_letter_with_its_reason(store: &dyn Store) {
    let due = given::one_due(store).await;
    let attempt =
        Attempt { error: Some(ErrorClass::Timeout), status: None, phase: Some(Phase::Head), ..given::failure(1) };
    let gone = Settlement::Dead { reason: DeadReason::Gone, detail: None, blocks: false };
    assert!(given::record(store, given::recorded(&due, gone, Some(attempt.clone()))).await);
    let row = given::delivery(store, due.id).await;
    assert_eq!((row.status, row.reason, row.attempts), (Status::Dead, Some(DeadReason::Gone), 1));
    assert_eq!((row.last_status, row.last_error.as_deref()), (None, Some("timeout")));
    assert!(row.finished_at.is_some());
    assert_eq!(store.attempts(due.id).await.unwrap(), [attempt]);
    assert!(given::all_due(store).await.is_empty());
    let other = given::one_dead(store).await;
    let row = given::delivery(store, other.id).await;
    assert_eq!((row.last_status, row.last_error.as_deref()), (Some(500), Some("status")));
}

/// Its reason says what was wrong instead.
pub async fn what_was_never_tried_counts_no_attempt(store: &dyn Store) {
    let due = given::one_due(store).await;
    let unroutable = Settlement::Dead {
        reason: DeadReason::Unroutable,
        detail: Some("the body has no /call/call_id".to_owned()),
        blocks: false,
    };
    assert!(given::record(store, given::recorded(&due, unroutable, None)).await);
    let row = given::delivery(store, due.id).await;
    assert_eq!((row.attempts, row.last_error.as_deref()), (0, Some("the body has no /call/call_id")));
    assert!(store.attempts(due.id).await.unwrap().is_empty());
}

/// Whatever it says: the receiver was spoken to, so the attempt is kept.
pub async fn a_stale_outcome_changes_nothing_and_is_kept(store: &dyn Store) {
    let due = given::one_due(store).await;
    assert!(given::record(store, given::retried(&due, HOUR)).await);
    for zombie in [given::delivered(&due), given::retried(&due, Duration::ZERO), given::dead(&due)] {
        assert!(!given::record(store, given::of_another(zombie)).await);
    }
    let row = given::delivery(store, due.id).await;
    assert_eq!((row.status, row.attempts), (Status::Pending, 1));
    assert!(given::all_due(store).await.is_empty());
    let attempts = store.attempts(due.id).await.unwrap();
    let stale = attempts.iter().filter(|attempt| attempt.conclusion == Conclusion::Stale).count();
    assert_eq!((attempts.len(), stale), (4, 3));
    assert!(attempts.iter().all(|attempt| attempt.number == 1));

    let finished = given::one_delivered(store).await;
    assert!(!given::record(store, given::of_another(given::delivered(&finished))).await);
    let attempts = store.attempts(finished.id).await.unwrap();
    assert_eq!(attempts.len(), 2);
    assert_eq!(given::delivery(store, finished.id).await.attempts, 1);
}

/// The answer to the first time may have been lost.
pub async fn outcomes_that_are_recorded_again_count_once(store: &dyn Store) {
    let due = [given::one_due(store).await, given::one_due(store).await, given::one_due(store).await];
    let batch = [given::delivered(&due[0]), given::retried(&due[1], HOUR), given::dead(&due[2])];
    for _ in 0..2 {
        assert_eq!(store.record(&batch).await.unwrap(), [true; 3]);
        for due in &due {
            assert_eq!(store.attempts(due.id).await.unwrap().len(), 1, "none is stale");
        }
    }
    // Somebody else's attempt at one of them is stale, and kept.
    let mut other = given::delivered(&due[1]);
    if let Some(attempt) = &mut other.attempt {
        attempt.duration += Duration::from_millis(1);
    }
    assert_eq!(store.record(&[other]).await.unwrap(), [false]);
    assert_eq!(store.attempts(due[1].id).await.unwrap().len(), 2);
}

/// As if each had been recorded alone, in their order.
pub async fn the_second_outcome_of_a_batch_for_one_delivery_is_stale(store: &dyn Store) {
    let due = given::one_due(store).await;
    let applied = store.record(&[given::retried(&due, HOUR), given::delivered(&due)]).await.unwrap();
    assert_eq!(applied, [true, false]);
    assert_eq!(given::delivery(store, due.id).await.status, Status::Pending);
    assert_eq!(store.attempts(due.id).await.unwrap().len(), 2);
}

/// Different settlements beside each other; the answers are in the order of the outcomes.
pub async fn a_full_batch_is_recorded_at_once(store: &dyn Store) {
    let endpoints: Vec<_> = (0..512).map(|_| given::endpoint_id()).collect();
    let due = given::accept_due(store, given::event_to(&endpoints)).await;
    let mut outcomes: Vec<_> = due
        .iter()
        .enumerate()
        .map(|(index, due)| match index % 4 {
            0 => given::delivered(due),
            1 => given::retried(due, HOUR),
            2 => given::dead(due),
            _ => given::recorded(due, Settlement::Keep, Some(given::failure(1))),
        })
        .collect();
    outcomes.reverse();
    outcomes[3].fence = 9;
    let applied = store.record(&outcomes).await.unwrap();
    assert_eq!(applied.len(), 512);
    for (index, applied) in applied.iter().enumerate() {
        assert_eq!(*applied, index != 3, "{index}");
    }
    let ledger = store.ledger(None, ringback::store::Span::default()).await.unwrap().deliveries;
    assert_eq!((ledger.owed, ledger.dead), (512, 128));
    assert_eq!(ledger.pending + ledger.delivered, 384);
    assert!(store.record(&[]).await.unwrap().is_empty());
}

/// Neither headers nor bodies are taken for text.
pub async fn bytes_of_a_receiver_are_kept_as_they_came(store: &dyn Store) {
    let due = given::one_due(store).await;
    let attempt = Attempt {
        response_body: Bytes::from_static(b"\0\xff\xfe'; DROP TABLE delivery; --\0"),
        detail: Bytes::from_static(b"{\"url\":\"\\u0000\"}"),
        ambiguous: true,
        ..given::failure(1)
    };
    let outcome = given::recorded(&due, Settlement::Retry { after: HOUR }, Some(attempt.clone()));
    assert!(given::record(store, outcome).await);
    assert_eq!(store.attempts(due.id).await.unwrap(), [attempt]);
}

/// By the database's clock, for the shards asked for.
pub async fn holds_last_until_they_end(store: &dyn Store) {
    let due = given::one_due(store).await;
    let now = store.feed(&[], 1).await.unwrap().now;
    let hold = Hold { lane: due.lane, until: now + HOUR, reason: HoldReason::RetryAfter, streak: 0 };
    let node = given::owner(store).await;
    store.set_holds(node, &[hold]).await.unwrap();
    let shard = due.lane.shard();
    assert_eq!(store.load_holds(&[shard]).await.unwrap(), [hold]);
    let others: Vec<_> = (0..SHARDS).filter(|&other| other != shard).collect();
    assert!(store.load_holds(&others).await.unwrap().is_empty());
    store.set_holds(node, &[Hold { until: now - HOUR, ..hold }]).await.unwrap();
    assert!(store.load_holds(&[shard]).await.unwrap().is_empty());
}

/// Also when it is set twice in one call.
pub async fn the_last_hold_of_a_lane_counts(store: &dyn Store) {
    let due = given::one_due(store).await;
    let now = store.feed(&[], 1).await.unwrap().now;
    let first = Hold { lane: due.lane, until: now + HOUR, reason: HoldReason::RetryAfter, streak: 0 };
    let second = Hold { lane: due.lane, until: now + 2 * HOUR, reason: HoldReason::Failing, streak: 3 };
    let node = given::owner(store).await;
    store.set_holds(node, &[first, second]).await.unwrap();
    assert_eq!(store.load_holds(&[due.lane.shard()]).await.unwrap(), [second]);
    store.set_holds(node, &[first]).await.unwrap();
    assert_eq!(store.load_holds(&[due.lane.shard()]).await.unwrap(), [first]);
    store.set_holds(node, &[]).await.unwrap();
}

/// Whoever owned the shard before may have been late to write down what it knew.
pub async fn holds_of_a_shard_that_was_lost_are_not_set(store: &dyn Store) {
    let lane = given::one_due(store).await.lane;
    let lost = given::owner(store).await;
    let renewal = store.lease_keeper().await.unwrap().renew(lost, Duration::ZERO).await.unwrap();
    assert_eq!(renewal, Renewal::Renewed);
    let node = given::owner(store).await;
    let now = store.feed(&[], 1).await.unwrap().now;
    let hold = Hold { lane, until: now + HOUR, reason: HoldReason::Failing, streak: 3 };
    store.set_holds(node, &[hold]).await.unwrap();
    for late in [Hold { until: now - HOUR, ..hold }, Hold { until: now + 2 * HOUR, ..hold }] {
        store.set_holds(lost, &[late]).await.unwrap();
        assert_eq!(store.load_holds(&[lane.shard()]).await.unwrap(), [hold]);
    }
}

/// The engine halves such a batch until the bad one is alone. Here it is one that says it was delivered and holds no attempt.
pub async fn a_batch_of_which_one_outcome_is_refused_records_none(store: &dyn Store) {
    let due = [given::one_due(store).await, given::one_due(store).await, given::one_due(store).await];
    let bad = given::recorded(&due[1], Settlement::Delivered, None);
    let batch = [given::delivered(&due[0]), bad, given::retried(&due[2], Duration::from_secs(60))];
    assert!(matches!(store.record(&batch).await, Err(Error::Refused(_))));
    for due in &due {
        assert_eq!(given::delivery(store, due.id).await.status, Status::Pending);
        assert!(store.attempts(due.id).await.unwrap().is_empty());
    }
    assert_eq!(given::all_due(store).await.len(), 3);
    assert_eq!(store.record(&batch[..1]).await.unwrap(), [true]);
    assert!(matches!(store.record(&batch[1..2]).await, Err(Error::Refused(_))));
    assert_eq!(store.record(&batch[2..]).await.unwrap(), [true]);
}

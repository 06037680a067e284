//! Keeping house. Events carry their time in their ids, so a test makes old ones by making old ids.

use std::time::Duration;

use ringback::{
    delivery::{DeadReason, Due, HoldReason, Status},
    endpoint::StoredEndpoint,
    event::NewEvent,
    id::{EventId, ExpungeId},
    store::{
        Accepted, EventFilter, EventState, ExpungeFilter, ExpungeState, ExpungeToCreate, Hold, Keys, PayloadRead,
        Retention, Span, Store, Updated,
    },
    time::Timestamp,
};

use super::{given, ledger::balanced, replays::everything_dead};

/// Calls until there is nothing more to do.
pub(super) async fn keep_house(store: &dyn Store, kept: &Retention) {
    for _ in 0..100 {
        if !store.keep_house(kept).await.unwrap() {
            return;
        }
    }
    panic!("there is always more to do");
}

/// An event of so many days ago for two endpoints.
async fn old_event(store: &dyn Store, days: u32) -> (EventId, Vec<Due>) {
    let id = given::event_id_at(Timestamp::now() - given::DAY * days);
    let event = given::sent_to(given::event_with(id), &[given::endpoint_id(), given::endpoint_id()]);
    (id, given::accept_due(store, event).await)
}

/// With the default times, of what is fresh nothing goes.
pub async fn a_young_house_is_left_alone(store: &dyn Store) {
    let pending = given::one_due(store).await;
    let delivered = given::one_delivered(store).await;
    let dead = given::one_dead(store).await;
    keep_house(store, &Retention::default()).await;
    keep_house(store, &Retention::default()).await;
    for (due, status) in [(&pending, Status::Pending), (&delivered, Status::Delivered), (&dead, Status::Dead)] {
        assert_eq!(given::delivery(store, due.id).await.status, status);
        assert!(matches!(store.payload(due.id.event()).await.unwrap(), PayloadRead::Bytes(_)));
    }
    assert_eq!(store.attempts(dead.id).await.unwrap().len(), 1);
    given::one_delivered(store).await;
}

/// Whoever looks for deaths up to there finds them all, and none comes later.
pub async fn what_is_committed_counts_as_written(store: &dyn Store) {
    let dead = given::one_dead(store).await;
    let until = store.written_until().await.unwrap();
    let died_at = given::delivery(store, dead.id).await.finished_at.unwrap();
    assert!(died_at <= until && until <= store.clock().await.unwrap(), "{died_at} {until}");
}

/// Its settings are the engine's document, which the database need not understand.
pub async fn an_endpoint_that_cannot_be_read_lets_others_expire(store: &dyn Store) {
    let paused = |spec: &str| StoredEndpoint { paused: true, spec: spec.to_owned(), ..given::endpoint() };
    let broken = given::create(store, &paused("{\"url\"")).await;
    let blocking = given::create(store, &paused("{\"ordered\":true,\"on_dead\":\"block\"}")).await;
    let first = given::accept_due(store, given::ordered_event(broken.id, "k")).await[0].id;
    let second = given::accept_due(store, given::ordered_event(blocking.id, "k")).await[0].id;
    while store.expire_held(Duration::ZERO).await.unwrap() > 0 {}
    for id in [first, second] {
        assert_eq!(given::delivery(store, id).await.reason, Some(DeadReason::Expired));
    }
    // The one whose endpoint says so blocks its ordering key.
    given::accept(store, given::ordered_event(broken.id, "k")).await;
    given::accept(store, given::ordered_event(blocking.id, "k")).await;
    let due = given::all_due(store).await;
    assert_eq!(due.iter().map(|due| due.endpoint).collect::<Vec<_>>(), [Some(broken.id)]);
}

/// In lanes on hold and in lanes of paused or disabled endpoints; what is free is not touched.
pub async fn held_deliveries_expire(store: &dyn Store) {
    let free = given::one_due(store).await;
    let held = given::one_due(store).await;
    let now = store.feed(&[], 1).await.unwrap().now;
    let until = now + Duration::from_secs(3_600);
    let node = given::owner(store).await;
    store.set_holds(node, &[Hold { lane: held.lane, until, reason: HoldReason::RetryAfter, streak: 0 }]).await.unwrap();
    let mut paused = given::endpoint();
    paused.paused = true;
    let paused = given::create(store, &paused).await;
    let mut disabled = given::endpoint();
    disabled.enabled = false;
    let disabled = given::create(store, &disabled).await;
    let due = given::accept_due(store, given::event_to(&[paused.id, disabled.id])).await;
    assert_eq!(store.expire_held(Duration::from_secs(3_600)).await.unwrap(), 0, "not yet");
    let mut expired = 0;
    loop {
        match store.expire_held(Duration::ZERO).await.unwrap() {
            0 => break,
            more => expired += more,
        }
    }
    assert_eq!(expired, 3);
    for id in [held.id, due[0].id, due[1].id] {
        let row = given::delivery(store, id).await;
        assert_eq!((row.status, row.reason), (Status::Dead, Some(DeadReason::Expired)));
    }
    assert_eq!(given::due_ids(store).await, [free.id]);
}

/// However long the backlog, the work and the locks of one call are bounded.
pub async fn one_call_expires_some_thousands_and_the_next_ones_the_rest(store: &dyn Store) {
    const HELD: u64 = 2_500;
    let paused = given::create(store, &StoredEndpoint { paused: true, ..given::endpoint() }).await;
    given::accept(store, given::event_to(&[paused.id; HELD as usize])).await;
    let first = store.expire_held(Duration::ZERO).await.unwrap();
    assert!((1..HELD).contains(&first), "all at once: {first}");
    let mut expired = first;
    loop {
        match store.expire_held(Duration::ZERO).await.unwrap() {
            0 => break,
            more => expired += more,
        }
    }
    assert_eq!(expired, HELD);
}

/// What had been due for long, because of a rate or since nobody sent, does not die with the first moment's hold; what has
/// been held for as long, hold after hold, does.
pub async fn only_what_is_held_for_long_expires(store: &dyn Store) {
    const LONG: Duration = Duration::from_millis(1_500);
    let due = given::one_due(store).await;
    let mut paused = given::endpoint();
    paused.paused = true;
    let node = given::owner(store).await;
    let hold = async |seconds: u64, streak: i32| {
        let until = store.feed(&[], 1).await.unwrap().now + Duration::from_secs(seconds);
        let hold = Hold { lane: due.lane, until, reason: HoldReason::Failing, streak };
        store.set_holds(node, &[hold]).await.unwrap();
    };
    tokio::time::sleep(LONG).await;
    hold(0, 1).await;
    hold(3_600, 1).await;
    let paused = given::create(store, &paused).await;
    let late = given::accept_due(store, given::event_to(&[paused.id])).await;
    assert_eq!(store.expire_held(LONG).await.unwrap(), 0, "only its waiting was long");
    // It ends, is probed in vain, and goes on.
    hold(0, 1).await;
    hold(3_600, 2).await;
    tokio::time::sleep(LONG).await;
    assert_eq!(store.expire_held(LONG).await.unwrap(), 2);
    for id in [due.id, late[0].id] {
        assert_eq!(given::delivery(store, id).await.reason, Some(DeadReason::Expired));
    }
}

/// Whoever paused it may have a clock that is wrong.
pub async fn a_pause_counts_from_when_the_database_was_told(store: &dyn Store) {
    const LONG: Duration = Duration::from_millis(500);
    let endpoint = given::create(store, &given::endpoint()).await;
    let due = given::accept_due(store, given::event_to(&[endpoint.id])).await;
    tokio::time::sleep(LONG).await;
    let long_ago = endpoint.updated_at - Duration::from_secs(3_600);
    let paused = StoredEndpoint { paused: true, updated_at: long_ago, ..endpoint };
    let Updated::Done(paused) = store.update_endpoint(&paused, &given::asked()).await.unwrap() else {
        panic!("nothing keeps it from being paused")
    };
    assert!(paused.updated_at > long_ago);
    assert_eq!(store.expire_held(LONG).await.unwrap(), 0);
    assert_eq!(given::delivery(store, due[0].id).await.status, Status::Pending);
}

/// Only being due and held does.
pub async fn waiting_for_a_retry_never_expires(store: &dyn Store) {
    let due = given::one_due(store).await;
    given::record(store, given::retried(&due, Duration::from_secs(3_600))).await;
    let now = store.feed(&[], 1).await.unwrap().now;
    let until = now + Duration::from_secs(3_600);
    let hold = Hold { lane: due.lane, until, reason: HoldReason::Failing, streak: 1 };
    let node = given::owner(store).await;
    store.set_holds(node, &[hold]).await.unwrap();
    assert_eq!(store.expire_held(Duration::ZERO).await.unwrap(), 0);
    assert_eq!(given::delivery(store, due.id).await.status, Status::Pending);
}

/// Neither what is pending nor what is dead loses its payload.
pub async fn old_payloads_are_removed_but_not_what_is_owed(store: &dyn Store) {
    let (done, due) = old_event(store, 40).await;
    for due in &due {
        given::record(store, given::delivered(due)).await;
    }
    let (pending, due) = old_event(store, 40).await;
    given::record(store, given::delivered(&due[0])).await;
    let (dead, due) = old_event(store, 40).await;
    given::record(store, given::dead(&due[0])).await;
    given::record(store, given::delivered(&due[1])).await;
    let (young, due) = old_event(store, 20).await;
    for due in &due {
        given::record(store, given::delivered(due)).await;
    }
    keep_house(store, &Retention::default()).await;
    assert_eq!(store.payload(done).await.unwrap(), PayloadRead::Expired);
    assert!(store.event(done).await.unwrap().is_some(), "its skeleton stays");
    for id in [pending, dead, young] {
        assert!(matches!(store.payload(id).await.unwrap(), PayloadRead::Bytes(_)));
    }
}

/// Skeletons, finished deliveries and verdicts.
pub async fn old_events_go_and_the_ledger_remembers(store: &dyn Store) {
    let (old, due) = old_event(store, 100).await;
    given::record(store, given::delivered(&due[0])).await;
    given::record(store, given::dead(&due[1])).await;
    store.discard_dead_letter(due[1].id, &given::asked()).await.unwrap();
    let unmatched = given::event_with(given::event_id_at(Timestamp::now() - given::DAY * 100));
    let unmatched_id = unmatched.id;
    given::accept_due(store, unmatched).await;
    given::one_delivered(store).await;
    let before = balanced(store, None, Span::default()).await;
    keep_house(store, &Retention::default()).await;
    assert!(store.event(old).await.unwrap().is_none());
    assert!(store.event(unmatched_id).await.unwrap().is_none());
    for due in &due {
        assert!(store.delivery(due.id).await.unwrap().is_none());
        assert!(store.attempts(due.id).await.unwrap().is_empty());
    }
    assert_eq!(balanced(store, None, Span::default()).await, before);
    assert_eq!(balanced(store, Some("default"), Span::default()).await, before);
    let recent = Span { since: Some(Timestamp::now() - given::DAY), until: None };
    assert_eq!(balanced(store, None, recent).await.events.accepted, 1);
}

/// With its payload, and it can still be sent.
pub async fn what_is_owed_or_dead_outlives_its_retention(store: &dyn Store) {
    let (pending, due) = old_event(store, 100).await;
    given::record(store, given::delivered(&due[0])).await;
    let (dead, of_dead) = old_event(store, 100).await;
    given::record(store, given::dead(&of_dead[0])).await;
    given::record(store, given::delivered(&of_dead[1])).await;
    let before = balanced(store, None, Span::default()).await;
    keep_house(store, &Retention::default()).await;
    for id in [pending, dead] {
        assert!(matches!(store.payload(id).await.unwrap(), PayloadRead::Bytes(_)));
        assert!(store.event(id).await.unwrap().is_some());
    }
    assert_eq!(balanced(store, None, Span::default()).await, before);
    assert_eq!(
        store.replay_one(of_dead[0].id, ringback::store::ReplayOf::Either, &given::asked()).await.unwrap(),
        ringback::store::ReplayOne::Released
    );
    for due in given::all_due(store).await {
        assert!(given::record(store, given::delivered(&due)).await);
    }
    let after = balanced(store, None, Span::default()).await;
    assert_eq!((after.deliveries.delivered, after.deliveries.owed), (4, 4));
}

/// By when they died, not by when their events were accepted.
pub async fn old_dead_letters_go_with_their_events(store: &dyn Store) {
    let (id, due) = old_event(store, 100).await;
    given::record(store, given::dead(&due[0])).await;
    given::record(store, given::delivered(&due[1])).await;
    let before = balanced(store, None, Span::default()).await;
    let kept = Retention { dead_letters: Duration::ZERO, ..Retention::default() };
    keep_house(store, &kept).await;
    assert!(store.delivery(due[0].id).await.unwrap().is_none_or(|row| row.status != Status::Dead));
    assert!(store.event(id).await.unwrap().is_none());
    assert_eq!(balanced(store, None, Span::default()).await, before);
}

/// Those within their window are not.
pub async fn old_keys_are_forgotten(store: &dyn Store) {
    let keyed = |days: u32| {
        let mut event = given::event_with(given::event_id_at(Timestamp::now() - given::DAY * days));
        event.idempotency_key = Some(format!("{days} days"));
        event
    };
    let young = keyed(1);
    let young_id = young.id;
    given::accept_due(store, young).await;
    given::accept_due(store, keyed(8)).await;
    keep_house(store, &Retention::default()).await;
    let window = given::DAY * 1_000;
    let group = |days: u32| {
        let mut event = keyed(days);
        event.id = given::event_id();
        [ringback::store::Group { events: vec![event], record: None, once: None }]
    };
    assert_eq!(store.accept(&group(1), window).await.unwrap()[0], [Accepted::Duplicate(young_id)]);
    assert!(matches!(store.accept(&group(8), window).await.unwrap()[0][..], [Accepted::New(_)]));
}

/// With the sets that they had taken; one that is still running stays however old it is.
pub async fn replays_that_ended_long_ago_are_forgotten(store: &dyn Store) {
    let dead = given::one_dead(store).await;
    let [completed, cancelled, running] = [(); 3].map(|()| everything_dead());
    for replay in [&completed, &cancelled, &running] {
        assert_eq!(given::made(store, replay).await.matched, 1);
    }
    while store.release_replayed(completed.id, &completed.scope, 10).await.unwrap() > 0 {}
    store.cancel_replay(cancelled.id, &given::asked()).await.unwrap();
    keep_house(store, &Retention::default()).await;
    for replay in [&completed, &cancelled, &running] {
        assert!(store.replay(replay.id).await.unwrap().is_some(), "they ended just now");
    }
    let kept = Retention { events: Duration::ZERO, ..Retention::default() };
    keep_house(store, &kept).await;
    keep_house(store, &kept).await;
    for replay in [&completed, &cancelled] {
        assert!(store.replay(replay.id).await.unwrap().is_none());
    }
    assert_eq!(store.replay(running.id).await.unwrap().unwrap().remaining, 1);
    // What a forgotten replay had put back is none the worse for it.
    let again = given::all_due(store).await.remove(0);
    assert_eq!(again.id, dead.id);
    assert!(given::record(store, given::delivered(&again)).await);
}

/// They are the proof that something was erased.
pub async fn receipts_of_expunges_stay(store: &dyn Store) {
    let event = given::event();
    let tenant = event.tenant.clone();
    given::accept(store, event).await;
    let filter = ExpungeFilter { tenant, event_type: None, key: None, accepted: Span::default() };
    let id = ExpungeId::new(Timestamp::now());
    let expunge = ExpungeToCreate { id, filter, keys: Keys::Keep, dry_run: false };
    store.create_expunge(&expunge, &given::asked()).await.unwrap();
    while store.expunge_next(id, 100).await.unwrap() {}
    let kept = Retention { events: Duration::ZERO, ..Retention::default() };
    keep_house(store, &kept).await;
    keep_house(store, &kept).await;
    let receipt = store.expunge_of_many(id).await.unwrap().unwrap();
    assert_eq!((receipt.state, receipt.erased.events), (ExpungeState::Completed, 1));
}

/// Neither its status code nor its error.
pub async fn a_stale_attempt_is_not_the_last_of_what_expires(store: &dyn Store) {
    let paused = given::create(store, &StoredEndpoint { paused: true, ..given::endpoint() }).await;
    let due = given::accept_due(store, given::event_to(&[paused.id])).await.remove(0);
    assert!(given::record(store, given::retried(&due, Duration::ZERO)).await);
    assert!(!given::record(store, given::of_another(given::delivered(&due))).await);
    assert_eq!(store.expire_held(Duration::ZERO).await.unwrap(), 1);
    let row = given::delivery(store, due.id).await;
    assert_eq!((row.last_status, row.last_error.as_deref()), (Some(500), Some("status")));
}

/// Its dead letter went, and it was none of those that nobody has routed yet.
pub async fn an_event_whose_dead_letters_are_gone_is_still_routed(store: &dyn Store) {
    let dead = given::one_dead(store).await;
    let waiting = given::emit(store, NewEvent::new("x", "{}")).await;
    keep_house(store, &Retention { dead_letters: Duration::ZERO, ..Retention::default() }).await;
    assert!(store.delivery(dead.id).await.unwrap().is_none());
    let state = async |id: EventId| store.event(id).await.unwrap().unwrap().state;
    assert_eq!(state(dead.id.event()).await, EventState::Routed);
    assert_eq!(state(waiting).await, EventState::Unrouted);
    let listed = store.list_events(&EventFilter::default(), None, 10).await.unwrap().items;
    let state = |id: EventId| listed.iter().find(|row| row.event.id == id).map(|row| row.state);
    assert_eq!((state(dead.id.event()), state(waiting)), (Some(EventState::Routed), Some(EventState::Unrouted)));
}

/// An endpoint that blocks its order on a dead letter blocks on this one, too.
pub async fn a_held_one_that_expires_blocks_its_key_like_any_dead_letter(store: &dyn Store) {
    let mut blocking = given::endpoint();
    blocking.spec = blocking.spec.replace("skip", "block");
    blocking.paused = true;
    let blocking = given::create(store, &blocking).await;
    let held = given::accept_due(store, given::ordered_event(blocking.id, "call-1")).await.remove(0);
    assert_eq!(store.expire_held(Duration::ZERO).await.unwrap(), 1);
    assert_eq!(given::delivery(store, held.id).await.reason, Some(DeadReason::Expired));
    assert!(given::accept_due(store, given::ordered_event(blocking.id, "call-1")).await.is_empty());
    assert!(!given::record(store, given::delivered(&held)).await, "what was being sent meanwhile is stale");
}

//! Erased means unreadable, and there is a receipt.

use std::time::Duration;

use bytes::Bytes;
use ringback::{
    attempt::{Attempt, Conclusion, Detail},
    delivery::{DeadReason, Due, LaneId, Status},
    id::{EventId, ExpungeId},
    store::{
        Accepted, Change, DeliveryFilter, Erased, EventFilter, EventToAccept, ExpungeFilter, ExpungeRow, ExpungeState,
        ExpungeToCreate, Keys, PayloadRead, ReplayOf, ReplayOne, Settlement, Span, Store, rules::erasing::IdsDigest,
    },
    time::Timestamp,
};

use super::given;

/// What a payload holds, and what a receiver echoes of it.
pub const CANARY: &str = "canary-of-a-caller";

/// An attempt whose receiver echoed the payload in a header and in the body.
#[must_use]
pub fn echoed(attempt: Attempt, url: &str) -> Attempt {
    let detail = Detail {
        url: url.to_owned().into(),
        request_headers: vec![("webhook-id".into(), "evt_1".into())],
        response_headers: vec![("x-echo".into(), CANARY.into())],
        truncated: true,
        ..Detail::default()
    };
    Attempt { detail: detail.to_bytes(), response_body: Bytes::from_static(CANARY.as_bytes()), ..attempt }
}

/// Fails unless nothing of an answer is left of these attempts.
fn hold_no_answer(attempts: &[Attempt]) {
    for attempt in attempts {
        let detail = Detail::from_bytes(&attempt.detail);
        assert!(attempt.response_body.is_empty() && detail.response_headers.is_empty(), "{attempt:?}");
        assert!(!detail.truncated);
        assert_eq!(detail.request_headers.len(), 1, "what was sent stays");
        assert!(attempt.status.is_some(), "so does how it ended");
    }
}

/// An event with every key there is, to so many endpoints.
fn keyed(key: &str, endpoints: usize) -> EventToAccept {
    let endpoints: Vec<_> = (0..endpoints).map(|_| given::endpoint_id()).collect();
    let mut event = given::event_to(&endpoints);
    event.key = Some(key.to_owned());
    event.ordering_key = Some(key.to_owned());
    event.idempotency_key = Some(key.to_owned());
    event.payload = CANARY.into();
    event
}

fn all_of_default() -> ExpungeFilter {
    ExpungeFilter { tenant: "default".to_owned(), key: None, event_type: None, accepted: Span::default() }
}

fn asked_for(filter: ExpungeFilter, keys: Keys) -> ExpungeToCreate {
    ExpungeToCreate { id: ExpungeId::new(Timestamp::now()), filter, keys, dry_run: false }
}

/// Erases in steps of one event until the receipt is there.
async fn run(store: &dyn Store, id: ExpungeId) -> ExpungeRow {
    for _ in 0..1_000 {
        if !store.expunge_next(id, 1).await.unwrap() {
            return store.expunge_of_many(id).await.unwrap().unwrap();
        }
    }
    panic!("an expunge does not end");
}

/// What was delivered stays delivered.
pub async fn expunging_cancels_and_removes_the_payload(store: &dyn Store) {
    let endpoints: Vec<_> = (0..4).map(|_| given::endpoint_id()).collect();
    let due = given::accept_due(store, given::event_to(&endpoints)).await;
    let id = due[0].id.event();
    given::record(store, given::delivered(&due[0])).await;
    given::record(store, given::dead(&due[1])).await;
    given::record(store, given::delivered(&due[2])).await;
    store.replay_one(due[2].id, ReplayOf::Either, &given::asked()).await.unwrap();
    let version = store.config_version().await.unwrap();
    let erased = store.expunge(id, Keys::Keep, &given::asked()).await.unwrap().unwrap();
    assert_eq!(erased.cancelled, 2, "the pending one and the dead one; a replay of a delivered one is only removed");
    assert_eq!(store.changes_since(version).await.unwrap().items, [Change::EventExpunged(id)]);
    assert_eq!(store.payload(id).await.unwrap(), PayloadRead::Expunged);
    assert_eq!(store.load_events(&[id]).await.unwrap()[0].payload, None);
    let row = store.event(id).await.unwrap().unwrap();
    assert!(row.expunged_at.is_some());
    assert!(row.payload_bytes > 0, "its size is still told");
    let mut statuses = Vec::new();
    for due in &due {
        statuses.push(given::delivery(store, due.id).await.status);
    }
    assert_eq!(statuses, [Status::Delivered, Status::Cancelled, Status::Delivered, Status::Cancelled]);
    assert!(given::all_due(store).await.is_empty());
    let again = store.expunge(id, Keys::Keep, &given::asked()).await.unwrap();
    assert_eq!(again, Some(ringback::store::Erased::default()), "once more changes nothing");
    assert_eq!(store.changes_since(version).await.unwrap().items.len(), 1);
    assert!(store.expunge(given::event_id(), Keys::Keep, &given::asked()).await.unwrap().is_none());
    assert_eq!(store.payload(given::event_id()).await.unwrap(), PayloadRead::Absent);
}

/// In `finished`, in `attempt`, of retries, of what is dead.
pub async fn expunging_removes_what_receivers_answered(store: &dyn Store) {
    let due = given::accept_due(store, keyed("k", 3)).await;
    let id = due[0].id.event();
    let url = "https://example.com/hook";
    let first =
        given::recorded(&due[0], Settlement::Retry { after: Duration::ZERO }, Some(echoed(given::failure(1), url)));
    assert!(given::record(store, first).await);
    let again = Due { attempts: 1, ..due[0].clone() };
    assert!(
        given::record(store, given::recorded(&again, Settlement::Delivered, Some(echoed(given::success(2), url))))
            .await
    );
    let dead = Settlement::Dead { reason: DeadReason::Exhausted, detail: None, blocks: false };
    assert!(given::record(store, given::recorded(&due[1], dead, Some(echoed(given::failure(1), url)))).await);
    assert!(store.expunge(id, Keys::Keep, &given::asked()).await.unwrap().is_some());
    for (due, count) in due.iter().zip([2, 1, 0]) {
        let attempts = store.attempts(due.id).await.unwrap();
        assert_eq!(attempts.len(), count);
        hold_no_answer(&attempts);
        assert!(attempts.iter().all(|attempt| Detail::from_bytes(&attempt.detail).url == url));
    }
    let row = store.event(id).await.unwrap().unwrap();
    assert_eq!(row.event.key.as_deref(), Some("k"), "keys stay unless they are to go");
}

/// What was under way when its event was expunged ends as a stale attempt, without what was answered.
pub async fn an_answer_that_comes_after_expunging_is_not_kept(store: &dyn Store) {
    let due = given::accept_due(store, keyed("k", 2)).await;
    store.expunge(due[0].id.event(), Keys::Keep, &given::asked()).await.unwrap();
    let late = |due: &Due, settlement, attempt| {
        given::recorded(due, settlement, Some(echoed(attempt, "https://example.com/")))
    };
    let other = given::one_delivered(store).await;
    let outcomes = [
        late(&due[0], Settlement::Delivered, given::success(1)),
        late(&due[1], Settlement::Keep, given::failure(1)),
        given::of_another(late(&other, Settlement::Delivered, given::success(1))),
    ];
    assert_eq!(store.record(&outcomes).await.unwrap(), [false, false, false]);
    for due in &due {
        let attempts = store.attempts(due.id).await.unwrap();
        assert_eq!(attempts.iter().map(|attempt| attempt.conclusion).collect::<Vec<_>>(), [Conclusion::Stale]);
        hold_no_answer(&attempts);
    }
    let kept = store.attempts(other.id).await.unwrap();
    let stale = kept.iter().find(|attempt| attempt.conclusion == Conclusion::Stale).unwrap();
    assert_eq!(stale.response_body, CANARY, "of what is not expunged a stale answer is kept");
}

/// In the event, in what is listed by it, and where it kept another event from being accepted.
pub async fn keys_are_erased_if_asked_for(store: &dyn Store) {
    let event = keyed("person", 1);
    let id = event.id;
    given::accept(store, event.clone()).await;
    store.expunge(id, Keys::Keep, &given::asked()).await.unwrap();
    let found = async || {
        let filter = EventFilter { key: Some("person".to_owned()), ..EventFilter::default() };
        store.list_events(&filter, None, 10).await.unwrap().items.len()
    };
    assert_eq!(found().await, 1);
    assert!(store.expunge(id, Keys::Erase, &given::asked()).await.unwrap().is_some(), "also after its payload was");
    assert_eq!(found().await, 0);
    let row = store.event(id).await.unwrap().unwrap();
    assert_eq!((row.event.key, row.event.ordering_key, row.event.idempotency_key), (None, None, None));
    let filter = DeliveryFilter { key: Some("person".to_owned()), ..DeliveryFilter::default() };
    assert!(store.list_deliveries(&filter, None, 10).await.unwrap().items.is_empty());
    let repeated = EventToAccept { id: given::event_id(), ..event };
    let repeated = given::sent_to(repeated, &[given::endpoint_id()]);
    assert!(matches!(given::accept(store, repeated).await, Accepted::New(_)), "nothing remembers the key");
}

/// A digest of a short payload would give it away. Whatever comes under its key then is a duplicate.
pub async fn expunging_forgets_the_digest_of_the_content(store: &dyn Store) {
    let event = keyed("k", 1);
    given::accept(store, event.clone()).await;
    store.expunge(event.id, Keys::Keep, &given::asked()).await.unwrap();
    let other = EventToAccept { id: given::event_id(), content: [2; 32], ..event.clone() };
    let other = given::sent_to(other, &[given::endpoint_id()]);
    assert!(matches!(given::accept(store, other).await, Accepted::Duplicate(id) if id == event.id));
}

/// A destination that came with the event, and what it was requested as.
pub async fn expunging_leaves_the_origin_of_an_inline_destination(store: &dyn Store) {
    let url = format!("https://inline.example.com/{CANARY}?{CANARY}");
    let due = given::accept_due(store, given::inline_event(&url, "inline.example.com")).await;
    given::record(store, given::recorded(&due[0], Settlement::Delivered, Some(echoed(given::success(1), &url)))).await;
    store.expunge(due[0].id.event(), Keys::Keep, &given::asked()).await.unwrap();
    let row = given::delivery(store, due[0].id).await;
    assert_eq!(row.lane, LaneId::of_inline("default", "https", "inline.example.com", 443));
    assert_eq!(row.event.destination.as_deref(), Some(r#"{"url":"https://inline.example.com/"}"#));
    let attempts = store.attempts(due[0].id).await.unwrap();
    hold_no_answer(&attempts);
    assert_eq!(Detail::from_bytes(&attempts[0].detail).url, "https://inline.example.com/");
}

/// Of as many deliveries as it takes to be read in several parts.
pub async fn all_deliveries_of_an_event_are_erased(store: &dyn Store) {
    let due = given::accept_due(store, keyed("k", 700)).await;
    let outcomes: Vec<_> = due
        .iter()
        .map(|due| given::recorded(due, Settlement::Delivered, Some(echoed(given::success(1), "https://example.com/"))))
        .collect();
    for outcomes in outcomes.chunks(500) {
        store.record(outcomes).await.unwrap();
    }
    store.expunge(due[0].id.event(), Keys::Keep, &given::asked()).await.unwrap();
    for due in &due {
        hold_no_answer(&store.attempts(due.id).await.unwrap());
    }
}

/// The set is fixed, erased in steps that may be taken by anybody, and told in the receipt.
pub async fn an_expunge_of_many_takes_a_fixed_set_and_gives_a_receipt(store: &dyn Store) {
    let mut ids: Vec<EventId> = Vec::new();
    for _ in 0..3 {
        let due = given::accept_due(store, keyed(&format!("person-{}", ids.len()), 2)).await;
        ids.push(due[0].id.event());
        given::record(
            store,
            given::recorded(&due[0], Settlement::Delivered, Some(echoed(given::success(1), "https://a/"))),
        )
        .await;
    }
    store.expunge(ids[0], Keys::Keep, &given::asked()).await.unwrap();
    let mut foreign = keyed("person-0", 1);
    foreign.tenant = "other".to_owned();
    given::accept(store, foreign.clone()).await;
    let expunge = asked_for(all_of_default(), Keys::Keep);
    let begun = store.create_expunge(&expunge, &given::asked()).await.unwrap();
    assert_eq!((begun.id, begun.state, begun.digest.is_none()), (Some(expunge.id), ExpungeState::Running, true));
    assert_eq!((begun.matched, begun.remaining, begun.bytes), (3, 3, 3 * CANARY.len() as i64));
    let later = given::accept_due(store, keyed("later", 1)).await;
    assert_eq!(store.running_expunges().await.unwrap(), [expunge.id]);
    let version = store.config_version().await.unwrap();

    let done = run(store, expunge.id).await;
    assert_eq!((done.state, done.matched, done.remaining, done.skipped), (ExpungeState::Completed, 3, 0, 1));
    let payload_bytes = 2 * CANARY.len() as i64;
    assert_eq!(done.erased, Erased { events: 2, payload_bytes, cancelled: 2, attempts: 2 });
    ids.sort_unstable();
    let mut digest = IdsDigest::default();
    ids.iter().for_each(|id| digest.add(*id));
    assert_eq!(done.digest, Some(digest.finish()));
    assert_eq!(done.by, "admin_token");
    assert!(done.finished_at.unwrap() >= done.created_at);
    for id in &ids {
        assert_eq!(store.payload(*id).await.unwrap(), PayloadRead::Expunged);
        hold_no_answer(&store.attempts(id.delivery(1)).await.unwrap());
    }
    for untouched in [foreign.id, later[0].id.event()] {
        assert!(matches!(store.payload(untouched).await.unwrap(), PayloadRead::Bytes(_)));
    }
    let told = store.changes_since(version).await.unwrap().items;
    assert!(ids[1..].iter().all(|id| told.contains(&Change::EventExpunged(*id))), "every node is told: {told:?}");
    assert!(store.running_expunges().await.unwrap().is_empty());
    assert!(!store.expunge_next(expunge.id, 1).await.unwrap());
    assert_eq!(store.replay_one(later[0].id, ReplayOf::Either, &given::asked()).await.unwrap(), ReplayOne::Pending);
}

/// By key, by type, by time; keys go too if asked for.
pub async fn an_expunge_takes_what_its_filter_finds(store: &dyn Store) {
    let one = given::accept_due(store, keyed("person", 1)).await[0].id.event();
    let mut typed = keyed("else", 1);
    typed.event_type = "typed".to_owned();
    let typed = given::accept_due(store, typed).await[0].id.event();
    let preview = async |filter: ExpungeFilter| {
        let expunge = ExpungeToCreate { dry_run: true, ..asked_for(filter, Keys::Keep) };
        let row = store.create_expunge(&expunge, &given::asked()).await.unwrap();
        assert_eq!((row.id, row.state), (None, ExpungeState::Preview));
        assert!(store.expunge_of_many(expunge.id).await.unwrap().is_none(), "a preview stores nothing");
        row.matched
    };
    let by_key = |key: &str| ExpungeFilter { key: Some(key.to_owned()), ..all_of_default() };
    let of_time = |since: Timestamp, until: Timestamp| ExpungeFilter {
        accepted: Span { since: Some(since), until: Some(until) },
        ..all_of_default()
    };
    assert_eq!(preview(all_of_default()).await, 2);
    assert_eq!(preview(by_key("person")).await, 1);
    assert_eq!(preview(by_key("nobody")).await, 0);
    assert_eq!(preview(ExpungeFilter { tenant: "other".to_owned(), ..by_key("person") }).await, 0);
    assert_eq!(preview(ExpungeFilter { event_type: Some("typed".to_owned()), ..all_of_default() }).await, 1);
    assert_eq!(preview(of_time(one.accepted_at(), typed.accepted_at())).await, 1);
    assert_eq!(
        preview(of_time(typed.accepted_at() + Duration::from_millis(1), Timestamp::now() + given::DAY)).await,
        0
    );

    let expunge = asked_for(by_key("person"), Keys::Erase);
    store.create_expunge(&expunge, &given::asked()).await.unwrap();
    let done = run(store, expunge.id).await;
    assert_eq!((done.keys, done.erased.events, done.skipped), (Keys::Erase, 1, 0));
    assert_eq!(store.event(one).await.unwrap().unwrap().event.key, None);
    assert!(matches!(store.payload(typed).await.unwrap(), PayloadRead::Bytes(_)));
}

/// With the digest of nothing.
pub async fn an_expunge_that_finds_nothing_is_complete_at_once(store: &dyn Store) {
    let row = store.create_expunge(&asked_for(all_of_default(), Keys::Keep), &given::asked()).await.unwrap();
    assert_eq!((row.state, row.matched, row.digest), (ExpungeState::Completed, 0, Some(IdsDigest::default().finish())));
    assert!(row.finished_at.is_some());
    assert!(store.running_expunges().await.unwrap().is_empty());
    assert!(store.expunge_of_many(ExpungeId::new(Timestamp::now())).await.unwrap().is_none());
}

//! When events may be sent, and what they are searched by.

use std::time::Duration;

use ringback::{
    delivery::{DeadReason, SHARDS, Shard, Status},
    event::NewEvent,
    id::EventId,
    metadata::Metadata,
    schedule::Schedule,
    store::{EventFilter, EventToAccept, Keys, Recorded, ReplayOf, Retention, Settlement, Store, Verdict},
    time::Timestamp,
};

use super::given;

const HOUR: Duration = Duration::from_secs(3_600);

fn scheduled(schedule: Schedule) -> EventToAccept {
    let mut event = given::event_to(&[given::endpoint_id()]);
    event.schedule = schedule;
    if let Verdict::Deliveries(deliveries) = &mut event.routing.verdict {
        deliveries.iter_mut().for_each(|delivery| delivery.schedule = schedule);
    }
    event
}

fn shards() -> Vec<Shard> {
    (0..SHARDS).collect()
}

/// A moment as stores keep it, which have no more than microseconds.
fn at(ahead: i64) -> Timestamp {
    Timestamp::from_micros(Timestamp::now().micros() + ahead)
}

/// What may be sent later is due then and not before; what may be sent since long ago is due now.
pub async fn an_event_is_due_when_it_may_be_sent(store: &dyn Store) {
    let later = at(3_600_000_000);
    let waits = scheduled(Schedule { deliver_after: Some(later), expires_at: None });
    let id = waits.id.delivery(1);
    assert!(given::accept_due(store, waits).await.is_empty());
    assert!(given::due_ids(store).await.is_empty());
    let row = given::delivery(store, id).await;
    assert_eq!((row.status, row.due_at), (Status::Pending, Some(later)));
    let event = store.event(id.event()).await.unwrap().unwrap().event;
    assert_eq!(event.schedule, Schedule { deliver_after: Some(later), expires_at: None });

    let past = Schedule { deliver_after: Some(at(-1_000_000)), expires_at: None };
    let due = given::accept_due(store, scheduled(past)).await;
    assert_eq!(given::due_ids(store).await, [due[0].id]);
    assert!(due[0].due_at >= past.deliver_after.unwrap());
}

/// The same of what is emitted inside the caller's transaction.
pub async fn an_emitted_event_keeps_its_schedule_and_its_metadata(store: &dyn Store) {
    let schedule = Schedule { deliver_after: Some(at(60_000_000)), expires_at: Some(at(120_000_000)) };
    let new = NewEvent::new("CALL_ENDED", "{}").metadata("campaign", "Grüße \"1\"").metadata("a.b", "");
    let id = given::emit(store, NewEvent { schedule, ..new.clone() }).await;
    let waiting = given::unrouted(store).await;
    assert_eq!(waiting[0].event.schedule, schedule);
    let mut routed = given::routed(&waiting[0], &[given::endpoint_id()]);
    if let Verdict::Deliveries(deliveries) = &mut routed.routing.verdict {
        deliveries[0].schedule = schedule;
    }
    assert!(store.record_routing(&[routed], given::WINDOW).await.unwrap().due.is_empty());
    assert_eq!(given::delivery(store, id.delivery(1)).await.due_at, schedule.deliver_after);
    let event = store.event(id).await.unwrap().unwrap().event;
    assert_eq!((event.schedule, event.metadata.as_deref()), (schedule, Some(&new.metadata)));
    assert_eq!(found(store, &[("campaign", "Grüße \"1\""), ("a.b", "")]).await, [id]);
}

/// Only what was never tried expires, and a replay is now: it has no end any more.
pub async fn what_expired_before_its_first_attempt_is_found(store: &dyn Store) {
    let expired = Schedule { deliver_after: None, expires_at: Some(at(-1_000_000)) };
    let lives = Schedule { deliver_after: None, expires_at: Some(at(3_600_000_000)) };
    let tried = given::accept_due(store, scheduled(expired)).await.remove(0);
    assert!(given::record(store, given::retried(&tried, HOUR)).await);
    given::accept_due(store, scheduled(lives)).await;
    given::one_due(store).await;
    let mut event = scheduled(expired);
    event.tenant = "acme".to_owned();
    let untried = given::accept_due(store, event).await.remove(0);

    let found = store.find_overdue(&shards(), 10).await.unwrap();
    assert_eq!(found.iter().map(|(due, tenant)| (due.id, tenant.as_str())).collect::<Vec<_>>(), [(untried.id, "acme")]);
    assert_eq!(found[0].0, untried);
    let others: Vec<_> = shards().into_iter().filter(|shard| *shard != untried.lane.shard()).collect();
    assert!(store.find_overdue(&others, 10).await.unwrap().is_empty());
    assert!(store.find_overdue(&shards(), 0).await.unwrap().is_empty());

    let reason = DeadReason::Expired;
    let settlement = Settlement::Dead { reason, detail: Some("over".to_owned()), blocks: false };
    let recorded = Recorded { id: untried.id, lane: untried.lane, fence: 0, settlement, attempt: None };
    assert_eq!(store.record(&[recorded]).await.unwrap(), [true]);
    let row = given::delivery(store, untried.id).await;
    assert_eq!((row.status, row.reason, row.attempts), (Status::Dead, Some(reason), 0));
    store.replay_one(untried.id, ReplayOf::Either, &given::asked()).await.unwrap();
    assert!(store.find_overdue(&shards(), 10).await.unwrap().is_empty());
    assert!(given::due_ids(store).await.contains(&untried.id));
}

async fn found(store: &dyn Store, entries: &[(&str, &str)]) -> Vec<EventId> {
    found_with(store, entries, EventFilter::default()).await
}

async fn found_with(store: &dyn Store, entries: &[(&str, &str)], filter: EventFilter) -> Vec<EventId> {
    let entries = entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let filter = EventFilter { metadata: Metadata(entries.collect()), ..filter };
    let (mut ids, mut before) = (Vec::new(), None);
    loop {
        let page = store.list_events(&filter, before, 2).await.unwrap();
        ids.extend(page.items.iter().map(|row| row.event.id));
        before = page.next;
        if before.is_none() {
            return ids;
        }
    }
}

/// By all entries that are asked for, newest first and in pages; what is expunged is found by none.
pub async fn events_are_found_by_their_metadata(store: &dyn Store) {
    let metadata = |entries: &[(&str, &str)]| {
        let entries = entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Some(Box::new(Metadata(entries.collect())))
    };
    let mut ids = Vec::new();
    for (tenant, key, entries) in [
        ("default", None, &[("campaign", "spring"), ("agent", "7")][..]),
        ("default", Some("k"), &[("campaign", "spring"), ("agent", "8")]),
        ("acme", None, &[("campaign", "spring")]),
        ("default", None, &[("campaign", "autumn"), ("agent", "7")]),
        ("default", None, &[("season", "spring")]),
    ] {
        let mut event = EventToAccept { metadata: metadata(entries), ..given::event() };
        event.tenant = tenant.to_owned();
        event.key = key.map(str::to_owned);
        ids.push(event.id);
        given::accept(store, event).await;
    }
    given::accept(store, given::event()).await;
    assert_eq!(found(store, &[("campaign", "spring")]).await, [ids[2], ids[1], ids[0]]);
    assert_eq!(found(store, &[("campaign", "spring"), ("agent", "7")]).await, [ids[0]]);
    assert_eq!(found(store, &[("agent", "7")]).await, [ids[3], ids[0]]);
    assert_eq!(found(store, &[("agent", "spring")]).await, []);
    let acme = EventFilter { tenant: Some("acme".to_owned()), ..EventFilter::default() };
    assert_eq!(found_with(store, &[("campaign", "spring")], acme).await, [ids[2]]);
    let key = EventFilter { key: Some("k".to_owned()), ..EventFilter::default() };
    assert_eq!(found_with(store, &[("campaign", "spring")], key.clone()).await, [ids[1]]);
    assert_eq!(found_with(store, &[("campaign", "autumn")], key).await, []);
    store.expunge(ids[1], Keys::Keep, &given::asked()).await.unwrap();
    assert_eq!(found(store, &[("campaign", "spring")]).await, [ids[2], ids[0]]);
    assert_eq!(store.event(ids[1]).await.unwrap().unwrap().event.metadata, None);
    assert_eq!(
        store.event(ids[0]).await.unwrap().unwrap().event.metadata,
        metadata(&[("campaign", "spring"), ("agent", "7")])
    );
}

/// Events that are kept no longer are not searched for either.
pub async fn old_events_are_not_found_by_their_metadata(store: &dyn Store) {
    let id = given::event_id_at(Timestamp::now() - given::DAY * 100);
    let old = Metadata([("campaign".to_owned(), "spring".to_owned())].into());
    let event = EventToAccept { metadata: Some(Box::new(old)), ..given::event_with(id) };
    given::accept(store, event).await;
    assert_eq!(found(store, &[("campaign", "spring")]).await, [id]);
    super::upkeep::keep_house(store, &Retention::default()).await;
    assert_eq!(found(store, &[("campaign", "spring")]).await, []);
}

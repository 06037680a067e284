//! A migrated file in a folder of its own, and short words for what tests put into it.

use std::{
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use bytes::Bytes;
use ringback::{
    attempt::{Attempt, Conclusion, ErrorClass},
    delivery::{DeadReason, Due, LaneId, Marks, NewDelivery},
    id::{EndpointId, EventId},
    store::{
        Accepted, Configuration as _, Cursor, EventToAccept, Group, Intake as _, Recorded, Routing, Settlement,
        StoredEndpoint, Updated, Verdict, Work as _,
    },
    time::Timestamp,
};
use ringback_sqlite::Sqlite;
use ringback_testkit::contract::given::asked;
use tempfile::TempDir;

/// The window of idempotency keys in these tests.
pub(crate) const WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A store and the folder that its file lies in.
pub(crate) struct Fixture {
    pub(crate) store: Sqlite,
    pub(crate) folder: TempDir,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Sqlite::open(folder.path().join("ringback.db")).await.unwrap();
        store.migrate().await.unwrap();
        Self { store, folder }
    }

    /// Another handle on the same file, as another process has it.
    pub(crate) async fn another(&self) -> Sqlite {
        Sqlite::open(self.folder.path().join("ringback.db")).await.unwrap()
    }

    /// Accepts one event and returns what is due of it.
    pub(crate) async fn accept(&self, event: EventToAccept) -> Vec<Due> {
        let groups = [Group { events: vec![event], record: None }];
        match self.store.accept(&groups, WINDOW).await.unwrap().remove(0).remove(0) {
            Accepted::New(due) => due,
            other => panic!("{other:?}"),
        }
    }

    /// All that is due now, in all shards.
    pub(crate) async fn feed(&self) -> Vec<Due> {
        let cursors: Vec<_> = (0..ringback::delivery::SHARDS).map(|shard| (shard, Cursor::START)).collect();
        self.store.feed(&cursors, 1000).await.unwrap().rows
    }

    /// Records one outcome; whether it was applied.
    pub(crate) async fn record(&self, outcome: Recorded) -> bool {
        self.store.record(&[outcome]).await.unwrap()[0]
    }

    /// Creates an endpoint of the tenant `default`.
    pub(crate) async fn endpoint(&self, spec: &str) -> StoredEndpoint {
        match self.store.create_endpoint(&endpoint("default", None, spec), 100, &asked()).await.unwrap() {
            Updated::Done(endpoint) => *endpoint,
            other => panic!("{other:?}"),
        }
    }
}

/// An endpoint that has not been stored.
pub(crate) fn endpoint(tenant: &str, key: Option<&str>, spec: &str) -> StoredEndpoint {
    let now = Timestamp::now();
    StoredEndpoint {
        id: EndpointId::new(now),
        tenant: tenant.to_owned(),
        key: key.map(str::to_owned),
        event_types: vec!["call.*".to_owned()],
        enabled: true,
        disabled_reason: None,
        paused: false,
        spec: spec.to_owned(),
        credentials: b"sealed".to_vec(),
        version: 0,
        created_at: now,
        updated_at: now,
        deleted_at: None,
    }
}

/// An event for these endpoints.
pub(crate) fn event(endpoints: &[EndpointId]) -> EventToAccept {
    event_at(Timestamp::now(), endpoints)
}

/// An event for these endpoints, accepted at a moment.
pub(crate) fn event_at(at: Timestamp, endpoints: &[EndpointId]) -> EventToAccept {
    let id = EventId::new(at);
    let delivery = |(number, endpoint): (u16, &EndpointId)| NewDelivery {
        id: id.delivery(number),
        lane: LaneId::of_endpoint(*endpoint),
        endpoint: Some(*endpoint),
        ordering_key: None,
        marks: Marks::default(),
    };
    let deliveries: Vec<_> = (1..).zip(endpoints).map(delivery).collect();
    let verdict = if deliveries.is_empty() { Verdict::Unmatched } else { Verdict::Deliveries(deliveries) };
    EventToAccept {
        id,
        tenant: "default".to_owned(),
        event_type: "call.ended".to_owned(),
        key: None,
        ordering_key: None,
        idempotency_key: None,
        content: [0; 32],
        occurred_at: at,
        endpoint_keys: None,
        destination: None,
        test: false,
        payload: Bytes::from_static(b"{\"a\": 3.0}"),
        routing: Routing { config_version: 0, verdict },
    }
}

/// The same with an ordering key on the event and its deliveries.
pub(crate) fn ordered(endpoint: EndpointId, key: &str) -> EventToAccept {
    let mut event = event(&[endpoint]);
    event.ordering_key = Some(key.to_owned());
    if let Verdict::Deliveries(deliveries) = &mut event.routing.verdict {
        deliveries[0].ordering_key = Some(key.to_owned());
    }
    event
}

/// A successful attempt at a delivery.
pub(crate) fn success(due: &Due) -> Recorded {
    outcome(due, Conclusion::Delivered, Settlement::Delivered)
}

/// A failed attempt that is tried again after this long.
pub(crate) fn retry(due: &Due, after: Duration) -> Recorded {
    outcome(due, Conclusion::Failed, Settlement::Retry { after })
}

/// A failed attempt that was the last.
pub(crate) fn dead(due: &Due, blocks: bool) -> Recorded {
    outcome(due, Conclusion::Failed, Settlement::Dead { reason: DeadReason::Exhausted, detail: None, blocks })
}

fn outcome(due: &Due, conclusion: Conclusion, settlement: Settlement) -> Recorded {
    // Attempts of one delivery begin one after the other.
    static TICK: AtomicU16 = AtomicU16::new(0);
    let delivered = conclusion == Conclusion::Delivered;
    let at = Timestamp::now() + Duration::from_micros(TICK.fetch_add(1, Ordering::Relaxed).into());
    Recorded {
        id: due.id,
        lane: due.lane,
        fence: due.attempts,
        settlement,
        attempt: Some(Attempt {
            number: due.attempts + 1,
            at,
            conclusion,
            status: Some(if delivered { 204 } else { 500 }),
            error: (!delivered).then_some(ErrorClass::Status),
            phase: None,
            ambiguous: false,
            duration: Duration::from_micros(1234),
            detail: Bytes::from_static(b"{\"url\":\"https://example.com\"}"),
            response_body: if delivered { Bytes::new() } else { Bytes::from_static(b"\0\xffno") },
        }),
    }
}

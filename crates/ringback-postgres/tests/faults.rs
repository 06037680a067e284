//! What the store says of a database that is away, and of data that it refuses.

#![expect(clippy::unwrap_used, reason = "a test's own helpers fail with it")]

mod fresh;

use std::time::Duration;

use bytes::Bytes;
use ringback::{
    delivery::DeadReason,
    store::{Error, Floor, Intake as _, Leases as _, Outbox as _, Renewal, Settlement, Store, Work as _},
};
use ringback_postgres::Postgres;
use ringback_testkit::contract::given;
use sqlx::{AssertSqlSafe, Executor as _};

#[tokio::test]
async fn refused_data_fails_its_batch_alone_and_changes_nothing() {
    let (store, schema) = fresh::migrated().await;
    let (good, bad) = (given::one_due(&store).await, given::one_due(&store).await);
    let settlement =
        Settlement::Dead { reason: DeadReason::Unroutable, detail: Some("no text: \0".to_owned()), blocks: false };
    let batch = [given::delivered(&good), given::recorded(&bad, settlement, None)];
    assert!(matches!(store.record(&batch).await, Err(Error::Refused(_))));
    assert_eq!(given::all_due(&store).await.len(), 2);
    assert_eq!(store.record(&batch[..1]).await.unwrap(), [true]);
    assert!(matches!(store.record(&batch[1..]).await, Err(Error::Refused(_))));
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn a_key_that_is_no_text_is_refused_and_not_a_fault_of_the_database() {
    let (store, schema) = fresh::migrated().await;
    let mut event = given::event();
    event.key = Some("\0".to_owned());
    event.payload = Bytes::from_static(b"\0");
    let group = [ringback::store::Group { events: vec![event], record: None, once: None }];
    assert!(matches!(store.accept(&group, given::WINDOW).await, Err(Error::Refused(_))));
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let refused = Postgres::connect("postgres://nobody@127.0.0.1:1/none", "ringback").await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    let nonsense = Postgres::connect("mysql://x", "ringback").await;
    assert!(matches!(nonsense, Err(Error::Refused(_))), "{nonsense:?}");
}

/// Ends every session of the store's, as a restart of the server would.
async fn cut_off(schema: &str) {
    let statement = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE pid <> pg_backend_pid() AND query LIKE '%{schema}.%'"
    );
    fresh::connection().await.execute(AssertSqlSafe(statement)).await.unwrap();
}

#[tokio::test]
async fn the_store_and_its_lease_keeper_outlive_their_connections() {
    let (store, schema) = fresh::migrated().await;
    let lease = Duration::from_secs(60);
    let node = store.register_node(lease).await.unwrap().unwrap();
    let mut keeper = store.lease_keeper().await.unwrap();
    assert_eq!(keeper.renew(node, lease).await.unwrap(), Renewal::Renewed);
    let due = given::one_due(&store).await;
    cut_off(&schema).await;
    let mut answers = Vec::new();
    for _ in 0..2 {
        answers.push(keeper.renew(node, lease).await);
    }
    assert!(matches!(answers[0], Err(Error::Unavailable(_))), "{answers:?}");
    assert!(matches!(answers[1], Ok(Renewal::Renewed)), "{answers:?}");
    let mut tries = 0;
    let fed = loop {
        tries += 1;
        match store.feed(&[(due.lane.shard(), ringback::store::Cursor::START)], 9).await {
            Ok(page) => break page.rows,
            Err(Error::Unavailable(_)) if tries < 20 => {}
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(fed, [due]);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn a_lease_keeper_notices_a_database_that_has_forgotten_what_it_was_told() {
    let (store, schema) = fresh::migrated().await;
    let lease = Duration::from_secs(60);
    let node = store.register_node(lease).await.unwrap().unwrap();
    let mut keeper = store.lease_keeper().await.unwrap();
    for _ in 0..3 {
        assert_eq!(keeper.renew(node, lease).await.unwrap(), Renewal::Renewed);
    }
    // As a backup of a moment ago would show it, or a standby that had not heard of the last two renewals.
    let forget = format!("UPDATE {schema}.node SET renewals = renewals - 2");
    fresh::connection().await.execute(AssertSqlSafe(forget)).await.unwrap();
    let answer = keeper.renew(node, lease).await.unwrap();
    assert!(matches!(&answer, Renewal::OtherPast(how) if how.contains("3 times")), "{answer:?}");
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn an_outbox_that_is_older_than_what_was_read_of_it_is_read_from_its_beginning() {
    let (store, schema) = fresh::migrated().await;
    let id = store.emit(&ringback::event::NewEvent::new("call.ended", "{}")).await.unwrap();
    let ahead = Floor(i64::from(u32::MAX) * 1_000);
    let page = store.read_outbox(ahead, 10).await.unwrap();
    assert_eq!(page.events.iter().map(|unrouted| unrouted.event.id).collect::<Vec<_>>(), [id]);
    assert!(page.next < ahead);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn everything_at_once_neither_deadlocks_nor_loses_anything() {
    let (opened, schema) = fresh::migrated().await;
    let store: &dyn Store = &opened;
    let endpoint = given::create(store, &given::endpoint()).await;
    let mut due = Vec::new();
    for _ in 0..100 {
        due.extend(given::accept_due(store, given::event_to(&[endpoint.id, given::endpoint_id()])).await);
    }
    let batches = |settle: fn(&ringback::delivery::Due) -> ringback::store::Recorded, reversed: bool| {
        let mut batch: Vec<_> = due.iter().map(settle).collect();
        if reversed {
            batch.reverse();
        }
        batch
    };
    let (one, two) = (batches(given::delivered, false), batches(given::dead, true));
    let asked = given::asked();
    let (one, two, expired, deleted, emitted) = tokio::join!(
        store.record(&one),
        store.record(&two),
        store.expire_held(Duration::ZERO),
        store.delete_endpoint(endpoint.id, None, &asked),
        async { store.emit(&ringback::event::NewEvent::new("x", "{}")).await },
    );
    let applied = |answer: ringback::store::Result<Vec<bool>>| answer.unwrap().into_iter().filter(|&it| it).count();
    let (one, two) = (applied(one), applied(two));
    expired.unwrap();
    given::done(deleted.unwrap());
    emitted.unwrap();
    let ledger = store.ledger(None, ringback::store::Span::default()).await.unwrap();
    assert_eq!(ledger.deliveries.owed, 200);
    assert_eq!(ledger.deliveries.pending, 0);
    assert_eq!(one + two + usize::try_from(ledger.deliveries.cancelled).unwrap(), 200);
    assert_eq!(ledger.events.accepted, 101);
    fresh::remove(&opened, &schema).await;
}

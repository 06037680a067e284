//! Partitions under the eyes of people who write at the same time.

use std::time::Duration;

use ringback::{
    delivery::{Due, Status},
    event::NewEvent,
    id::{EventId, ReplayId},
    store::{
        Configuration as _, Expunging as _, Keys, Ledger, Operations as _, Outbox as _, PayloadRead, ReplayFilter,
        ReplayOf, ReplayOne, ReplayScope, ReplayToCreate, Replayed, Retention, Span, Step, Upkeep as _, Wanting,
    },
    time::Timestamp,
};
use ringback_testkit::contract::given;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::{
    partitions::{ATTEMPTS, EVENTS, Partition, boundary, list, time_of},
    retire, split, sweep,
};
use crate::{Postgres, emit_in, fresh};

mod clocks;
mod lives;
mod retiring;
mod splitting;
mod tries;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn partitions(store: &Postgres, table: &str) -> Vec<Partition> {
    let mut partitions = list(store, &mut store.desk().await.unwrap()).await.unwrap();
    partitions.retain(|partition| partition.table == table);
    partitions
}

/// Opens the next partition as if upkeep had come by at another time.
async fn split_at(store: &Postgres, end: Timestamp) {
    for family in [EVENTS, ATTEMPTS] {
        let all = list(store, &mut store.desk().await.unwrap()).await.unwrap();
        let newest = all.iter().find(|it| it.table == family.head() && it.upper.is_none()).unwrap();
        split::split(store, family, newest.lower.unwrap(), &all, end).await.unwrap();
    }
}

async fn keep_house(store: &Postgres, retention: &Retention) {
    for _ in 0..100 {
        if !store.keep_house(retention).await.unwrap() {
            return;
        }
    }
    panic!("there is always more to do");
}

/// Walks over all that outlived its partition.
async fn prune(store: &Postgres, retention: &Retention) {
    while sweep::prune(store, retention).await.unwrap() == sweep::Walked::APart {}
}

/// Partitions of a day each from `days` ago on, as a long-running installation has them.
async fn with_a_past(days: u32) -> (Postgres, String) {
    let (store, schema) = with_one_partition_from(days).await;
    for day in (0..days).rev() {
        split_at(&store, Timestamp::now() - DAY * day).await;
    }
    (store, schema)
}

/// One open-ended partition that begins `days` ago.
async fn with_one_partition_from(days: u32) -> (Postgres, String) {
    let (store, schema) = fresh::migrated().await;
    let oldest = boundary(Timestamp::now() - DAY * days);
    for table in ["event", "verdict", "finished", "attempt"] {
        let first = partitions(&store, table).await.remove(1);
        let name = format!("{table}_{}", time_of(oldest).millis());
        let statements = format!(
            "DROP TABLE {schema}.kept_{table}, {schema}.{};
             CREATE TABLE {schema}.kept_{table} PARTITION OF {schema}.{table} FOR VALUES FROM (MINVALUE) TO ('{oldest}');
             CREATE TABLE {schema}.{name} PARTITION OF {schema}.{table} FOR VALUES FROM ('{oldest}') TO (MAXVALUE)",
            first.name
        );
        store.desk().await.unwrap().execute(AssertSqlSafe(statements)).await.unwrap();
    }
    (store, schema)
}

/// Sets the database's clock, as far as the store goes by it, so many days back.
async fn set_clock_back(store: &Postgres, schema: &str, days: u32) {
    let statement = format!(
        "CREATE OR REPLACE FUNCTION {schema}.clock() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
         RETURN (extract(epoch FROM clock_timestamp() - interval '{days} days') * 1000000)::bigint"
    );
    store.desk().await.unwrap().execute(AssertSqlSafe(statement)).await.unwrap();
}

/// A transaction that reads events: for as long as it is open no partition can be dropped.
async fn reader(schema: &str) -> PgConnection {
    let mut connection = fresh::connection().await;
    let read = format!("BEGIN; SELECT count(*) FROM {schema}.event");
    connection.execute(AssertSqlSafe(read)).await.unwrap();
    connection
}

/// Everything of retiring partitions but dropping them, as often as it takes.
async fn try_to_retire(store: &Postgres, schema: &str, retention: &Retention) {
    let mut reader = reader(schema).await;
    let before = partitions(store, "event").await.len();
    retire_all(store, retention).await;
    assert_eq!(partitions(store, "event").await.len(), before, "somebody reads them");
    reader.execute("COMMIT").await.unwrap();
}

async fn ledger(store: &Postgres, tenant: Option<&str>) -> Ledger {
    let ledger = store.ledger(tenant, Span::default()).await.unwrap();
    let events = ledger.events;
    assert_eq!(events.accepted, events.unrouted + events.duplicate + events.unmatched + events.routed, "{ledger:?}");
    ledger
}

async fn old_event(store: &Postgres, days: u32) -> (EventId, Vec<Due>) {
    let id = EventId::new(Timestamp::now() - DAY * days);
    let event = given::sent_to(given::event_with(id), &[given::endpoint_id(), given::endpoint_id()]);
    (id, given::accept_due(store, event).await)
}

/// Retires all that is too old.
async fn retire_all(store: &Postgres, retention: &Retention) {
    while retire::oldest(store, EVENTS, retention).await.unwrap() {}
}

async fn deliver(store: &Postgres, due: &[Due]) {
    for due in due {
        given::record(store, given::delivered(due)).await;
    }
}

/// Whatever upkeep still does, the ledger stays as it was; then the database goes.
async fn balances_to_the_end(store: &Postgres, schema: &str, retention: &Retention, before: &Ledger) {
    assert_eq!(ledger(store, None).await, *before);
    keep_house(store, retention).await;
    prune(store, retention).await;
    assert_eq!(ledger(store, None).await, *before);
    fresh::remove(store, schema).await;
}

/// Waits until so many of the store's sessions wait for locks.
async fn waiting_for_locks(schema: &str, count: u64) {
    let waiting = format!("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%{schema}.%'");
    let mut connection = fresh::connection().await;
    while connection.execute(AssertSqlSafe(waiting.clone())).await.unwrap().rows_affected() < count {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_replay_puts_back_keeps_its_payload_or_is_cancelled() {
    let (store, schema) = with_a_past(3).await;
    for expunges in [false, true] {
        let (event, due) = old_event(&store, 2).await;
        for due in &due {
            assert!(given::record(&store, given::delivered(due)).await);
        }
        // The replay has seen that there is a payload, and waits in the middle of its transaction.
        let mut keeper = fresh::connection().await;
        let keep = format!("BEGIN; LOCK TABLE {schema}.audit IN EXCLUSIVE MODE");
        keeper.execute(AssertSqlSafe(keep)).await.unwrap();
        let (replaying, id) = (store.clone(), due[0].id);
        let replay = tokio::spawn(async move { replaying.replay_one(id, ReplayOf::Either, &given::asked()).await });
        waiting_for_locks(&schema, 1).await;
        let erasing = store.clone();
        let mut erase = tokio::spawn(async move {
            if expunges {
                erasing.expunge(event, Keys::Keep, &given::asked()).await.map(drop)
            } else {
                let retention = Retention { payloads: Duration::ZERO, ..Retention::default() };
                erasing.take_step(Step::DropPayloads, &retention).await.map(drop)
            }
        });
        tokio::select! {
            // The step has given way, or has not seen what it should have.
            erased = &mut erase => erased.unwrap().unwrap(),
            () = waiting_for_locks(&schema, 2) => {}
        }
        keeper.execute("COMMIT").await.unwrap();
        let released = replay.await.unwrap().unwrap();
        if !erase.is_finished() {
            erase.await.unwrap().unwrap();
        }
        assert_eq!(released, ReplayOne::Released);
        let pending = given::all_due(&store).await.iter().filter(|due| due.id.event() == event).count();
        let has_payload = matches!(store.payload(event).await.unwrap(), PayloadRead::Bytes(_));
        assert_eq!((pending, has_payload), if expunges { (0, false) } else { (1, true) }, "expunges: {expunges}");
        // The next one's event is the only one to look at.
        for due in given::all_due(&store).await {
            assert!(given::record(&store, given::delivered(&due)).await);
        }
    }
    fresh::remove(&store, &schema).await;
}

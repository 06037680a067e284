//! Partitions under the eyes of people who write at the same time.

use std::time::Duration;

use ringback::{
    delivery::{Due, Status},
    event::NewEvent,
    id::{EventId, ReplayId},
    store::{
        Configuration as _, Expunging as _, Kept, Keys, Ledger, Operations as _, Outbox as _, PayloadRead,
        ReplayFilter, ReplayOf, ReplayOne, ReplayScope, ReplayToCreate, Replayed, Span, Step, Upkeep as _, Wanting,
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

async fn keep_house(store: &Postgres, kept: &Kept) {
    for _ in 0..100 {
        if !store.keep_house(kept).await.unwrap() {
            return;
        }
    }
    panic!("there is always more to do");
}

/// Walks over all that outlived its partition.
async fn prune(store: &Postgres, kept: &Kept) {
    while sweep::prune(store, kept).await.unwrap() == sweep::Walked::APart {}
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
async fn try_to_retire(store: &Postgres, schema: &str, kept: &Kept) {
    let mut reader = reader(schema).await;
    let before = partitions(store, "event").await.len();
    while retire::oldest(store, EVENTS, kept).await.unwrap() {}
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

#[tokio::test]
async fn the_newest_partition_is_open_ended_and_lies_ahead() {
    let (store, schema) = fresh::migrated().await;
    keep_house(&store, &Kept::default()).await;
    for table in ["event", "verdict", "finished", "attempt"] {
        let partitions = partitions(&store, table).await;
        assert_eq!(partitions.len(), 3, "{partitions:?}");
        assert_eq!((partitions[0].lower, &*partitions[0].name), (None, &*format!("kept_{table}")));
        for pair in partitions.windows(2) {
            assert_eq!(pair[0].upper, pair[1].lower, "no gap");
        }
        let newest = partitions.last().unwrap();
        assert_eq!((newest.upper, newest.bytes), (None, 0));
        assert!(time_of(newest.lower.unwrap()) > Timestamp::now() + DAY / 2);
    }
    keep_house(&store, &Kept::default()).await;
    assert_eq!(partitions(&store, "event").await.len(), 3, "once is enough");
    let mut connection = fresh::connection().await;
    emit_in(&mut connection, &schema, &NewEvent::new("x", "{}")).await.unwrap();
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn splitting_gives_way_to_a_transaction_that_emits() {
    let (store, schema) = fresh::migrated().await;
    let mut connection = fresh::connection().await;
    let mut transaction = connection.begin().await.unwrap();
    emit_in(&mut transaction, &schema, &NewEvent::new("x", "{}")).await.unwrap();
    assert!(!store.keep_house(&Kept::default()).await.unwrap());
    assert_eq!(partitions(&store, "event").await.len(), 2, "not while somebody holds the table");
    emit_in(&mut transaction, &schema, &NewEvent::new("x", "{}")).await.unwrap();
    transaction.commit().await.unwrap();
    store.keep_house(&Kept::default()).await.unwrap();
    assert_eq!(partitions(&store, "event").await.len(), 3);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn a_large_newest_partition_is_given_room_and_nobody_waits_for_the_proof() {
    let (store, schema) = fresh::migrated().await;
    let fill = format!(
        "INSERT INTO {schema}.event (id, occurred_at, payload_bytes, tenant, type, payload)
         SELECT (left({schema}.floor_of({schema}.clock())::text, 19) || '8000-' || lpad(to_hex(n), 8, '0') || '0000')::uuid,
                0, 1000, 'default', 'x', convert_to(repeat('x', 1000), 'UTF8')
         FROM generate_series(1, 20000) n"
    );
    let filled = store.desk().await.unwrap().execute(AssertSqlSafe(fill)).await;
    assert!(filled.is_ok(), "{filled:?}");
    keep_house(&store, &Kept::default()).await;
    let newest = partitions(&store, "event").await.pop().unwrap();
    assert_eq!(newest.upper, None);
    assert!(time_of(newest.lower.unwrap()) >= Timestamp::now() + DAY * 6, "room for a week");
    emit_in(&mut fresh::connection().await, &schema, &NewEvent::new("x", "{}")).await.unwrap();
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn old_partitions_go_and_the_ledger_balances_before_and_after() {
    let (store, schema) = with_a_past(5).await;
    let (done, due) = old_event(&store, 4).await;
    given::record(&store, given::retried(&due[0], Duration::ZERO)).await;
    let again = given::all_due(&store).await.into_iter().find(|it| it.id == due[0].id).unwrap();
    given::record(&store, given::delivered(&again)).await;
    given::record(&store, given::delivered(&due[1])).await;
    let mut unmatched = given::event_with(EventId::new(Timestamp::now() - DAY * 4));
    unmatched.tenant = "acme".to_owned();
    given::accept_due(&store, unmatched).await;
    let (pending, of_pending) = old_event(&store, 4).await;
    given::record(&store, given::delivered(&of_pending[0])).await;
    let (dead, of_dead) = old_event(&store, 3).await;
    given::record(&store, given::dead(&of_dead[0])).await;
    given::record(&store, given::delivered(&of_dead[1])).await;
    let young = given::one_delivered(&store).await;
    let (before, of_acme) = (ledger(&store, None).await, ledger(&store, Some("acme")).await);
    let count = partitions(&store, "event").await.len();

    let kept = Kept { events: DAY, attempts: DAY, ..Kept::default() };
    keep_house(&store, &kept).await;
    // Three are too old, and one was opened ahead.
    assert_eq!(partitions(&store, "event").await.len(), count - 3 + 1);
    assert_eq!(partitions(&store, "finished").await.len(), partitions(&store, "event").await.len());
    assert!(store.event(done).await.unwrap().is_none());
    assert!(store.delivery(due[0].id).await.unwrap().is_none());
    assert!(store.attempts(due[0].id).await.unwrap().is_empty());
    for id in [pending, dead] {
        assert!(matches!(store.payload(id).await.unwrap(), PayloadRead::Bytes(_)), "owed or dead: kept");
    }
    assert_eq!(given::delivery(&store, young.id).await.status, Status::Delivered);
    assert_eq!(ledger(&store, None).await, before);
    assert_eq!(ledger(&store, Some("acme")).await, of_acme);

    // What was kept can still be sent, and is then dropped in its turn.
    store.replay_one(of_dead[0].id, ReplayOf::Either, &given::asked()).await.unwrap();
    for due in given::all_due(&store).await {
        assert!(given::record(&store, given::delivered(&due)).await);
    }
    let sent = ledger(&store, None).await;
    assert_eq!((sent.deliveries.owed, sent.deliveries.pending, sent.deliveries.dead), (before.deliveries.owed, 0, 0));
    prune(&store, &kept).await;
    assert!(store.event(dead).await.unwrap().is_none());
    assert_eq!(ledger(&store, None).await, sent);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn what_becomes_owed_while_its_partition_is_retired_is_not_lost() {
    let (store, schema) = with_a_past(5).await;
    let (id, due) = old_event(&store, 4).await;
    for due in &due {
        given::record(&store, given::delivered(due)).await;
    }
    let before = ledger(&store, None).await;
    store.replay_one(due[0].id, ReplayOf::Either, &given::asked()).await.unwrap();
    let kept = Kept { events: DAY, ..Kept::default() };
    for _ in 0..100 {
        if !retire::oldest(&store, EVENTS, &kept).await.unwrap() {
            break;
        }
    }
    let again = given::all_due(&store).await.remove(0);
    assert!(matches!(store.payload(id).await.unwrap(), PayloadRead::Bytes(_)));
    assert!(given::record(&store, given::delivered(&again)).await);
    assert_eq!(ledger(&store, None).await, before);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn an_unrouted_event_survives_its_partition() {
    let (store, schema) = with_a_past(3).await;
    let (id, _) = old_event(&store, 2).await;
    let statement = format!(
        "DELETE FROM {schema}.delivery; INSERT INTO {schema}.outbox (seq, event_id) SELECT seq, id FROM {schema}.event"
    );
    store.desk().await.unwrap().execute(AssertSqlSafe(statement)).await.unwrap();
    keep_house(&store, &Kept { events: DAY, ..Kept::default() }).await;
    let waiting = given::unrouted(&store).await;
    assert_eq!(waiting[0].event.id, id);
    let due = store.record_routing(&[given::routed(&waiting[0], &[given::endpoint_id()])], DAY).await.unwrap();
    assert_eq!(due.len(), 1);
    ledger(&store, None).await;
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn expunging_reaches_an_event_that_is_being_moved() {
    let (store, schema) = with_a_past(4).await;
    let (id, due) = old_event(&store, 3).await;
    given::record(&store, given::dead(&due[0])).await;
    let copy = format!("INSERT INTO {schema}.moving_event SELECT * FROM {schema}.event");
    store.desk().await.unwrap().execute(AssertSqlSafe(copy)).await.unwrap();
    assert!(store.expunge(id, Keys::Keep, &given::asked()).await.unwrap());
    let kept = Kept { events: DAY, ..Kept::default() };
    while retire::oldest(&store, EVENTS, &kept).await.unwrap() {}
    assert_eq!(store.payload(id).await.unwrap(), PayloadRead::Expunged);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn no_partition_stays_beyond_its_retention() {
    let (store, schema) = with_a_past(20).await;
    let kept = Kept { events: DAY * 10, attempts: DAY * 5, ..Kept::default() };
    keep_house(&store, &kept).await;
    for (table, retention) in [("event", 10), ("finished", 10), ("attempt", 5)] {
        let oldest = partitions(&store, table).await.swap_remove(1);
        assert!(time_of(oldest.upper.unwrap()) > Timestamp::now() - DAY * retention, "{table}");
    }
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn a_payload_that_was_still_owed_when_its_time_came_goes_when_the_walk_comes_by_again() {
    let (store, schema) = with_a_past(5).await;
    let (id, due) = old_event(&store, 4).await;
    given::record(&store, given::delivered(&due[0])).await;
    let kept = Kept { payloads: DAY, ..Kept::default() };
    keep_house(&store, &kept).await;
    keep_house(&store, &kept).await;
    given::record(&store, given::delivered(&due[1])).await;
    keep_house(&store, &kept).await;
    assert!(matches!(store.payload(id).await.unwrap(), PayloadRead::Bytes(_)), "the walk has passed it");
    let week = format!(
        "UPDATE {schema}.upkeep SET position = {schema}.floor_of({schema}.accepted_at(position) - 7 * 86400000000::bigint)
         WHERE step = 'payloads_from'"
    );
    let done = store.desk().await.unwrap().execute(AssertSqlSafe(week)).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
    keep_house(&store, &kept).await;
    keep_house(&store, &kept).await;
    assert_eq!(store.payload(id).await.unwrap(), PayloadRead::Expired);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn there_are_never_more_than_64_partitions_of_a_table() {
    let (store, schema) = with_a_past(62).await;
    assert_eq!(partitions(&store, "event").await.len(), 64);
    keep_house(&store, &Kept { events: DAY * 80, attempts: DAY * 80, ..Kept::default() }).await;
    for table in ["event", "verdict", "finished", "attempt"] {
        assert_eq!(partitions(&store, table).await.len(), 64, "{table}");
    }
    emit_in(&mut fresh::connection().await, &schema, &NewEvent::new("x", "{}")).await.unwrap();
    // As soon as old ones may go, they do, and the next is opened.
    keep_house(&store, &Kept { events: DAY * 10, attempts: DAY * 10, ..Kept::default() }).await;
    keep_house(&store, &Kept { events: DAY * 10, attempts: DAY * 10, ..Kept::default() }).await;
    let newest = partitions(&store, "event").await.pop().unwrap();
    assert!(time_of(newest.lower.unwrap()) > Timestamp::now());
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn what_is_too_old_goes_by_the_databases_clock_alone() {
    // The database's clock is 100 days behind this node's, which is as if this node's were 100 days ahead.
    let (store, schema) = with_one_partition_from(102).await;
    set_clock_back(&store, &schema, 100).await;
    split_at(&store, Timestamp::now() - DAY * 99).await;
    let (id, due) = old_event(&store, 100).await;
    given::record(&store, given::retried(&due[0], Duration::ZERO)).await;
    let again = given::all_due(&store).await.into_iter().find(|it| it.id == due[0].id).unwrap();
    given::record(&store, given::delivered(&again)).await;
    given::record(&store, given::delivered(&due[1])).await;
    let before = ledger(&store, None).await;
    keep_house(&store, &Kept::default()).await;
    keep_house(&store, &Kept::default()).await;
    assert!(matches!(store.payload(id).await.unwrap(), PayloadRead::Bytes(_)), "accepted today");
    assert_eq!(store.attempts(due[0].id).await.unwrap().len(), 2);
    assert_eq!(partitions(&store, "event").await.len(), 3);
    assert_eq!(ledger(&store, None).await, before);
    // By a clock that has moved on, they go.
    set_clock_back(&store, &schema, 0).await;
    keep_house(&store, &Kept::default()).await;
    assert!(store.event(id).await.unwrap().is_none());
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn an_id_ahead_of_the_clock_keeps_no_other_step_from_being_done() {
    let (store, schema) = with_a_past(5).await;
    let (old, due) = old_event(&store, 4).await;
    for due in &due {
        given::record(&store, given::delivered(due)).await;
    }
    let ahead = format!(
        "INSERT INTO {schema}.event (id, occurred_at, payload_bytes, tenant, type, payload)
         VALUES ({schema}.floor_of({schema}.clock() + 30 * 86400000000), 0, 0, 'default', 'x', '')"
    );
    store.desk().await.unwrap().execute(AssertSqlSafe(ahead)).await.unwrap();
    let attempts = partitions(&store, "attempt").await.len();
    let kept = Kept { events: DAY, ..Kept::default() };
    for _ in 0..10 {
        let told = store.keep_house(&kept).await.unwrap_err().to_string();
        assert!(told.contains("holds an id of") && told.contains("the database's clock shows"), "{told}");
    }
    assert!(store.event(old).await.unwrap().is_none(), "retired all the same");
    assert_eq!(partitions(&store, "attempt").await.len(), attempts + 1, "opened all the same");
    emit_in(&mut fresh::connection().await, &schema, &NewEvent::new("x", "{}")).await.unwrap();
    fresh::remove(&store, &schema).await;
}

/// Lets the first partition go whose survivors are kept, so that there are kept events.
async fn retire_the_first(store: &Postgres, days: u32) {
    let kept = Kept { events: DAY * days, ..Kept::default() };
    while retire::oldest(store, EVENTS, &kept).await.unwrap() {}
}

#[tokio::test]
async fn what_was_removed_after_a_try_to_retire_does_not_come_back() {
    let (store, schema) = with_a_past(5).await;
    let (id, due) = old_event(&store, 4).await;
    retire_the_first(&store, 3).await;
    assert!(matches!(store.payload(id).await.unwrap(), PayloadRead::Bytes(_)), "owed, and kept");
    for due in &due {
        given::record(&store, given::delivered(due)).await;
    }
    let before = ledger(&store, None).await;
    let kept = Kept { events: DAY, ..Kept::default() };
    try_to_retire(&store, &schema, &kept).await;
    prune(&store, &kept).await;
    assert!(store.event(id).await.unwrap().is_none());
    assert_eq!(ledger(&store, None).await, before);
    keep_house(&store, &kept).await;
    assert!(store.event(id).await.unwrap().is_none(), "a copy was made of it before it was removed");
    assert_eq!(ledger(&store, None).await, before);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn a_payload_that_expired_after_a_try_to_retire_does_not_come_back() {
    let (store, schema) = with_a_past(5).await;
    let (id, due) = old_event(&store, 4).await;
    let kept = Kept { events: DAY, payloads: DAY, ..Kept::default() };
    try_to_retire(&store, &schema, &kept).await;
    for due in &due {
        given::record(&store, given::delivered(due)).await;
    }
    let before = ledger(&store, None).await;
    while sweep::payloads(&store, &kept).await.unwrap() {}
    assert_eq!(store.payload(id).await.unwrap(), PayloadRead::Expired);
    while retire::oldest(&store, EVENTS, &kept).await.unwrap() {}
    assert_eq!(store.payload(id).await.unwrap(), PayloadRead::Expired);
    assert_eq!(ledger(&store, None).await, before);
    keep_house(&store, &kept).await;
    prune(&store, &kept).await;
    assert!(store.event(id).await.unwrap().is_none());
    assert_eq!(ledger(&store, None).await, before);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn expunging_between_two_tries_to_retire_is_for_good() {
    let (store, schema) = with_a_past(5).await;
    let (pending, _) = old_event(&store, 4).await;
    let (dead, due) = old_event(&store, 4).await;
    given::record(&store, given::dead(&due[0])).await;
    given::record(&store, given::delivered(&due[1])).await;
    let kept = Kept { events: DAY, ..Kept::default() };
    try_to_retire(&store, &schema, &kept).await;
    for id in [pending, dead] {
        assert!(store.expunge(id, Keys::Erase, &given::asked()).await.unwrap());
    }
    let before = ledger(&store, None).await;
    while retire::oldest(&store, EVENTS, &kept).await.unwrap() {}
    for id in [pending, dead] {
        assert_eq!(store.payload(id).await.unwrap(), PayloadRead::Expunged);
    }
    assert_eq!(ledger(&store, None).await, before);
    keep_house(&store, &kept).await;
    prune(&store, &kept).await;
    assert!(store.event(pending).await.unwrap().is_none());
    assert_eq!(ledger(&store, None).await, before);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn what_is_settled_between_two_tries_to_retire_is_counted_once() {
    let (store, schema) = with_a_past(5).await;
    let endpoint = given::create(&store, &given::endpoint()).await;
    let (_, sent) = old_event(&store, 4).await;
    let (_, dead) = old_event(&store, 4).await;
    given::record(&store, given::dead(&dead[0])).await;
    given::record(&store, given::dead(&dead[1])).await;
    let of_deleted = given::event_with(EventId::new(Timestamp::now() - DAY * 4));
    given::accept_due(&store, given::sent_to(of_deleted, &[endpoint.id])).await;
    let kept = Kept { events: DAY, ..Kept::default() };
    try_to_retire(&store, &schema, &kept).await;
    for due in &sent {
        given::record(&store, given::delivered(due)).await;
    }
    store.replay_one(dead[0].id, ReplayOf::Either, &given::asked()).await.unwrap();
    let again = given::all_due(&store).await.into_iter().find(|it| it.id == dead[0].id).unwrap();
    given::record(&store, given::delivered(&again)).await;
    store.discard_dead_letter(dead[1].id, &given::asked()).await.unwrap();
    given::done(store.delete_endpoint(endpoint.id, None, &given::asked()).await.unwrap());
    let before = ledger(&store, None).await;
    assert_eq!((before.deliveries.delivered, before.deliveries.cancelled), (3, 2));
    while retire::oldest(&store, EVENTS, &kept).await.unwrap() {}
    assert_eq!(ledger(&store, None).await, before);
    keep_house(&store, &kept).await;
    prune(&store, &kept).await;
    assert_eq!(ledger(&store, None).await, before);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn what_is_made_anew_after_counting_makes_retiring_begin_again() {
    let (store, schema) = with_a_past(5).await;
    let wanting = given::create(&store, &given::endpoint()).await;
    let (id, due) = old_event(&store, 4).await;
    for due in &due {
        given::record(&store, given::delivered(due)).await;
    }
    let kept = Kept { events: DAY * 2, ..Kept::default() };
    try_to_retire(&store, &schema, &kept).await;
    let cutoff = EventId::floor(Timestamp::now() - DAY * 2).uuid();
    let all = list(&store, &mut store.desk().await.unwrap()).await.unwrap();
    let (lower, upper) = retire::droppable(&all, EVENTS, cutoff).unwrap();
    let counted = retire::count(&store, lower, upper).await.unwrap().unwrap();
    // The endpoint gets what it missed, and is done with it, before anything is dropped.
    let wanting = Wanting {
        tenant: wanting.tenant.clone(),
        key: None,
        event_types: wanting.event_types.clone(),
        endpoint: wanting.id,
        ordered: false,
    };
    let filter = ReplayFilter { endpoint: Some(wanting.endpoint), ..ReplayFilter::all(Replayed::Missing) };
    let scope = ReplayScope { wanting: Some(wanting), ..ReplayScope::of(filter) };
    let replay = ReplayToCreate {
        id: ReplayId::new(Timestamp::now()),
        scope: scope.clone(),
        rate_per_second: None,
        note: None,
        dry_run: false,
        once: None,
    };
    assert_eq!(given::made(&store, &replay).await.matched, 1);
    while store.release_replayed(replay.id, &scope, 100).await.unwrap() > 0 {}
    let anew = given::all_due(&store).await.remove(0);
    assert_eq!(anew.id, id.delivery(3));
    given::record(&store, given::delivered(&anew)).await;
    let before = ledger(&store, None).await;
    assert!(retire::swap(&store, counted).await.unwrap(), "there is more to do");
    assert_eq!(partitions(&store, "event").await[1].lower, Some(lower), "nothing was dropped");
    while retire::oldest(&store, EVENTS, &kept).await.unwrap() {}
    assert_eq!(ledger(&store, None).await, before);
    keep_house(&store, &kept).await;
    prune(&store, &kept).await;
    assert_eq!(ledger(&store, None).await, before);
    fresh::remove(&store, &schema).await;
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
                let kept = Kept { payloads: Duration::ZERO, ..Kept::default() };
                erasing.take_step(Step::DropPayloads, &kept).await.map(drop)
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

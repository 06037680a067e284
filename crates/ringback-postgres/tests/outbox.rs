//! The outbox in the face of transactions that commit in another order than they wrote.

#![expect(clippy::unwrap_used, reason = "a test's own helpers fail with it")]

mod fresh;

use std::time::{Duration, Instant};

use ringback::{
    event::NewEvent,
    store::{Error, Floor, Outbox as _, PATIENCE_WITH_LOCKS, Result, RoutedEvent, Routing, UnroutedEvent, Verdict},
};
use ringback_postgres::{Postgres, emit_in};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

async fn route(store: &Postgres, events: &[UnroutedEvent]) {
    try_route(store, events).await.unwrap();
}

async fn try_route(store: &Postgres, events: &[UnroutedEvent]) -> Result<()> {
    let routed: Vec<_> = events
        .iter()
        .map(|unrouted| RoutedEvent {
            pointer: unrouted.pointer,
            event: unrouted.event.clone(),
            routing: Routing { config_version: 0, verdict: Verdict::Unmatched },
        })
        .collect();
    store.record_routing(&routed, Duration::from_secs(60)).await.map(drop)
}

async fn emit(connection: &mut PgConnection, schema: &str) -> ringback::id::EventId {
    emit_in(connection, schema, &NewEvent::new("x", "{}")).await.unwrap()
}

#[tokio::test]
async fn a_late_commit_is_found_above_the_floor() {
    let (store, schema) = fresh::migrated().await;
    let mut early = fresh::connection().await;
    let mut other = fresh::connection().await;
    let mut slow = early.begin().await.unwrap();
    let slow_id = emit(&mut slow, &schema).await;
    for _ in 0..10 {
        emit(&mut other, &schema).await;
    }
    let page = store.read_outbox(Floor::default(), 100).await.unwrap();
    assert_eq!(page.events.len(), 10);
    route(&store, &page.events).await;
    for _ in 0..3 {
        emit(&mut other, &schema).await;
    }
    let page = store.read_outbox(page.next, 2).await.unwrap();
    assert_eq!(page.events.len(), 2, "a full page");
    route(&store, &page.events).await;
    slow.commit().await.unwrap();
    let page = store.read_outbox(page.next, 100).await.unwrap();
    assert_eq!(page.events.len(), 2);
    assert_eq!(page.events[0].event.id, slow_id, "in the order of their transactions");
    route(&store, &page.events).await;
    assert!(store.read_outbox(Floor::default(), 100).await.unwrap().events.is_empty());
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn the_floor_rises_over_what_can_appear_no_more() {
    let (store, schema) = fresh::migrated().await;
    let mut connection = fresh::connection().await;
    emit(&mut connection, &schema).await;
    let page = store.read_outbox(Floor::default(), 100).await.unwrap();
    let pointer = page.events[0].pointer;
    // Another test's transaction may be running and hold it back: it rises as soon as that has ended.
    let mut floor = page.next;
    while floor.0 <= pointer.xid {
        tokio::time::sleep(Duration::from_millis(5)).await;
        floor = store.read_outbox(floor, 100).await.unwrap().next;
    }
    assert!(store.read_outbox(floor, 100).await.unwrap().events.is_empty(), "what lies below is not read again");
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn routing_waits_for_a_key_that_is_locked_for_a_moment_only() {
    let (store, schema) = fresh::migrated().await;
    let mut connection = fresh::connection().await;
    let event = NewEvent::new("x", "{}").tenant("a").idempotency_key("locked");
    emit_in(&mut connection, &schema, &event).await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    let take = format!(
        "INSERT INTO {schema}.idempotency (tenant, type, key, event_id, created_at)
         VALUES ('a', 'x', 'locked', gen_random_uuid(), 0)"
    );
    transaction.execute(AssertSqlSafe(take)).await.unwrap();
    let page = store.read_outbox(Floor::default(), 100).await.unwrap();
    let began = Instant::now();
    assert!(matches!(try_route(&store, &page.events).await, Err(Error::Locked(_))));
    assert!(began.elapsed() < PATIENCE_WITH_LOCKS / 2, "{:?}", began.elapsed());
    transaction.rollback().await.unwrap();
    route(&store, &page.events).await;
    fresh::remove(&store, &schema).await;
}

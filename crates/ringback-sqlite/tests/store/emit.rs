//! Emitting inside a transaction that is the caller's.

use ringback::{
    event::NewEvent,
    store::{Floor, Outbox as _},
};
use sqlx::{Acquire as _, ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

use crate::fixture::Fixture;

async fn unrouted(fixture: &Fixture) -> Vec<ringback::store::UnroutedEvent> {
    fixture.store.read_outbox(Floor::default(), 100).await.unwrap().events
}

#[tokio::test]
async fn what_the_host_rolls_back_was_never_emitted() {
    let fixture = Fixture::new().await;
    let path = fixture.folder.path().join("ringback.db");
    let mut host = SqliteConnectOptions::new().filename(path).connect().await.unwrap();

    let mut transaction = host.begin_with("BEGIN IMMEDIATE").await.unwrap();
    ringback_sqlite::emit(&mut transaction, &NewEvent::new("call.ended", "{}")).await.unwrap();
    transaction.rollback().await.unwrap();
    assert!(unrouted(&fixture).await.is_empty());

    let mut transaction = host.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let mut savepoint = transaction.begin().await.unwrap();
    ringback_sqlite::emit(&mut savepoint, &NewEvent::new("call.ended", "{}")).await.unwrap();
    savepoint.rollback().await.unwrap();
    let kept = ringback_sqlite::emit(&mut transaction, &NewEvent::new("call.ended", "{}")).await.unwrap();
    transaction.commit().await.unwrap();
    let events = unrouted(&fixture).await;
    assert_eq!(events.iter().map(|unrouted| unrouted.event.id).collect::<Vec<_>>(), [kept]);
    host.close().await.unwrap();
}

//! The end of a store: what it leaves on the disk, and what it answers afterwards.

use ringback::{
    event::NewEvent,
    store::{Error, Operations as _, Outbox as _},
};
use ringback_sqlite::Sqlite;

use crate::fixture::Fixture;

#[tokio::test]
async fn after_a_clean_end_the_database_is_one_file() {
    let fixture = Fixture::new().await;
    let mut emitted = Vec::new();
    for _ in 0..20 {
        emitted.push(fixture.store.emit(&NewEvent::new("call.ended", "{}")).await.unwrap());
    }
    // A reader was open, too.
    assert!(fixture.store.event(emitted[0]).await.unwrap().is_some());
    fixture.store.close().await.unwrap();
    assert_eq!(fixture.files(), ["ringback.db"]);

    let copy = fixture.folder.path().join("copy.db");
    std::fs::copy(fixture.path(), &copy).unwrap();
    let store = Sqlite::open(copy).await.unwrap();
    store.check_schema().await.unwrap();
    for id in emitted {
        assert!(store.event(id).await.unwrap().is_some(), "{id} was only in the log");
    }
}

#[tokio::test]
async fn what_was_asked_before_the_end_is_answered_and_what_is_asked_after_it_fails() {
    let fixture = Fixture::new().await;
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let store = fixture.store.clone();
        asked.spawn(async move { store.emit(&NewEvent::new("call.ended", "{}")).await });
    }
    tokio::task::yield_now().await;
    fixture.store.close().await.unwrap();
    let mut kept = Vec::new();
    while let Some(answer) = asked.join_next().await {
        match answer.unwrap() {
            Ok(id) => kept.push(id),
            Err(error) => assert!(matches!(error, Error::Unavailable(_)), "{error}"),
        }
    }
    let late = fixture.store.emit(&NewEvent::new("call.ended", "{}")).await.unwrap_err();
    assert!(matches!(&late, Error::Unavailable(_)) && late.to_string().contains("closed"), "{late}");
    assert!(matches!(fixture.store.check_ready().await, Err(Error::Unavailable(_))));
    fixture.store.close().await.unwrap();

    let again = fixture.another().await;
    for id in kept {
        assert!(again.event(id).await.unwrap().is_some(), "{id} was answered");
    }
}

#[tokio::test]
async fn whoever_closes_last_takes_the_log_away() {
    let fixture = Fixture::new().await;
    let other = fixture.another().await;
    let id = fixture.store.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
    fixture.store.close().await.unwrap();
    assert_eq!(fixture.files(), ["ringback.db", "ringback.db-shm", "ringback.db-wal"]);
    assert!(other.event(id).await.unwrap().is_some());
    other.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
    other.close().await.unwrap();
    assert_eq!(fixture.files(), ["ringback.db"]);
}

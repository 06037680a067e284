//! What a store says when its file takes no writes, has no room, or is damaged.

use std::{fs, os::unix::fs::FileExt as _};

use ringback::{
    event::NewEvent,
    store::{Error, Operations as _, Outbox as _, Span},
};
use ringback_sqlite::Sqlite;

use crate::fixture::Fixture;

fn event() -> NewEvent {
    NewEvent::new("call.ended", "x".repeat(100_000))
}

/// The file has as many pages as it may have: what SQLite also says of a full disk.
#[tokio::test]
async fn a_store_without_room_says_so_and_goes_on_once_there_is_some() {
    let fixture = Fixture::new().await;
    let kept = fixture.store.emit(&event()).await.unwrap();
    fixture.execute("PRAGMA max_page_count = 1").await.unwrap();
    // All that come together are told the same, whichever of them found it.
    let mut emitting = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let store = fixture.store.clone();
        emitting.spawn(async move {
            for _ in 0..20 {
                if let Err(error) = store.emit(&event()).await {
                    return Some(error);
                }
            }
            None
        });
    }
    let told: Vec<_> = emitting.join_all().await.into_iter().flatten().collect();
    assert!(!told.is_empty(), "there was room for all");
    for error in &told {
        assert!(matches!(error, Error::Full(_)), "{error:?}");
        let path = fixture.path();
        assert!(error.to_string().contains(path.to_str().unwrap()) && error.to_string().contains("full"), "{error}");
    }
    assert!(fixture.store.event(kept).await.unwrap().is_some(), "reads go on");
    fixture.execute("PRAGMA max_page_count = 1000000").await.unwrap();
    fixture.store.emit(&event()).await.unwrap();
}

#[tokio::test]
async fn a_store_that_may_not_write_says_so_and_goes_on_once_it_may() {
    let fixture = Fixture::new().await;
    let kept = fixture.store.emit(&event()).await.unwrap();
    fixture.execute("PRAGMA query_only = ON").await.unwrap();
    let error = fixture.store.emit(&event()).await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly(_)), "{error:?}");
    let path = fixture.path();
    assert!(error.to_string().contains(path.to_str().unwrap()) && error.to_string().contains("readonly"), "{error}");
    assert!(fixture.store.event(kept).await.unwrap().is_some(), "reads go on");
    // It was the connection that took no writes, as one does that was opened while the file took none.
    fixture.store.emit(&event()).await.unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_named() {
    let fixture = Fixture::new().await;
    for _ in 0..20 {
        fixture.store.emit(&event()).await.unwrap();
    }
    fixture.store.close().await.unwrap();
    let file = fs::OpenOptions::new().write(true).open(fixture.path()).unwrap();
    // All pages but the first, which says that it is a database.
    let pages = fs::metadata(fixture.path()).unwrap().len() / 8192;
    for page in 1..pages {
        file.write_all_at(&[0xa5; 8192], page * 8192).unwrap();
    }
    let path = fixture.path();
    let named = |error: &Error| error.to_string().contains(path.to_str().unwrap());
    match Sqlite::open(path.as_path()).await {
        Err(error) => assert!(matches!(&error, Error::Damaged(_)) && named(&error), "{error}"),
        Ok(store) => {
            for answer in [
                store.check_schema().await,
                store.emit(&event()).await.map(drop),
                store.ledger(None, Span::default()).await.map(drop),
            ] {
                let error = answer.unwrap_err();
                assert!(matches!(&error, Error::Damaged(_)) && named(&error), "{error}");
            }
        }
    }
    fs::write(&path, "no database, but long enough to be read as one".repeat(1_000)).unwrap();
    let error = Sqlite::open(path.as_path()).await.unwrap_err();
    assert!(matches!(&error, Error::Damaged(_)) && named(&error), "{error}");
}

#[tokio::test]
async fn what_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ringback.db");
    // A folder where the file should be.
    fs::create_dir(&path).unwrap();
    let error = Sqlite::open(path.as_path()).await.unwrap_err();
    assert!(matches!(&error, Error::Unavailable(_)), "{error:?}");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    let nowhere = folder.path().join("nowhere/ringback.db");
    let error = Sqlite::open(nowhere.as_path()).await.unwrap_err();
    assert!(error.to_string().contains(nowhere.to_str().unwrap()), "{error}");
}

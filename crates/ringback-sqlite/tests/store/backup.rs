//! Copies of a store that is in use.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use ringback::{
    event::NewEvent,
    store::{Error, Operations as _, Outbox as _},
};
use ringback_sqlite::Sqlite;

use crate::fixture::Fixture;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_before_a_backup_began_is_in_it() {
    let fixture = Fixture::new().await;
    let stop = Arc::new(AtomicBool::new(false));
    let (store, stopped) = (fixture.store.clone(), Arc::clone(&stop));
    let (answered, mut ids) = tokio::sync::mpsc::unbounded_channel();
    let emitting = tokio::spawn(async move {
        while !stopped.load(Ordering::Relaxed) {
            answered.send(store.emit(&NewEvent::new("call.ended", "{}")).await.unwrap()).unwrap();
        }
    });
    let mut before = Vec::new();
    for number in 0..3 {
        for _ in 0..20 {
            before.push(ids.recv().await.unwrap());
        }
        while let Ok(id) = ids.try_recv() {
            before.push(id);
        }
        let to = fixture.folder.path().join(format!("backup-{number}.db"));
        let bytes = fixture.store.backup(&to).await.unwrap();
        assert_eq!(bytes, std::fs::metadata(&to).unwrap().len());

        let copy = Sqlite::open(to.as_path()).await.unwrap();
        copy.check_schema().await.unwrap();
        for id in &before {
            let copied = copy.event(*id).await.unwrap();
            assert!(copied.is_some(), "{id} was answered before");
        }
        let ledger = copy.ledger(None, Default::default()).await.unwrap();
        assert_eq!(ledger.events.accepted, ledger.events.unrouted, "an event and its pointer are copied together");
        copy.close().await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    emitting.await.unwrap();
    fixture.store.close().await.unwrap();
    assert_eq!(fixture.files(), ["backup-0.db", "backup-1.db", "backup-2.db", "ringback.db"]);
}

#[tokio::test]
async fn a_backup_overwrites_nothing_and_leaves_nothing_behind_that_is_not_whole() {
    let fixture = Fixture::new().await;
    let there = fixture.folder.path().join("there.db");
    std::fs::write(&there, "something else").unwrap();
    for to in [&there, &fixture.path()] {
        let refused = fixture.store.backup(to).await.unwrap_err();
        assert!(matches!(&refused, Error::Refused(_)), "{refused}");
        assert!(refused.to_string().contains(to.to_str().unwrap()), "{refused}");
    }
    assert_eq!(std::fs::read(&there).unwrap(), b"something else");
    let nowhere = fixture.folder.path().join("nowhere/copy.db");
    let failed = fixture.store.backup(&nowhere).await.unwrap_err();
    assert!(matches!(&failed, Error::Unavailable(_)), "{failed}");
    assert!(failed.to_string().contains(nowhere.to_str().unwrap()), "{failed}");
    std::fs::remove_file(fixture.path()).unwrap();
    assert!(matches!(fixture.store.backup(&fixture.folder.path().join("copy.db")).await, Err(Error::Gone(_))));
    assert_eq!(fixture.files(), ["ringback.db-shm", "ringback.db-wal", "there.db"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_backup_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = Fixture::new().await;
    // Also where the database is open to others, because that is meant.
    std::fs::set_permissions(fixture.path(), std::fs::Permissions::from_mode(0o664)).unwrap();
    let to = fixture.folder.path().join("backup.db");
    fixture.store.backup(&to).await.unwrap();
    assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
}

//! Files that are removed or replaced under a store that has them open.

use std::{fs, path::Path, time::Duration};

use ringback::{
    event::NewEvent,
    store::{Error, Expunging as _, Keys, Leases as _, Operations as _, Outbox as _},
};
use ringback_sqlite::Sqlite;
use ringback_testkit::contract::given;
use sqlx::Connection as _;

use crate::fixture::Fixture;

const LEASE: Duration = Duration::from_secs(600);

/// Every file of a running store, the lock of one that sends included.
const ENDINGS: [&str; 4] = ["", "-wal", "-shm", ".lock"];

/// That every kind of call names the file.
async fn gone(store: &Sqlite, file: &Path) {
    let node = ringback::store::NodeId(uuid::Uuid::now_v7());
    let mut keeper = store.lease_keeper().await.unwrap();
    let answers = [
        store.emit(&NewEvent::new("call.ended", "{}")).await.map(drop),
        store.ledger(None, Default::default()).await.map(drop),
        store.check_ready().await,
        store.register_node(LEASE).await.map(drop),
        keeper.renew(node, LEASE).await.map(drop),
        Err(store.until_gone().await),
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        match answer {
            Err(Error::Gone(told)) => assert!(told.contains(file.to_str().unwrap()), "{number}: {told}"),
            other => panic!("{number}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_file_that_is_removed_is_named_by_every_call() {
    for ending in ENDINGS {
        let fixture = Fixture::new().await;
        fixture.store.register_node(LEASE).await.unwrap().unwrap();
        fs::remove_file(fixture.beside(ending)).unwrap();
        gone(&fixture.store, &fixture.beside(ending)).await;
        // Once gone is gone: a reader may have opened something else meanwhile.
        fs::write(fixture.beside(ending), "").unwrap();
        gone(&fixture.store, &fixture.beside(ending)).await;
    }
}

#[tokio::test]
async fn a_file_that_is_replaced_is_named_by_every_call() {
    for ending in ENDINGS {
        let fixture = Fixture::new().await;
        fixture.store.register_node(LEASE).await.unwrap().unwrap();
        let copy = fixture.folder.path().join("copy");
        fs::copy(fixture.beside(ending), &copy).unwrap();
        fs::rename(copy, fixture.beside(ending)).unwrap();
        gone(&fixture.store, &fixture.beside(ending)).await;
    }
}

/// A write that was under way when the file went is not answered as done.
#[tokio::test]
async fn a_commit_is_answered_only_where_it_can_be_found() {
    let fixture = Fixture::new().await;
    let path = fixture.path();
    let answer = fixture
        .store
        .write(move |tx| {
            Box::pin(async move {
                let id = ringback_sqlite::emit(tx, &NewEvent::new("call.ended", "{}")).await?;
                fs::remove_file(path).unwrap();
                Ok::<_, Error>(id)
            })
        })
        .await;
    assert!(matches!(answer, Err(Error::Gone(_))), "{answer:?}");
}

#[tokio::test]
async fn what_was_answered_is_in_the_file_that_was_moved_away() {
    let fixture = Fixture::new().await;
    let id = fixture.store.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
    let away = fixture.folder.path().join("away.db");
    fs::rename(fixture.path(), &away).unwrap();
    assert!(matches!(fixture.store.emit(&NewEvent::new("call.ended", "{}")).await, Err(Error::Gone(_))));
    fixture.store.close().await.unwrap();
    // The log was of that file, and would spoil another one in its place: what is left of it is empty.
    assert_eq!(fs::metadata(fixture.beside("-wal")).unwrap().len(), 0);
    let store = Sqlite::open(away).await.unwrap();
    assert!(store.event(id).await.unwrap().is_some());
}

#[tokio::test]
async fn the_log_of_another_database_in_its_place_is_left_alone() {
    let fixture = Fixture::new().await;
    for ending in ["", "-wal", "-shm"] {
        let aside = fixture.folder.path().join(format!("aside{ending}"));
        fs::rename(fixture.beside(ending), aside).unwrap();
    }
    let other = fixture.another().await;
    other.migrate().await.unwrap();
    let id = other.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
    assert!(matches!(fixture.store.check_ready().await, Err(Error::Gone(_))));
    fixture.store.close().await.unwrap();
    assert!(fixture.beside("-wal").exists());
    assert!(other.event(id).await.unwrap().is_some());
    other.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
}

/// Whoever opens it by a link meets whoever opened it by its name.
#[cfg(unix)]
#[tokio::test]
async fn a_link_to_a_database_shares_its_lock() {
    let fixture = Fixture::new().await;
    fixture.store.register_node(LEASE).await.unwrap().unwrap();
    let link = fixture.folder.path().join("link.db");
    std::os::unix::fs::symlink(fixture.path(), &link).unwrap();
    let linked = Sqlite::open(link.as_path()).await.unwrap();
    assert_eq!(linked.register_node(LEASE).await.unwrap(), None);
    // A link that is pointed elsewhere is another file under the same name.
    let elsewhere = fixture.folder.path().join("elsewhere.db");
    drop(Sqlite::open(elsewhere.as_path()).await.unwrap());
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
    assert!(matches!(linked.check_ready().await, Err(Error::Gone(_))));
    fixture.store.check_ready().await.unwrap();
}

/// How long a store may take to find that its file was overwritten: it looks several times a second.
const FOUND_WITHIN: Duration = Duration::from_secs(20);

/// Longer than it looks several times.
const WATCHED: Duration = Duration::from_secs(1);

/// Replaces what is in the file, as `cp` does.
fn overwrite(path: &Path, contents: &[u8]) {
    fs::write(path, contents).unwrap();
}

/// The file of a database that was closed in an orderly way, in which many processes have written.
async fn of_another_database() -> Vec<u8> {
    let other = Fixture::new().await;
    for _ in 0..5 {
        other.store.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
        other.another().await.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
    }
    other.store.close().await.unwrap();
    fs::read(other.path()).unwrap()
}

#[tokio::test]
async fn a_file_that_is_overwritten_in_place_is_named_by_every_call() {
    for kind in ["another database", "a backup of this one", "an earlier state of this one", "nothing", "no database"] {
        let first = Fixture::new().await;
        first.store.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
        first.store.close().await.unwrap();
        let before = fs::read(first.path()).unwrap();

        let store = first.another().await;
        let fixture = Fixture { store, folder: first.folder };
        fixture.store.register_node(LEASE).await.unwrap().unwrap();
        let id = fixture.store.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
        let mut watching = Box::pin(fixture.store.until_gone());
        assert!(tokio::time::timeout(WATCHED, &mut watching).await.is_err(), "nothing has happened yet");
        let backup = fixture.folder.path().join("backup.db");
        let contents = match kind {
            "another database" => of_another_database().await,
            "a backup of this one" => {
                fixture.store.backup(&backup).await.unwrap();
                fs::read(&backup).unwrap()
            }
            "an earlier state of this one" => {
                // What makes the file grow lets its counter rise, and the log brings that into the file.
                fixture.store.emit(&NewEvent::new("call.ended", "x".repeat(100_000))).await.unwrap();
                fixture.store.expunge(id, Keys::Keep, &given::asked()).await.unwrap();
                assert!(tokio::time::timeout(WATCHED, &mut watching).await.is_err(), "all of that is in order");
                before
            }
            "nothing" => Vec::new(),
            _ => b"no database, and long enough to have a header".repeat(10),
        };
        overwrite(&fixture.path(), &contents);
        let found = tokio::time::timeout(FOUND_WITHIN, watching).await.unwrap_or_else(|_| panic!("{kind}"));
        assert!(found.to_string().contains("overwritten"), "{kind}: {found}");
        gone(&fixture.store, &fixture.path()).await;
        // What is there now is left alone, and the log, which is not its own, is put aside.
        fixture.store.close().await.unwrap();
        assert_eq!(fs::read(fixture.path()).unwrap(), contents, "{kind}");
        assert!(
            !fixture.beside("-wal").exists() && fixture.beside("-wal.overwritten").exists(),
            "{:?}",
            fixture.files()
        );
    }
}

/// Copies what stands in the log into the file, as a commit does from time to time.
async fn checkpoint(fixture: &Fixture) {
    let url = format!("sqlite://{}", fixture.path().display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let done = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(&mut connection).await.unwrap();
    assert_eq!(sqlx::Row::get::<i64, _>(&done, 0), 0, "nobody was in its way");
    connection.close().await.unwrap();
}

/// `cp ringback.db copy.db` beside a running server, without the log, and later the other way round. Its header is that of an
/// earlier state without anything that says so.
#[tokio::test]
async fn a_copy_of_the_bare_file_is_found_if_events_were_accepted_since() {
    let fixture = Fixture::new().await;
    for _ in 0..3 {
        fixture.store.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
    }
    checkpoint(&fixture).await;
    let mut watching = Box::pin(fixture.store.until_gone());
    assert!(tokio::time::timeout(WATCHED, &mut watching).await.is_err());
    let copy = fs::read(fixture.path()).unwrap();
    // Nothing has changed since: what is written over the file is what is there.
    overwrite(&fixture.path(), &copy);
    assert!(tokio::time::timeout(WATCHED, &mut watching).await.is_err(), "the copy is the file");

    fixture.store.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
    checkpoint(&fixture).await;
    assert!(tokio::time::timeout(WATCHED, &mut watching).await.is_err(), "an event was accepted");
    let now = fs::read(fixture.path()).unwrap();
    assert_eq!(copy[..28], now[..28], "neither format nor counter tells one from the other");
    overwrite(&fixture.path(), &copy);
    let found = tokio::time::timeout(FOUND_WITHIN, watching).await.unwrap();
    assert!(found.to_string().contains("overwritten"), "{found}");
    gone(&fixture.store, &fixture.path()).await;
}

/// Logs that are copied into the file, by this process and others, and a file that is made smaller.
#[tokio::test]
async fn a_file_that_is_written_as_it_should_be_is_not_taken_for_overwritten() {
    let fixture = Fixture::new().await;
    let mut watching = Box::pin(fixture.store.until_gone());
    let writing = async {
        for round in 0..30 {
            let other = fixture.another().await;
            let id = other.emit(&NewEvent::new("call.ended", "x".repeat(50_000))).await.unwrap();
            fixture.store.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
            other.expunge(id, Keys::Keep, &given::asked()).await.unwrap();
            if round % 10 == 9 {
                let url = format!("sqlite://{}", fixture.path().display());
                let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
                sqlx::query("VACUUM").execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            other.close().await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        gone = &mut watching => panic!("{gone}"),
        () = writing => {}
    }
    assert!(tokio::time::timeout(WATCHED, watching).await.is_err());
}

//! The write gate: what shares a commit does not share its failures.

use std::time::Duration;

use futures_util::FutureExt as _;
use ringback::{
    delivery::HoldReason,
    event::NewEvent,
    store::{Claimed, Error, Floor, Hold, Leases as _, Outbox as _, Result, Upkeep as _, Work as _},
};
use ringback_testkit::contract::given;
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};
use tokio::sync::oneshot;

use crate::fixture::Fixture;

async fn count(fixture: &Fixture) -> usize {
    fixture.store.read_outbox(Floor::default(), 1000).await.unwrap().events.len()
}

#[tokio::test]
async fn a_refused_write_spoils_no_other_of_its_commit() {
    let fixture = Fixture::new().await;
    let mut writes = tokio::task::JoinSet::new();
    for number in 0..100 {
        let store = fixture.store.clone();
        writes.spawn(async move {
            let wrote: Result<()> = store
                .write(move |tx| {
                    Box::pin(async move {
                        ringback_sqlite::emit(tx, &NewEvent::new("call.ended", "{}")).await?;
                        if number % 3 == 0 { Err(Error::Corrupt("on purpose".to_owned())) } else { Ok(()) }
                    })
                })
                .await;
            assert_eq!(wrote.is_err(), number % 3 == 0);
        });
    }
    writes.join_all().await;
    assert_eq!(count(&fixture).await, 66);
}

#[tokio::test]
async fn a_panic_in_the_gate_is_the_callers_alone() {
    let fixture = Fixture::new().await;
    let panicked: Result<()> = fixture
        .store
        .write(|tx| {
            Box::pin(async move {
                ringback_sqlite::emit(tx, &NewEvent::new("call.ended", "{}")).await?;
                panic!("on purpose")
            })
        })
        .await;
    assert!(matches!(panicked, Err(Error::Unavailable(_))));
    assert_eq!(count(&fixture).await, 0);
    fixture.store.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
    assert_eq!(count(&fixture).await, 1);
}

#[tokio::test]
async fn the_host_and_the_event_are_committed_together() {
    let fixture = Fixture::new().await;
    let wrote: Result<u64> = fixture
        .store
        .write(|tx| {
            Box::pin(async move {
                let refused = |error: sqlx::Error| Error::Refused(error.into());
                sqlx::query("CREATE TABLE call (id INTEGER PRIMARY KEY)").execute(&mut *tx).await.map_err(refused)?;
                let rows = sqlx::query("INSERT INTO call VALUES (42)").execute(&mut *tx).await.map_err(refused)?;
                ringback_sqlite::emit(tx, &NewEvent::new("call.ended", "{}")).await?;
                Ok(rows.rows_affected())
            })
        })
        .await;
    assert_eq!(wrote.unwrap(), 1);
    assert_eq!(count(&fixture).await, 1);
}

#[tokio::test]
async fn a_file_that_another_process_writes_to_for_too_long_is_unavailable() {
    let fixture = Fixture::new().await;
    let path = fixture.folder.path().join("ringback.db");
    let mut options = ringback_sqlite::Options::new(&path);
    options.busy_timeout = Duration::from_millis(20);
    let store = ringback_sqlite::Sqlite::open(options).await.unwrap();
    let mut other = SqliteConnectOptions::new().filename(path).connect().await.unwrap();

    let holding = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    assert!(matches!(store.emit(&NewEvent::new("call.ended", "{}")).await, Err(Error::Unavailable(_))));
    holding.rollback().await.unwrap();
    store.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
    assert_eq!(count(&fixture).await, 1);
}

#[tokio::test]
async fn a_hold_that_waits_for_its_turn_is_not_set_once_its_shard_was_given_away() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let lane = given::one_due(store).await.lane;
    let old = given::owner(store).await;
    let (began, has_begun) = oneshot::channel();
    let (end, ends) = oneshot::channel::<()>();
    let writer = store.clone();
    let holding = tokio::spawn(async move {
        let write = writer.write(|_| {
            Box::pin(async move {
                began.send(()).unwrap();
                ends.await.unwrap();
                Ok::<_, Error>(())
            })
        });
        write.await
    });
    has_begun.await.unwrap();
    let until = store.clock().await.unwrap() + Duration::from_secs(3_600);
    let hold = [Hold { lane, until, reason: HoldReason::Failing, streak: 3 }];
    let mut waiting = std::pin::pin!(store.set_holds(old, &hold));
    assert!(waiting.as_mut().now_or_never().is_none(), "it is queued behind the other");
    store.release_shards(old, &[Claimed { shard: lane.shard(), open: Vec::new() }]).await.unwrap();
    end.send(()).unwrap();
    waiting.await.unwrap();
    holding.await.unwrap().unwrap();
    assert!(store.load_holds(&[lane.shard()]).await.unwrap().is_empty());
}

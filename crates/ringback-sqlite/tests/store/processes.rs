//! Several handles on one file, as several processes have them; and files that are found again.

use std::time::Duration;

use ringback::{
    event::NewEvent,
    store::{Error, Floor, Leases as _, Operations as _, Outbox as _, Work as _},
};
use ringback_sqlite::Sqlite;
use ringback_testkit::contract::given;

use crate::fixture::Fixture;

const LEASE: Duration = Duration::from_secs(12);

#[tokio::test]
async fn one_process_sends_and_the_next_takes_over_when_it_ends() {
    let fixture = Fixture::new().await;
    let waiting = fixture.another().await;
    let node = fixture.store.register_node(LEASE).await.unwrap().unwrap();
    assert_eq!(waiting.register_node(LEASE).await.unwrap(), None);
    let all: Vec<_> = (0..ringback::delivery::SHARDS).collect();
    assert_eq!(fixture.store.claim_shards(node, &all).await.unwrap().len(), 64);

    let emitted = waiting.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
    assert!(fixture.store.event(emitted).await.unwrap().is_some());
    given::one_due(&fixture.store).await;

    let Fixture { store, folder } = fixture;
    drop(store);
    let taken = waiting.register_node(LEASE).await.unwrap().unwrap();
    assert_ne!(taken, node);
    assert_eq!(waiting.claim_shards(taken, &all).await.unwrap().len(), 64);
    drop(folder);
}

#[tokio::test]
async fn what_was_answered_is_there_after_the_process_is_gone() {
    let fixture = Fixture::new().await;
    given::one_delivered(&fixture.store).await;
    let pending = given::one_due(&fixture.store).await;
    // What a killed process leaves: the file and its log, as they lie on the disk at this moment.
    let copy = fixture.folder.path().join("copy.db");
    for ending in ["", "-wal"] {
        let from = fixture.folder.path().join(format!("ringback.db{ending}"));
        std::fs::copy(from, format!("{}{ending}", copy.display())).unwrap();
    }
    let store = Sqlite::open(copy).await.unwrap();
    store.check_schema().await.unwrap();
    let ledger = store.ledger(None, Default::default()).await.unwrap();
    assert_eq!((ledger.deliveries.delivered, ledger.deliveries.pending), (1, 1));
    let shards: Vec<_> = (0..64).map(|shard| (shard, ringback::store::Cursor::START)).collect();
    assert_eq!(store.feed(&shards, 10).await.unwrap().rows, [pending]);
}

#[tokio::test]
async fn an_unknown_schema_is_refused_and_names_the_reason() {
    let fixture = Fixture::new().await;
    let empty = Sqlite::open(fixture.folder.path().join("empty.db")).await.unwrap();
    assert!(matches!(empty.check_schema().await, Err(Error::Schema(text)) if text.contains("ringback migrate")));
    fixture.store.migrate().await.unwrap();
    fixture.store.check_schema().await.unwrap();
    let change = "UPDATE ringback_migration SET checksum = 'x'";
    fixture
        .store
        .write(move |tx| {
            Box::pin(async move { sqlx::query(change).execute(tx).await.map_err(|error| Error::Refused(error.into())) })
        })
        .await
        .unwrap();
    assert!(matches!(fixture.store.check_ready().await, Err(Error::Schema(text)) if text.contains("another one")));
    assert!(fixture.store.migrate().await.is_err());
    let text =
        std::fs::write(fixture.folder.path().join("text.db"), "not a database, but long enough to be read as one")
            .map(|()| fixture.folder.path().join("text.db"));
    assert!(matches!(Sqlite::open(text.unwrap()).await, Err(Error::Damaged(_))));
    assert_eq!(fixture.store.read_outbox(Floor::default(), 1).await.unwrap().events.len(), 0);
}

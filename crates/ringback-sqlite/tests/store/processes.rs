//! Several handles on one file, as several processes have them; and files that are found again.

use std::time::Duration;

use ringback::{
    event::NewEvent,
    store::{Error, Floor, Leases as _, OpenRequest, Operations as _, Outbox as _, Work as _},
    time::Timestamp,
};
use ringback_sqlite::Sqlite;

use crate::fixture::{Fixture, event, success};

const LEASE: Duration = Duration::from_secs(12);

#[tokio::test]
async fn one_process_sends_and_the_next_takes_over_when_it_ends() {
    let fixture = Fixture::new().await;
    let waiting = fixture.another().await;
    let node = fixture.store.register_node(LEASE).await.unwrap().unwrap();
    assert_eq!(waiting.register_node(LEASE).await.unwrap(), None);
    let all: Vec<_> = (0..ringback::delivery::SHARDS).collect();
    assert_eq!(fixture.store.claim_shards(node, &all).await.unwrap().len(), 64);

    let endpoint = fixture.endpoint("{}").await;
    let emitted = waiting.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();
    assert!(fixture.store.event(emitted).await.unwrap().is_some());
    fixture.accept(event(&[endpoint.id])).await;

    let Fixture { store, folder } = fixture;
    drop(store);
    let taken = waiting.register_node(LEASE).await.unwrap().unwrap();
    assert_ne!(taken, node);
    assert_eq!(waiting.claim_shards(taken, &all).await.unwrap().len(), 64);
    drop(folder);
}

#[tokio::test]
async fn a_lease_is_renewed_for_as_long_as_it_is_the_last() {
    let fixture = Fixture::new().await;
    let mut keeper = fixture.store.lease_keeper().await.unwrap();
    let first = fixture.store.register_node(LEASE).await.unwrap().unwrap();
    assert!(keeper.renew(first, LEASE).await.unwrap());
    assert!(keeper.renew(first, Duration::ZERO).await.unwrap());
    // Its lease has ended, so another engine of this process may follow it.
    let second = fixture.store.register_node(LEASE).await.unwrap().unwrap();
    assert!(!keeper.renew(first, LEASE).await.unwrap());
    assert!(keeper.renew(second, LEASE).await.unwrap());
    assert_eq!(fixture.store.register_node(LEASE).await.unwrap(), None);
    assert_eq!(fixture.store.claim_shards(first, &[1]).await.unwrap(), []);
}

#[tokio::test]
async fn a_handover_passes_on_what_is_open() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let due = fixture.accept(event(&[endpoint.id])).await.remove(0);
    let node = fixture.store.register_node(LEASE).await.unwrap().unwrap();
    let mut claimed = fixture.store.claim_shards(node, &[5]).await.unwrap();
    assert!(claimed[0].open.is_empty());
    claimed[0].open.push(OpenRequest { delivery: due.id, attempts: 0, lane: due.lane, until: Timestamp::now() });
    fixture.store.release_shards(node, &claimed).await.unwrap();
    let map = fixture.store.shard_map().await.unwrap();
    assert_eq!((map.nodes, map.owners[5]), (vec![node], None));
    assert_eq!(fixture.store.claim_shards(node, &[5]).await.unwrap(), claimed);
    fixture.store.deregister_node(node).await.unwrap();
    assert!(fixture.store.shard_map().await.unwrap().nodes.is_empty());
}

#[tokio::test]
async fn what_was_answered_is_there_after_the_process_is_gone() {
    let fixture = Fixture::new().await;
    let endpoint = fixture.endpoint("{}").await;
    let delivered = fixture.accept(event(&[endpoint.id])).await.remove(0);
    let pending = fixture.accept(event(&[endpoint.id])).await.remove(0);
    assert!(fixture.record(success(&delivered)).await);
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
    assert!(matches!(Sqlite::open(text.unwrap()).await, Err(Error::Corrupt(_))));
    assert_eq!(fixture.store.read_outbox(Floor::default(), 1).await.unwrap().events.len(), 0);
}

//! Leases and a database's clock that is set: what has ended stays ended, and nothing runs for longer than it was granted.

#![expect(clippy::unwrap_used, reason = "a test's own helpers fail with it")]

mod fresh;

use std::time::Duration;

use ringback::{
    delivery::HoldReason,
    store::{Hold, Leases as _, NodeId, Renewal, Upkeep as _, Work as _},
};
use ringback_postgres::Postgres;
use ringback_testkit::contract::given;
use sqlx::{AssertSqlSafe, Executor as _};

const LEASE: Duration = Duration::from_secs(12);
const HOUR: Duration = Duration::from_secs(3_600);

/// Sets the database's clock, as far as the store goes by it, to so many seconds from now.
async fn set_clock(schema: &str, seconds: i32) {
    let statement = format!(
        "CREATE OR REPLACE FUNCTION {schema}.clock() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
         RETURN (extract(epoch FROM clock_timestamp() + interval '{seconds} s') * 1000000)::bigint"
    );
    fresh::connection().await.execute(AssertSqlSafe(statement)).await.unwrap();
}

async fn node(store: &Postgres) -> NodeId {
    store.register_node(LEASE).await.unwrap().unwrap()
}

async fn nodes(store: &Postgres) -> Vec<NodeId> {
    store.shard_map().await.unwrap().nodes
}

#[tokio::test]
async fn a_lease_that_was_seen_to_end_does_not_run_again_when_the_clock_is_set_back() {
    let (store, schema) = fresh::migrated().await;
    let mut keeper = store.lease_keeper().await.unwrap();
    let [by_map, by_renewal, by_claim] = [node(&store).await, node(&store).await, node(&store).await];
    assert_eq!(store.claim_shards(by_claim, &[1, 2]).await.unwrap().len(), 2);

    set_clock(&schema, 13).await;
    assert_eq!(keeper.renew(by_renewal, LEASE).await.unwrap(), Renewal::Ended);
    set_clock(&schema, -3_600).await;
    assert_eq!(keeper.renew(by_renewal, LEASE).await.unwrap(), Renewal::Ended);

    set_clock(&schema, 13).await;
    let next = node(&store).await;
    assert_eq!(store.claim_shards(next, &[1]).await.unwrap().len(), 1);
    set_clock(&schema, -3_600).await;
    assert!(store.claim_shards(by_claim, &[3]).await.unwrap().is_empty());
    assert_eq!(keeper.renew(by_claim, LEASE).await.unwrap(), Renewal::Ended);

    set_clock(&schema, 13).await;
    assert_eq!(nodes(&store).await, [next]);
    set_clock(&schema, -3_600).await;
    assert_eq!(nodes(&store).await, [next]);
    assert_eq!(keeper.renew(by_map, LEASE).await.unwrap(), Renewal::Ended);
    assert_eq!(store.claim_shards(next, &[2]).await.unwrap().len(), 1, "it was by_claim's");
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn a_dead_nodes_lease_runs_no_longer_than_it_was_granted_when_the_clock_is_set_back_before_its_end() {
    let (store, schema) = fresh::migrated().await;
    let (dead, alive) = (node(&store).await, node(&store).await);
    let mut keeper = store.lease_keeper().await.unwrap();
    set_clock(&schema, -3_600).await;
    let mut all = [dead, alive];
    all.sort_unstable();
    assert_eq!(nodes(&store).await, all, "neither is known to have ended");
    assert_eq!(keeper.renew(alive, LEASE).await.unwrap(), Renewal::Renewed);
    set_clock(&schema, -3_600 + 14).await;
    assert_eq!(keeper.renew(node(&store).await, LEASE).await.unwrap(), Renewal::Renewed);
    assert!(!nodes(&store).await.contains(&dead), "an hour has not passed, its lease has");
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn who_gives_a_shard_away_sets_no_hold_over_the_new_owners() {
    let (store, schema) = fresh::migrated().await;
    let lane = given::one_due(&store).await.lane;
    let old = given::owner(&store).await;
    let now = store.clock().await.unwrap();
    let hold = |hours| Hold { lane, until: now + HOUR * hours, reason: HoldReason::Failing, streak: 3 };
    store.set_holds(old, &[hold(1)]).await.unwrap();
    // Another node takes the shard, and sets a hold of its own.
    let mut other = fresh::connection().await;
    let until = hold(2).until.micros();
    let take = format!(
        "BEGIN; UPDATE {schema}.shard SET node_id = gen_random_uuid() WHERE shard = {};
         UPDATE {schema}.hold SET until = {until} WHERE lane = {}",
        lane.shard(),
        lane.as_i64()
    );
    other.execute(AssertSqlSafe(take)).await.unwrap();
    let late = tokio::spawn({
        let (store, late) = (store.clone(), hold(3));
        async move { store.set_holds(old, &[late]).await }
    });
    let waits = format!("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%{schema}.hold%'");
    let mut observer = fresh::connection().await;
    while observer.execute(AssertSqlSafe(waits.clone())).await.unwrap().rows_affected() == 0 {
        assert!(!late.is_finished(), "it waits for what the other does");
    }
    other.execute("COMMIT").await.unwrap();
    late.await.unwrap().unwrap();
    assert_eq!(store.load_holds(&[lane.shard()]).await.unwrap(), [hold(2)]);
    fresh::remove(&store, &schema).await;
}

//! Promise 11, the other half: a node that dies leaves nothing behind; its shards move within 15 s.

use std::{collections::HashSet, time::Duration};

use ringback_tests::{api::Api, database::Database, receiver::Receiver, server::Serve, stores::Store, until::until};
use serde_json::json;
use tokio::time::Instant;

/// What the design promises with the default lease of 12 s.
const TAKEOVER: Duration = Duration::from_secs(15);

/// One event for each of many lanes, which are spread over all shards.
async fn one_for_each(api: &Api, lanes: usize) {
    let event = |lane: usize| json!({"type": format!("to.{lane}"), "payload": {}});
    let batch = json!({"events": (0..lanes).map(event).collect::<Vec<_>>()});
    api.post("/v1/events/batch", &batch).await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shards_of_a_killed_node_move_within_fifteen_seconds() {
    const LANES: usize = 48;
    let database = Database::fresh(Store::Postgres).await;
    let first = Serve::on(&database).set("header_prefix", "first-").start().await;
    let receiver = Receiver::healthy().await;
    for lane in 0..LANES {
        let endpoint = json!({"url": receiver.url(), "event_types": [format!("to.{lane}")]});
        first.api.endpoint(endpoint).await;
    }
    let second = Serve::on(&database).set("header_prefix", "second-").start().await;
    let mut rounds = 0;
    until("both nodes send", async || {
        one_for_each(&second.api, LANES).await;
        rounds += 1;
        let requests = receiver.wait_for(rounds * LANES).await;
        let latest = &requests[requests.len() - LANES..];
        ["first-attempt", "second-attempt"]
            .iter()
            .all(|name| latest.iter().any(|request| !request.header(name).is_empty()))
            .then_some(())
    })
    .await;

    let before = receiver.count();
    let killed = Instant::now();
    first.kill().await;
    one_for_each(&second.api, LANES).await;
    let requests = receiver.wait_for(before + LANES).await;
    let last = requests.iter().map(|request| request.at).max().expect("some");
    let took = last.saturating_duration_since(killed);
    println!("the last of {LANES} lanes was served {took:?} after the kill");
    assert!(took <= TAKEOVER, "{took:?}");
    let ids: HashSet<_> = requests[before..].iter().map(|request| request.id().to_owned()).collect();
    assert_eq!(ids.len(), LANES);
    second.api.balanced_ledger().await;
}

//! Promise 14: an event that cannot be routed for now, because somebody holds the row of its idempotency key locked, waits
//! alone. Only PostgreSQL locks rows; by HTTP: `idempotency.rs`.

use ringback::event::NewEvent;
use ringback_tests::{database::Database, receiver::Receiver, server::Serve, stores::Store, until::until};
use serde_json::json;
use sqlx::{Connection as _, Executor as _};

/// More events under keys than the router tries one by one in its search for those that are locked.
const OTHERS: usize = 200;

fn event(tenant: &str, payload: usize) -> NewEvent {
    NewEvent::new("call.ended", payload.to_string()).tenant(tenant)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_locked_key_in_the_outbox_keeps_no_other_waiting_but_those_behind_it() {
    let database = Database::fresh(Store::Postgres).await;
    let server = Serve::on(&database).start().await;
    let [receiver, others] = [Receiver::healthy().await, Receiver::healthy().await];
    let ordered = json!({"url": receiver.url(), "tenant": "a", "event_types": ["*"], "ordered": true});
    server.api.endpoint(ordered).await;
    let endpoint = json!({"url": others.url(), "tenant": "b", "event_types": ["*"]});
    server.api.endpoint(endpoint).await;
    let first = database.emit(&event("a", 0).idempotency_key("held")).await;
    receiver.wait_for(1).await;

    // One key that is held by an event, and one that somebody is just taking.
    let mut connection = database.postgres().await;
    let mut transaction = connection.begin().await.expect("it begins");
    let lock = "SELECT FROM ringback.idempotency WHERE key = 'held' FOR UPDATE";
    assert_eq!(transaction.execute(lock).await.expect("nobody is in the way").rows_affected(), 1);
    let take = "INSERT INTO ringback.idempotency (tenant, type, key, event_id, created_at)
                VALUES ('a', 'call.ended', 'being taken', gen_random_uuid(), 0)";
    transaction.execute(take).await.expect("nobody is in the way");

    let duplicate = database.emit(&event("a", 0).idempotency_key("held")).await;
    database.emit(&event("a", 1).idempotency_key("being taken").ordering_key("call")).await;
    database.emit(&event("a", 2).ordering_key("call")).await;
    for number in 0..OTHERS {
        database.emit(&event("b", number).idempotency_key(format!("free {number}"))).await;
    }
    database.emit(&event("b", OTHERS)).await;
    others.wait_for(OTHERS + 1).await;
    let state = async |event: &str| server.api.get(&format!("/v1/events/{event}")).await.expect(200)["state"].clone();
    assert_eq!((receiver.count(), state(&duplicate).await), (1, json!("unrouted")), "they wait");

    transaction.rollback().await.expect("it ends");
    receiver.wait_for(3).await;
    let payloads: Vec<_> = receiver.arrived().iter().map(|request| request.body.clone()).collect();
    assert_eq!(payloads, ["0", "1", "2"], "in the order of their ordering key");
    until("the other is decided", async || (state(&duplicate).await == "duplicate").then_some(())).await;
    assert_eq!(state(&first).await, "routed");
    server.api.settled().await;
    let ledger = server.api.balanced_ledger().await;
    assert_eq!((&ledger["events"]["duplicate"], &ledger["events"]["unrouted"]), (&json!(1), &json!(0)), "{ledger}");
}

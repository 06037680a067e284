//! Promise 6: state is fenced by (id, attempt number). A stale outcome changes nothing and is kept, marked `stale`.

use std::time::Duration;

use ringback_tests::{
    database::Database,
    on_both_stores,
    receiver::{Gate, Receiver, Reply},
    server::Serve,
    stores::Store,
    until::{until, until_within},
};
use serde_json::json;

/// A node that has just started walks through everything a minute later.
const BEFORE_THE_NEXT_WALK: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hung_and_came_back_does_not_overwrite_what_its_successor_did() {
    let database = Database::fresh(Store::Postgres).await;
    let first = Serve::on(&database).set("lease", "3s").start().await;
    let gate = Gate::closed();
    let behind = gate.clone();
    let receiver = Receiver::scripted(move |request| match request.index {
        0 => Reply::status(500).behind(&behind),
        _ => Reply::status(204),
    })
    .await;
    first.api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "timeout_ms": 60_000})).await;
    let event = first.api.emit("call.ended", b"{}", json!({})).await;
    receiver.wait_for(1).await;

    first.freeze();
    let second = Serve::on(&database).set("lease", "3s").start().await;
    let id = second.api.delivery_of(&event).await;
    let delivery = second.api.delivery_with_status(&id, "delivered").await;
    assert_eq!(delivery["attempt_count"], 1, "{delivery}");

    // Now the first node wakes up and hears that its own request failed.
    first.thaw();
    gate.open();
    let delivery = second
        .api
        .delivery_when(&id, "the stale outcome is kept", |delivery| {
            delivery["attempts"].as_array().is_some_and(|attempts| attempts.iter().any(|it| it["outcome"] == "stale"))
        })
        .await;
    assert_eq!(delivery["status"], "delivered", "{delivery}");
    assert_eq!(delivery["attempt_count"], 1, "{delivery}");
    first.api.settled().await;
    let requests = receiver.arrived_when_settled(&second.api).await;
    assert_eq!(requests.len(), 2, "and nothing is sent again for it");
}

on_both_stores! {
    async fn an_answer_that_comes_after_the_event_was_expunged_changes_nothing(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let gate = Gate::closed();
        let behind = gate.clone();
        let receiver = Receiver::scripted(move |_| Reply::status(204).behind(&behind)).await;
        server.api.endpoint_at(&receiver.url()).await;
        let event = server.api.emit("call.ended", b"{}", json!({})).await;
        receiver.wait_for(1).await;
        let id = server.api.delivery_of(&event).await;
        server.api.delete(&format!("/v1/events/{event}/payload")).await.expect(204);
        assert_eq!(server.api.get(&format!("/v1/deliveries/{id}")).await.expect(200)["status"], "cancelled");

        gate.open();
        until("the receiver has answered", async || (receiver.open() == 0).then_some(())).await;
        let delivery = server
            .api
            .delivery_when(&id, "the answer is kept", |delivery| {
                delivery["attempts"].as_array().is_some_and(|attempts| !attempts.is_empty())
            })
            .await;
        assert_eq!(delivery["status"], "cancelled", "{delivery}");
        assert_eq!(delivery["attempts"][0]["outcome"], "stale", "{delivery}");
        assert_eq!(receiver.arrived_when_settled(&server.api).await.len(), 1);
        assert_eq!(server.api.balanced_ledger().await["deliveries"]["cancelled"], 1);
    }

    async fn what_another_node_made_of_a_delivery_is_read_at_once_when_the_own_outcome_comes_too_late(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let gate = Gate::closed();
        let behind = gate.clone();
        let receiver = Receiver::scripted(move |request| match request.index {
            0 => Reply::status(204).behind(&behind),
            _ => Reply::status(204),
        })
        .await;
        server.api.endpoint_at(&receiver.url()).await;
        let event = server.api.emit("call.ended", b"{}", json!({})).await;
        receiver.wait_for(1).await;
        // As by a node that had the shard meanwhile: it has tried in vain, and the next try has been due for an hour.
        database.tamper("delivery", "set attempts = attempts + 1, due_at = due_at - 3600000000").await;
        gate.open();
        until_within(BEFORE_THE_NEXT_WALK, "it is tried again", async || (receiver.count() == 2).then_some(())).await;
        let id = server.api.delivery_of(&event).await;
        let delivery = server.api.delivery_with_status(&id, "delivered").await;
        let outcomes: Vec<_> = delivery["attempts"].as_array().expect("a list").iter().map(|it| &it["outcome"]).collect();
        assert!(outcomes.contains(&&json!("stale")) && outcomes.contains(&&json!("delivered")), "{delivery}");
        assert_eq!(receiver.arrived_when_settled(&server.api).await.len(), 2);
    }
}

//! An endpoint that is down costs neither attempts nor writes while it is left alone, and is found as soon as it is back.

use std::time::Duration;

use ringback_tests::{
    api::{Api, id_of},
    database::Database,
    on_both_stores,
    receiver::{Gate, Receiver, Reply},
    server::Serve,
    stores::Store,
    until::until,
};
use serde_json::{Value, json};

/// More than the five requests that it takes to notice.
const EVENTS: usize = 12;

/// Far longer than the pause before the first retry, and far shorter than the hold.
const WHILE: Duration = Duration::from_millis(1_500);

/// A receiver that accepts connections and never answers.
async fn hung() -> (Receiver, Gate) {
    let gate = Gate::closed();
    let closed = gate.clone();
    (Receiver::scripted(move |_| Reply::status(204).behind(&closed)).await, gate)
}

/// With more tries than it takes to notice: on a busy machine the first event alone may use them up.
async fn endpoint_at(api: &Api, url: &str) -> String {
    let retry = json!({"max_attempts": 20, "delays_ms": [50], "jitter": 0.0});
    id_of(&api.endpoint(json!({"url": url, "event_types": ["*"], "timeout_ms": 100, "retry": retry})).await)
}

/// Emits events until the endpoint is held for failing; their deliveries, oldest first.
async fn deliveries_held(api: &Api) -> Vec<String> {
    let mut deliveries = Vec::new();
    for _ in 0..EVENTS {
        let event = api.emit("call.ended", b"{}", json!({})).await;
        deliveries.push(api.delivery_of(&event).await);
    }
    let last = deliveries.last().expect("some");
    let is_held = |it: &Value| it["hold_reason"] == "failing" && it["status"] == "pending";
    let held = api.delivery_when(last, "it is held", is_held).await;
    assert_eq!((&held["attempt_count"], held["held_until"].is_string()), (&json!(0), true));
    assert!(held["next_attempt_at"].as_str() >= held["held_until"].as_str(), "{held}");
    deliveries
}

on_both_stores! {
    async fn an_endpoint_that_hangs_is_left_alone_also_after_a_restart_until_a_test_shows_that_it_is_back(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let (receiver, _gate) = hung().await;
        let endpoint = endpoint_at(&server.api, &receiver.url()).await;
        let deliveries = deliveries_held(&server.api).await;
        let tried = receiver.count();
        assert_eq!(tried, 5, "one at a time, five times");
        let held = "\nringback_lanes_held{reason=\"failing\"} 1\n";
        until("the figures tell it", async || {
            let figures = server.api.get("/metrics").await.bytes;
            String::from_utf8_lossy(&figures).contains(held).then_some(())
        })
        .await;
        tokio::time::sleep(WHILE).await;
        assert_eq!(receiver.count(), tried, "retries wait, too");

        server.terminate().await;
        let server = Serve::on(&database).start().await;
        let last = deliveries.last().expect("some");
        server.api.delivery_when(last, "it is still held", |it| it["hold_reason"] == "failing").await;
        tokio::time::sleep(WHILE).await;
        assert_eq!(receiver.count(), tried);

        receiver.answer(|_| Reply::status(204));
        server.api.post(&format!("/v1/endpoints/{endpoint}/test"), &json!({})).await.expect(202);
        for delivery in &deliveries {
            let delivered = server.api.delivery_with_status(delivery, "delivered").await;
            assert_eq!((&delivered["held_until"], &delivered["hold_reason"]), (&Value::Null, &Value::Null));
        }
        server.api.balanced_ledger().await;
    }

    async fn a_failing_endpoint_that_is_given_another_url_is_tried_at_once(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let (down, _gate) = hung().await;
        let up = Receiver::healthy().await;
        let endpoint = endpoint_at(&server.api, &down.url()).await;
        let deliveries = deliveries_held(&server.api).await;
        server.api.patch(&format!("/v1/endpoints/{endpoint}"), &json!({"url": up.url()})).await.expect(200);
        for delivery in &deliveries {
            server.api.delivery_with_status(delivery, "delivered").await;
        }
        assert_eq!(up.arrived_when_settled(&server.api).await.len(), EVENTS);
    }

    async fn a_failing_endpoint_that_is_paused_and_resumed_is_tried_at_once(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let (receiver, _gate) = hung().await;
        let endpoint = endpoint_at(&server.api, &receiver.url()).await;
        let deliveries = deliveries_held(&server.api).await;
        server.api.post(&format!("/v1/endpoints/{endpoint}/pause"), &json!({})).await.expect(200);
        let last = deliveries.last().expect("some");
        server.api.delivery_when(last, "an operator's word goes first", |it| it["hold_reason"] == "paused").await;
        receiver.answer(|_| Reply::status(204));
        server.api.post(&format!("/v1/endpoints/{endpoint}/resume"), &json!({})).await.expect(200);
        for delivery in &deliveries {
            server.api.delivery_with_status(delivery, "delivered").await;
        }
    }
}

//! Order is promised per ordering key, to endpoints that ask for it, and to nobody else.

use ringback_tests::{
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::Serve,
    stores::Store,
};
use serde_json::json;

on_both_stores! {
    async fn an_ordered_endpoint_gets_a_key_in_order_also_when_the_first_fails(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        // Every third event fails twice before it is taken.
        let receiver = Receiver::scripted(|request| {
            let fails = request.body.last().is_some_and(|digit| digit % 3 == 0) && request.header("ringback-attempt") != "3";
            Reply::status(if fails { 500 } else { 204 })
        })
        .await;
        let retry = json!({"max_attempts": 5, "delays_ms": [50], "jitter": 0.0});
        let fields = json!({"url": receiver.url(), "event_types": ["*"], "ordered": true, "retry": retry});
        server.api.endpoint(fields).await;
        let mut emitted: Vec<(String, String)> = Vec::new();
        for number in 10..30 {
            for call in ["call-a", "call-b"] {
                let event = server.api.emit("step", number.to_string().as_bytes(), json!({"ordering_key": call})).await;
                emitted.push((call.to_owned(), event));
            }
        }
        for (_, event) in &emitted {
            let id = server.api.delivery_of(event).await;
            server.api.delivery_with_status(&id, "delivered").await;
        }
        let arrived = receiver.arrived();
        for call in ["call-a", "call-b"] {
            let expected: Vec<_> = emitted.iter().filter(|(key, _)| key == call).map(|(_, event)| event).collect();
            let mut order: Vec<_> = arrived.iter().map(|it| it.id()).filter(|id| expected.iter().any(|it| it == id)).collect();
            order.dedup();
            assert_eq!(order, expected, "attempts of one event are not interleaved with the next");
        }
    }

    async fn under_block_a_dead_letter_holds_its_key_until_it_is_dealt_with(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::scripted(|request| Reply::status(if request.body == "1" { 500 } else { 204 })).await;
        server
            .api
            .endpoint(json!({
                "url": receiver.url(), "event_types": ["*"], "ordered": true, "on_dead": "block",
                "retry": {"max_attempts": 1, "delays_ms": [50], "jitter": 0.0},
            }))
            .await;
        let step = json!({"ordering_key": "call"});
        let first = server.api.emit("step", b"1", step.clone()).await;
        let second = server.api.emit("step", b"2", step).await;
        let (first, second) = (server.api.delivery_of(&first).await, server.api.delivery_of(&second).await);
        server.api.delivery_with_status(&first, "dead").await;
        let elsewhere = server.api.emit("step", b"3", json!({"ordering_key": "another call"})).await;
        let elsewhere = server.api.delivery_of(&elsewhere).await;
        server.api.delivery_with_status(&elsewhere, "delivered").await;
        assert_eq!(server.api.get(&format!("/v1/deliveries/{second}")).await.expect(200)["status"], "pending");

        server.api.delete(&format!("/v1/dead-letters/{first}")).await.expect(204);
        server.api.delivery_with_status(&second, "delivered").await;
    }
}

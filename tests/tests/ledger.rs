//! Promise 4, by count: events accepted = unrouted + duplicate + unmatched + routed, and deliveries owed = pending +
//! delivered + dead + cancelled, whatever has happened to them.

use ringback_tests::{
    database::Database, on_both_stores, receiver::Receiver, server::Serve, stores::Store, until::until,
};
use serde_json::json;

on_both_stores! {
    async fn every_event_and_delivery_is_counted_once_in_the_state_that_it_is_in(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let (healthy, broken) = (Receiver::healthy().await, Receiver::answering(500).await);
        let once = json!({"max_attempts": 1, "delays_ms": [50], "jitter": 0.0});
        server.api.endpoint(json!({"url": healthy.url(), "event_types": ["good", "both"]})).await;
        server.api.endpoint(json!({"url": broken.url(), "event_types": ["bad", "both"], "retry": once})).await;
        let held = json!({"url": healthy.url(), "event_types": ["later", "never"], "enabled": false});
        server.api.endpoint(held).await;

        for event_type in ["good", "bad", "both", "later", "never", "unheard-of"] {
            server.api.emit(event_type, b"{}", json!({"key": event_type})).await;
        }
        let never = server.api.get("/v1/events?key=never").await.expect(200)["items"][0]["id"].clone();
        let payload = format!("/v1/events/{}/payload", never.as_str().expect("an id"));
        server.api.delete(&payload).await.expect(204);
        server.api.get(&payload).await.expect_problem(410, "payload_expunged");

        until("all that can be sent is", async || (healthy.count() + broken.count() == 4).then_some(())).await;
        let expected = json!({
            "events": {"accepted": 6, "unrouted": 0, "duplicate": 0, "unmatched": 1, "routed": 5},
            "deliveries": {"owed": 6, "pending": 1, "delivered": 2, "dead": 2, "cancelled": 1},
        });
        until("the ledger says so", async || (server.api.balanced_ledger().await == expected).then_some(())).await;

        let letter = server.api.get("/v1/dead-letters?type=bad").await.expect(200)["items"][0]["id"].clone();
        let letter = format!("/v1/dead-letters/{}", letter.as_str().expect("an id"));
        server.api.delete(&letter).await.expect(204);
        let ledger = server.api.balanced_ledger().await;
        assert_eq!((&ledger["deliveries"]["dead"], &ledger["deliveries"]["cancelled"]), (&json!(1), &json!(2)));
        assert_eq!(server.api.get("/v1/ledger?tenant=somebody-else").await.expect(200)["events"]["accepted"], 0);
    }
}

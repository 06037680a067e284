//! The main job: an endpoint, an event, and at once the customer has it. When his server fails, a dead letter says why,
//! and a replay after the repair delivers it under the same id.

use ringback_tests::{
    api::{count, id_of},
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    samples,
    server::Serve,
    stores::Store,
};
use serde_json::json;

on_both_stores! {
    async fn an_event_is_delivered_at_once_and_the_log_shows_what_was_said(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::scripted(|_| Reply::status(200).header("x-seen", "yes").body("thank you")).await;
        let endpoint = server.api.endpoint(json!({"url": receiver.url(), "event_types": ["CALL_ENDED"]})).await;
        assert!(endpoint["secret"].as_str().is_some_and(|secret| secret.starts_with("whsec_")), "{endpoint}");
        let again = server.api.get(&format!("/v1/endpoints/{}", id_of(&endpoint))).await.expect(200);
        assert!(again["secret"].is_null() && again["has_secret"] == true, "the secret is shown once: {again}");

        let sample = samples::levrage();
        let fields = json!({"key": "call-1", "occurred_at": "2026-03-02T08:41:30Z"});
        let event = server.api.emit(sample.event_type, &sample.body, fields).await;

        let requests = receiver.arrived_when_settled(&server.api).await;
        let [request] = &requests[..] else { panic!("one request: {requests:#?}") };
        assert_eq!(request.body, sample.body);
        assert_eq!(request.header("content-type"), "application/json");
        assert_eq!(request.header("content-length"), sample.body.len().to_string());
        assert_eq!(request.header("transfer-encoding"), "");
        assert_eq!(request.header("accept-encoding"), "identity");
        assert!(request.header("user-agent").starts_with("Ringback/"), "{}", request.header("user-agent"));
        assert_eq!(request.id(), event);
        assert_eq!(request.header("ringback-event-type"), "CALL_ENDED");
        assert!(request.header("ringback-event-time").starts_with("2026-03-02T08:41:30"));
        assert_eq!(request.header("ringback-attempt"), "1");
        assert_eq!((request.header("ringback-test"), request.header("ringback-replay")), ("", ""));

        let delivery = server.api.delivery_of(&event).await;
        let delivery = server.api.delivery_with_status(&delivery, "delivered").await;
        assert_eq!(delivery["key"], "call-1");
        let attempt = &delivery["attempts"][0];
        assert_eq!((&attempt["number"], &attempt["outcome"]), (&json!(1), &json!("delivered")), "{attempt}");
        assert_eq!(attempt["status_code"], 200);
        assert_eq!(attempt["request"]["headers"]["webhook-signature"], request.header("webhook-signature"));
        assert_eq!(attempt["response"]["headers"]["x-seen"], "yes");
        assert_eq!(attempt["response"]["body"], "thank you");
        assert!(attempt["remote_addr"].as_str().is_some_and(|address| address.contains("127.0.0.1")), "{attempt}");
    }

    async fn a_failing_receiver_ends_as_a_dead_letter_after_exactly_three_sends_and_a_replay_delivers(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::answering(500).await;
        server
            .api
            .endpoint(json!({
                "url": receiver.url(), "event_types": ["*"],
                "retry": {"max_attempts": 3, "delays_ms": [50, 80], "jitter": 0.0},
            }))
            .await;

        let event = server.api.emit("call.ended", br#"{"minutes":3.0}"#, json!({"key": "call-7"})).await;
        let id = server.api.delivery_of(&event).await;
        let delivery = server.api.delivery_with_status(&id, "dead").await;
        assert_eq!(receiver.arrived_when_settled(&server.api).await.len(), 3, "three sends in all");
        assert_eq!(delivery["dead_reason"], "exhausted");
        assert_eq!(delivery["attempt_count"], 3);
        assert_eq!(delivery["attempts"].as_array().map(Vec::len), Some(3), "{delivery}");

        let letters = server.api.get("/v1/dead-letters?key=call-7").await.expect(200);
        let letter = &letters["items"][0];
        assert_eq!((&letter["id"], &letter["reason"]), (&json!(id), &json!("exhausted")), "{letters}");
        assert_eq!(letter["last_status_code"], 500);
        let payload = server.api.get(&format!("/v1/events/{event}/payload")).await;
        assert_eq!(payload.bytes, br#"{"minutes":3.0}"#.as_slice(), "a dead letter can still be read");

        receiver.answer(|_| Reply::status(204));
        server.api.post(&format!("/v1/dead-letters/{id}/replay"), &json!({})).await.expect(202);
        let delivery = server.api.delivery_with_status(&id, "delivered").await;
        assert_eq!(delivery["attempt_count"], 4, "a replay never starts counting anew");
        let requests = receiver.arrived_when_settled(&server.api).await;
        assert_eq!(requests.len(), 4);
        assert!(requests.iter().all(|request| request.id() == event && request.body == requests[0].body));
        assert_eq!(requests[3].header("ringback-attempt"), "4");
        assert_eq!(requests[3].header("ringback-replay"), "1");
        let letters = server.api.get("/v1/dead-letters").await.expect(200);
        assert_eq!(letters["items"], json!([]));
        assert_eq!(server.api.balanced_ledger().await["deliveries"]["delivered"], 1);
    }

    async fn dead_letters_are_replayed_by_filter_after_a_look_at_how_many(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let broken = Receiver::answering(503).await;
        let other = Receiver::answering(404).await;
        let once = json!({"max_attempts": 1, "delays_ms": [50], "jitter": 0.0});
        let url = broken.url();
        let endpoint = server.api.endpoint(json!({"url": url, "event_types": ["a.*"], "retry": once})).await;
        server.api.endpoint(json!({"url": other.url(), "event_types": ["b"], "retry": once})).await;
        let mut ids = Vec::new();
        for number in 0..10 {
            let event = server.api.emit("a.event", number.to_string().as_bytes(), json!({})).await;
            ids.push(server.api.delivery_of(&event).await);
        }
        let left = server.api.emit("b", b"0", json!({})).await;
        let left = server.api.delivery_of(&left).await;
        for id in ids.iter().chain([&left]) {
            server.api.delivery_with_status(id, "dead").await;
        }

        let filter = json!({"status": "dead", "endpoint_id": id_of(&endpoint)});
        let preview = server.api.post("/v1/replays", &json!({"filter": filter, "dry_run": true})).await.expect(200);
        assert_eq!((&preview["id"], &preview["matched"]), (&json!(null), &json!(10)), "{preview}");
        assert_eq!(preview["state"], "preview");
        assert_eq!(broken.count(), 10, "a dry run sends nothing");

        broken.answer(|_| Reply::status(204));
        let replay = server.api.post("/v1/replays", &json!({"filter": filter, "reason": "repaired"})).await.expect(202);
        assert_eq!(replay["matched"], 10, "{replay}");
        for id in &ids {
            server.api.delivery_with_status(id, "delivered").await;
        }
        let replay = server.api.get(&format!("/v1/replays/{}", id_of(&replay))).await.expect(200);
        assert_eq!((&replay["released"], &replay["remaining"]), (&json!(10), &json!(0)), "{replay}");
        assert_eq!(replay["state"], "completed");
        assert_eq!(count(&replay["delivered"]), 10);
        assert_eq!(broken.arrived_when_settled(&server.api).await.len(), 20);
        assert_eq!(other.count(), 1, "what the filter leaves out stays dead");
        server.api.delivery_with_status(&left, "dead").await;
    }

    async fn whoever_sets_nothing_gets_three_attempts_in_ten_seconds_each(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let endpoint = server.api.endpoint(json!({"url": "https://93.184.215.14/hook", "event_types": []})).await;
        assert_eq!(endpoint["timeout_ms"], 10_000, "{endpoint}");
        assert_eq!(endpoint["scheme"], "standard");
        assert_eq!(endpoint["retry"]["max_attempts"], 3);
        assert_eq!(endpoint["retry"]["delays_ms"], json!([10_000, 60_000]));
        assert_eq!(endpoint["retry"]["jitter"], 0.2);
        let endpoint = json!({"url": "https://93.184.215.14/hook", "event_types": [], "preset": "levers"});
        assert_eq!(server.api.endpoint(endpoint).await["timeout_ms"], 30_000);
    }
}

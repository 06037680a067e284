//! Promise 10: every request is signed at attempt time, never earlier.

use std::time::{Duration, SystemTime};

use ringback::endpoint::Scheme;
use ringback_tests::{
    api::id_of,
    database::Database,
    on_both_stores,
    receiver::{Arrived, Gate, Receiver, Reply},
    server::Serve,
    stores::Store,
    verifier::{Known, verify},
};
use serde_json::json;

/// What the receiver of a scheme that is named here was given.
const SECRET: &str = "what the customer was given";

/// Unix seconds of the signature.
fn signed_at(request: &Arrived) -> u64 {
    request.header("webhook-timestamp").parse().expect("webhook-timestamp holds Unix seconds")
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs()
}

on_both_stores! {
    async fn retries_and_held_deliveries_are_signed_when_they_are_sent(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::scripted(|request| Reply::status(if request.index == 0 { 500 } else { 204 })).await;
        let retry = json!({"max_attempts": 3, "delays_ms": [2_500], "jitter": 0.0});
        let endpoint = json!({"url": receiver.url(), "event_types": ["*"], "retry": retry});
        let endpoint = id_of(&server.api.endpoint(endpoint).await);
        server.api.emit("call.ended", b"{}", json!({})).await;
        let requests = receiver.wait_for(2).await;
        assert!(signed_at(&requests[1]) >= signed_at(&requests[0]) + 2, "{requests:#?}");
        assert_ne!(requests[0].header("webhook-signature"), requests[1].header("webhook-signature"));

        server.api.post(&format!("/v1/endpoints/{endpoint}/pause"), &json!({})).await.expect(200);
        let event = server.api.emit("call.ended", b"{}", json!({})).await;
        server.api.deliveries_of(&event).await;
        tokio::time::sleep(Duration::from_millis(2_100)).await;
        let resumed = seconds(SystemTime::now());
        server.api.post(&format!("/v1/endpoints/{endpoint}/resume"), &json!({})).await.expect(200);
        let requests = receiver.wait_for(3).await;
        assert!(signed_at(&requests[2]) >= resumed, "signed before it could be sent: {:#?}", requests[2]);
        for request in &requests {
            assert!(signed_at(request) <= seconds(request.at_time) + 1);
            assert!(signed_at(request) + 60 > seconds(request.at_time));
        }
    }

    async fn what_waits_for_a_place_in_a_full_lane_is_signed_when_it_gets_one(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let gate = Gate::closed();
        let first = gate.clone();
        let receiver = Receiver::scripted(move |request| {
            if request.index == 0 { Reply::status(204).behind(&first) } else { Reply::status(204) }
        })
        .await;
        // This scheme signs milliseconds, so that no whole second has to pass.
        let endpoint = json!({
            "url": receiver.url(), "event_types": ["*"], "scheme": "retell", "secret": SECRET,
            "max_in_flight": 1, "timeout_ms": 60_000,
        });
        server.api.endpoint(endpoint).await;
        for _ in 0..3 {
            server.api.emit("call.ended", b"{}", json!({})).await;
        }
        receiver.wait_for(1).await;
        // Long enough for the others to be picked, read ahead or signed, were that done before their turn.
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(receiver.count(), 1, "the lane is full");
        let opened = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis();
        gate.open();
        let known = Known {
            scheme: Scheme::Retell,
            secret: SECRET.to_owned(),
            public_key: None,
            url: receiver.url(),
        };
        for request in &receiver.wait_for(3).await[1..] {
            verify(&known, request, None).unwrap_or_else(|why| panic!("{why}: {request:?}"));
            let signed = request.header("x-retell-signature").split_once(',').expect("v=…,d=…").0;
            let signed: u128 = signed.trim_start_matches("v=").parse().expect("milliseconds");
            assert!(signed >= opened, "signed {} ms before its turn: {request:#?}", opened - signed);
        }
    }
}

//! Promise 9: no secret, payload or response body is ever logged; secrets are encrypted at rest.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ringback_tests::{
    api::id_of,
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::{Serve, TOKEN},
    stores::Store,
};
use serde_json::json;

/// 24 bytes, so that the text inside `whsec_` is as unmistakable as the text around it.
const KEY: &[u8; 24] = b"canary-in-the-signature!";
const BEARER: &str = "canary-in-the-bearer-token";
const HEADER: &str = "canary-in-a-custom-header";
const PAYLOAD: &str = "canary-in-the-payload";
const RESPONSE: &str = "canary-in-the-response-body";

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Whether the text stands there, as it is or as the hex in which PostgreSQL prints bytes.
fn is_told(haystack: &[u8], canary: &str) -> bool {
    holds(haystack, canary.as_bytes()) || holds(haystack, hex::encode(canary).as_bytes())
}

on_both_stores! {
    async fn no_secret_payload_or_answer_is_logged_and_no_secret_is_stored_in_the_clear(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).set("log", "trace").start().await;
        let receiver = Receiver::scripted(|request| {
            Reply::status(if request.index == 0 { 500 } else { 200 }).body(RESPONSE)
        })
        .await;
        let secret = format!("whsec_{}", BASE64_STANDARD.encode(KEY));
        let endpoint = server
            .api
            .endpoint(json!({
                "url": receiver.url(), "event_types": ["*"], "secret": secret,
                "auth": {"type": "bearer", "token": BEARER}, "headers": {"x-customer": HEADER},
                "retry": {"max_attempts": 3, "delays_ms": [10], "jitter": 0.0},
            }))
            .await;
        let payload = format!(r#"{{"said":"{PAYLOAD}"}}"#);
        let event = server.api.emit("call.ended", payload.as_bytes(), json!({})).await;
        // The first to arrive: another lane might be faster.
        let id = server.api.delivery_of(&event).await;
        let mut told = server.api.delivery_with_status(&id, "delivered").await.to_string();
        // An inline destination brings secrets of its own.
        let inline = json!({"url": receiver.url(), "scheme": "plain-hex", "secret": "canary-inline", "headers": {"x-customer": HEADER}});
        let inline = server.api.emit("call.ended", payload.as_bytes(), json!({"destination": inline})).await;
        // Input that is refused is repeated in an error, but not the secret in it.
        let refused = json!({"url": "nonsense", "event_types": ["*"], "secret": BEARER, "colour": PAYLOAD});
        let refused = server.api.post("/v1/endpoints", &refused).await.expect(422);
        assert!(!refused.to_string().contains(BEARER), "{refused}");

        let id = server.api.delivery_of(&inline).await;
        told.push_str(&server.api.delivery_with_status(&id, "delivered").await.to_string());
        assert_eq!(receiver.arrived()[0].header("authorization"), format!("Bearer {BEARER}"));
        assert_eq!(receiver.arrived()[0].header("x-customer"), HEADER);
        told.push_str(&server.api.get(&format!("/v1/endpoints/{}", id_of(&endpoint))).await.expect(200).to_string());
        told.push_str(&server.api.get("/v1/endpoints").await.expect(200).to_string());
        assert!(told.contains("***") && told.contains(RESPONSE), "{told}");
        for canary in [BASE64_STANDARD.encode(KEY).as_str(), BEARER, HEADER, "canary-inline"] {
            assert!(!told.contains(canary), "the API repeats a secret: {told}");
        }

        let dump = database.dump().await;
        assert!(is_told(&dump, PAYLOAD), "a dump without the payload would prove nothing");
        let key = std::str::from_utf8(KEY).expect("ASCII");
        for canary in [key, &BASE64_STANDARD.encode(KEY), BEARER, HEADER, "canary-inline", TOKEN] {
            assert!(!is_told(&dump, canary), "{canary} can be read in the database");
        }

        let log = server.log();
        assert!(log.contains("shards"), "a log without lines would prove nothing:\n{log}");
        for canary in [key, &BASE64_STANDARD.encode(KEY), BEARER, HEADER, "canary-inline", PAYLOAD, RESPONSE, TOKEN] {
            assert!(!log.contains(canary), "{canary} is in the log");
        }
    }
}

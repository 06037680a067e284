//! Promise 9: no secret, payload or response body is ever logged; secrets are encrypted at rest.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ringback_tests::{
    api::id_of,
    browser::Browser,
    command::ringback,
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::{Serve, TOKEN},
    stores::Store,
    told::is_told,
};
use serde_json::json;

/// 24 bytes, so that the text inside `whsec_` is as unmistakable as the text around it.
const KEY: &[u8; 24] = b"canary-in-the-signature!";
const BEARER: &str = "canary-in-the-bearer-token";
const HEADER: &str = "canary-in-a-custom-header";
const INLINE: &str = "canary-inline";
const UNSIGNABLE: &str = "canary-unsignable";
const PAYLOAD: &str = "canary-in-the-payload";
const RESPONSE: &str = "canary-in-the-response-body";

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
                "retry": {"max_attempts": 3, "delays_ms": [50], "jitter": 0.0},
            }))
            .await;
        let payload = format!(r#"{{"said":"{PAYLOAD}"}}"#);
        let event = server.api.emit("call.ended", payload.as_bytes(), json!({})).await;
        // The first to arrive: another lane might be faster.
        let id = server.api.delivery_of(&event).await;
        let mut told = server.api.delivery_with_status(&id, "delivered").await.to_string();
        // An inline destination brings secrets of its own.
        let inline = json!({"url": receiver.url(), "scheme": "plain-hex", "secret": INLINE, "headers": {"x-customer": HEADER}});
        let inline = server.api.emit("call.ended", payload.as_bytes(), json!({"destination": inline})).await;
        // Input that is refused is repeated in an error, but not the secret in it.
        let refused = json!({"url": "nonsense", "event_types": ["*"], "secret": BEARER, "colour": PAYLOAD});
        let refused = server.api.post("/v1/endpoints", &refused).await.expect(422);
        assert!(!refused.to_string().contains(BEARER), "{refused}");
        // Nor are those that are stored, in whatever a request is refused for.
        let path = format!("/v1/endpoints/{}", id_of(&endpoint));
        for wrong in [
            json!({"url": "nonsense"}),
            json!({"scheme": "github", "retry": 1}),
            json!({"auth": {"type": "basic"}}),
            json!({"tenant": "other"}),
        ] {
            told.push_str(&server.api.patch(&path, &wrong).await.expect(422).to_string());
        }
        // Nor where an event cannot be signed: the cause is told in every view.
        let unsignable = json!({
            "url": receiver.url(), "event_types": ["unsignable"], "scheme": "synthflow", "secret": UNSIGNABLE,
            "auth": {"type": "bearer", "token": BEARER}, "headers": {"x-customer": HEADER},
        });
        let unsignable = id_of(&server.api.endpoint(unsignable).await);
        let unsigned = server.api.emit("unsignable", payload.as_bytes(), json!({})).await;
        let unsigned = server.api.deliveries_of(&unsigned).await;
        let unsigned = unsigned.iter().find(|delivery| delivery["endpoint_id"] == *unsignable).expect("it is routed");
        let dead = server.api.delivery_with_status(&id_of(unsigned), "dead").await;
        assert_eq!(dead["dead_reason"], "unroutable", "{dead}");
        told.push_str(&dead.to_string());

        let id = server.api.delivery_of(&inline).await;
        told.push_str(&server.api.delivery_with_status(&id, "delivered").await.to_string());
        assert_eq!(receiver.arrived()[0].header("authorization"), format!("Bearer {BEARER}"));
        assert_eq!(receiver.arrived()[0].header("x-customer"), HEADER);
        told.push_str(&server.api.get(&format!("/v1/endpoints/{}", id_of(&endpoint))).await.expect(200).to_string());
        told.push_str(&server.api.get("/v1/endpoints").await.expect(200).to_string());
        assert!(told.contains("***") && told.contains(RESPONSE), "{told}");
        for canary in [BASE64_STANDARD.encode(KEY).as_str(), BEARER, HEADER, INLINE, UNSIGNABLE] {
            assert!(!told.contains(canary), "the API repeats a secret: {told}");
        }

        let dump = database.dump().await;
        assert!(is_told(&dump, PAYLOAD), "a dump without the payload would prove nothing");
        let key = std::str::from_utf8(KEY).expect("ASCII");
        for canary in [key, &BASE64_STANDARD.encode(KEY), BEARER, HEADER, INLINE, UNSIGNABLE, TOKEN] {
            assert!(!is_told(&dump, canary), "{canary} can be read in the database");
        }

        let log = server.log();
        assert!(log.contains("shards"), "a log without lines would prove nothing:\n{log}");
        for canary in [key, &BASE64_STANDARD.encode(KEY), BEARER, HEADER, INLINE, UNSIGNABLE, PAYLOAD, RESPONSE, TOKEN] {
            assert!(!log.contains(canary), "{canary} is in the log");
        }
    }

    async fn keys_and_tokens_are_told_nowhere(store: Store) {
        const MASTER_KEY: &str = "c0ffee5ec2e7c0ffee5ec2e7c0ffee5ec2e7c0ffee5ec2e7c0ffee5ec2e7c0ff";
        const OLD_MASTER_KEY: &str = "01d5ec2e701d5ec2e701d5ec2e701d5ec2e701d5ec2e701d5ec2e701d5ec2e70";
        const OF_NOBODY: &str = "canary-of-a-token-that-nobody-made";
        let database = Database::fresh(store).await;
        let server = Serve::on(&database)
            .set("log", "trace")
            .set("master_key", MASTER_KEY)
            .set("old_master_keys", OLD_MASTER_KEY)
            .start()
            .await;
        let made = ringback(&database, &["token", "create", "--scope", "admin", "--name", "canary"]).await.done();
        let stored = made.trim();
        let secret = stored.rsplit('_').next().expect("a last part").to_owned();
        let receiver = Receiver::healthy().await;
        // Somebody uses each, and a token of nobody's is refused.
        let endpoint = json!({"url": receiver.url(), "event_types": ["*"]});
        let whsec = server.api.with_token(stored).endpoint(endpoint).await["secret"].as_str().expect("once").to_owned();
        let event = server.api.emit("call.ended", b"{}", json!({})).await;
        let delivery = server.api.delivery_of(&event).await;
        server.api.delivery_with_status(&delivery, "delivered").await;
        let mut told = String::new();
        let refused = server.api.with_token(OF_NOBODY).get("/v1/events").await.expect_problem(401, "unauthorized");
        told.push_str(&refused.to_string());
        for path in ["/v1/audit", "/v1/endpoints", "/v1/nonsense", "/openapi.json", "/healthz", "/readyz", "/metrics"] {
            told.push_str(&String::from_utf8_lossy(&server.api.get(path).await.bytes));
        }
        let browser = Browser::open().await;
        browser.go(server.api.base()).await;
        told.push_str(&browser.text_with("Log in").await);
        for token in [OF_NOBODY, stored] {
            browser.write("#token", token).await;
            browser.click("main button").await;
            told.push_str(&browser.text_with(if token == stored { "All is well" } else { "not a token" }).await);
        }
        told.push_str(&browser.run("return document.documentElement.outerHTML").await.to_string());
        let configured =
            ["--master-key", MASTER_KEY, "--old-master-keys", OLD_MASTER_KEY, "--admin-token", TOKEN];
        for command in [&["check-config"][..], &["check-config", "--json"], &["serve", "--print-config"]] {
            let printed = ringback(&database, &[command, &configured].concat()).await;
            told.push_str(&printed.out);
            told.push_str(&printed.err);
        }
        let log = server.log();
        assert!(log.contains("shards") && told.contains("ringback_events_accepted_total"), "{log}\n{told}");
        let dump = database.dump().await;
        assert!(is_told(&dump, "call.ended"), "an empty dump would prove nothing");
        for canary in [MASTER_KEY, OLD_MASTER_KEY, TOKEN, OF_NOBODY, stored, &secret, &whsec] {
            assert!(!log.contains(canary), "{canary} is in the log");
            assert!(!told.contains(canary), "{canary} is told");
            assert!(!is_told(&dump, canary), "{canary} can be read in the database");
        }
        let raw = hex::decode(MASTER_KEY).expect("hex");
        assert!(!is_told(&dump, &raw), "the key itself is in the database");
    }
}

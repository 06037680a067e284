//! Endpoints that want OAuth 2: tokens of a real token server, and of one that misbehaves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicUsize, Ordering},
    },
    time::Duration,
};

use ringback_tests::{
    api::{Api, id_of},
    database::Database,
    on_both_stores,
    outside::{Customer, Started},
    receiver::{Arrived, Receiver, Reply},
    server::Serve,
    stores::Store,
    told::is_told,
};
use serde_json::{Value, json};

const SECRET: &str = "canary-in-the-client-secret";
const TOKEN: &str = "canary-in-the-token";

fn auth(token_url: &str) -> Value {
    json!({"type": "oauth2", "token_url": token_url, "client_id": "ringback", "client_secret": SECRET})
}

/// An endpoint that gets one type alone, and gives up at once.
fn endpoint(receiver: &Receiver, event_type: &str, auth: &Value) -> Value {
    let retry = json!({"max_attempts": 1, "delays_ms": [50]});
    json!({"url": receiver.url(), "key": event_type, "event_types": [event_type], "retry": retry, "auth": auth})
}

/// What became of a new event of this type.
async fn sent(api: &Api, event_type: &str, more: Value) -> Value {
    let event = api.emit(event_type, b"{}", more).await;
    let delivery = api.delivery_of(&event).await;
    api.delivery_when(&delivery, "it is settled", |delivery| delivery["status"] != "pending").await
}

fn token_of(arrived: &Arrived) -> String {
    arrived.header("authorization").strip_prefix("Bearer ").expect("a bearer token").to_owned()
}

/// A token server that grants `canary-in-the-token-1`, `-2` …, as told.
struct Scripted {
    server: Receiver,
    granted: Arc<AtomicUsize>,
    status: Arc<AtomicU16>,
}

impl Scripted {
    async fn granting(answer: impl Fn(usize) -> Value + Send + Sync + 'static, after: Duration) -> Self {
        let (granted, status) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU16::new(200)));
        let (count, told) = (Arc::clone(&granted), Arc::clone(&status));
        let server = Receiver::scripted(move |_| {
            let nth = count.fetch_add(1, Ordering::SeqCst) + 1;
            let reply = Reply::status(told.load(Ordering::SeqCst)).after(after);
            reply.header("content-type", "application/json").body(answer(nth).to_string())
        })
        .await;
        Self { server, granted, status }
    }

    async fn lasting(seconds: u64) -> Self {
        let answer =
            move |nth| json!({"access_token": format!("{TOKEN}-{nth}"), "token_type": "bearer", "expires_in": seconds});
        Self::granting(answer, Duration::ZERO).await
    }

    fn asked(&self) -> usize {
        self.granted.load(Ordering::SeqCst)
    }
}

on_both_stores! {
    async fn tokens_of_a_real_server_are_fetched_once_and_by_changed_credentials_anew(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let tokens = Started::new(Customer::TokenServer, SECRET).start().await;
        let (api, receiver) = (&server.api, Receiver::healthy().await);
        let mut auth = auth(tokens.url());
        auth["scopes"] = json!(["calls:write", "calls:read"]);
        auth["audience"] = json!("https://receiver.example.com/");
        let made = api.endpoint(endpoint(&receiver, "call.ended", &auth)).await;
        let shown = &made["auth"];
        assert_eq!((&shown["client_secret"], &shown["client_id"]), (&json!("***"), &json!("ringback")));
        assert_eq!((&shown["client_authentication"], &shown["token_url"]), (&json!("basic"), &auth["token_url"]));
        for _ in 0..5 {
            api.emit("call.ended", b"{}", json!({})).await;
        }
        let arrived = receiver.wait_for(5).await;
        let lines = tokens.journal();
        assert_eq!(lines.len(), 1, "five requests share a token: {lines:?}");
        assert_eq!((lines[0].other("by"), lines[0].other("scope")), (&json!("basic"), &json!("calls:write calls:read")));
        assert_eq!(lines[0].other("audience"), &auth["audience"]);
        for request in &arrived {
            assert_eq!(*lines[0].other("granted"), token_of(request));
            assert_ne!(request.header("webhook-signature"), "", "the signature stands beside it");
        }

        // The client's secret is rotated: with the old one there is no new token, but the old token is good.
        tokens.is_given("another-secret");
        let path = format!("/v1/endpoints/{}", id_of(&made));
        api.patch(&path, &json!({"name": "n"})).await.expect(200);
        assert_eq!(sent(api, "call.ended", json!({})).await["status"], "delivered");
        assert_eq!(tokens.journal().len(), 1);
        let changed = json!({"auth": {"client_secret": "another-secret", "client_authentication": "body", "scopes": null}});
        api.patch(&path, &changed).await.expect(200);
        assert_eq!(sent(api, "call.ended", json!({})).await["status"], "delivered");
        let lines = tokens.journal();
        assert_eq!((lines.len(), lines[1].other("by"), lines[1].other("scope")), (2, &json!("body"), &json!(null)));
        assert_eq!(*lines[1].other("granted"), token_of(receiver.arrived().last().expect("the newest")));
        // What an answer shows may be sent back.
        let shown = api.get(&path).await.expect(200)["auth"].clone();
        api.patch(&path, &json!({"auth": shown})).await.expect(200);
        assert_eq!(sent(api, "call.ended", json!({})).await["status"], "delivered");
        // A secret that is wrong: nothing is sent.
        api.patch(&path, &json!({"auth": {"client_secret": "wrong"}})).await.expect(200);
        let before = receiver.count();
        let dead = sent(api, "call.ended", json!({})).await;
        let attempt = &dead["attempts"][0];
        assert_eq!((&attempt["error"], &attempt["phase"]), (&json!("authorization"), &json!("authorize")), "{dead}");
        assert_eq!(receiver.count(), before);
        assert!(server.log().contains("401: invalid_client"), "{}", server.log());
    }

    async fn a_token_that_is_refused_is_renewed_once_within_the_attempt(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let tokens = Scripted::lasting(3_600).await;
        let receiver = Receiver::scripted(|request| {
            Reply::status(if request.header("authorization").ends_with("-2") { 204 } else { 401 })
        })
        .await;
        let api = &server.api;
        api.endpoint(endpoint(&receiver, "call.ended", &auth(&tokens.server.url()))).await;
        let delivery = sent(api, "call.ended", json!({})).await;
        assert_eq!((&delivery["status"], &delivery["attempt_count"]), (&json!("delivered"), &json!(1)), "{delivery}");
        let arrived = receiver.arrived();
        assert_eq!((arrived.len(), tokens.asked()), (2, 2));
        assert_eq!(arrived[0].id(), arrived[1].id());
        assert_eq!(arrived[0].header("ringback-attempt"), arrived[1].header("ringback-attempt"));
        assert_eq!(sent(api, "call.ended", json!({})).await["status"], "delivered");
        assert_eq!((receiver.count(), tokens.asked()), (3, 2));

        // A receiver that takes none: one renewal, and the attempt is over.
        let strict = Receiver::answering(401).await;
        api.endpoint(endpoint(&strict, "strict", &auth(&tokens.server.url()))).await;
        let dead = sent(api, "strict", json!({})).await;
        assert_eq!((&dead["status"], &dead["attempts"][0]["status_code"]), (&json!("dead"), &json!(401)), "{dead}");
        assert_eq!((strict.count(), tokens.asked()), (2, 4));
    }

    async fn what_is_no_token_is_a_failed_attempt_and_nothing_is_sent(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let (api, receiver) = (&server.api, Receiver::healthy().await);
        let elsewhere = Receiver::healthy().await;
        let to = elsewhere.url();
        let long = "x".repeat(20_000);
        let answers = [
            (500, json!({})),
            (400, json!({"error": "invalid_scope", "error_description": TOKEN})),
            (200, json!({"token": TOKEN})),
            (200, json!({"access_token": TOKEN, "token_type": "mac"})),
            (200, json!({"access_token": format!("{TOKEN}\r\nx: y"), "token_type": "bearer"})),
            (200, json!({"access_token": "", "token_type": "bearer"})),
            (200, json!({"access_token": long, "token_type": "bearer"})),
            (200, json!([TOKEN])),
            (302, json!({"access_token": TOKEN, "token_type": "bearer"})),
        ];
        for (index, (status, answer)) in answers.into_iter().enumerate() {
            let (told, location) = (answer.to_string(), to.clone());
            let tokens = Receiver::scripted(move |_| {
                Reply::status(status).header("location", location.clone()).body(told.clone())
            })
            .await;
            let event_type = format!("wrong.{index}");
            api.endpoint(endpoint(&receiver, &event_type, &auth(&tokens.url()))).await;
            let dead = sent(api, &event_type, json!({})).await;
            assert_eq!((&dead["status"], &dead["last_error"]), (&json!("dead"), &json!("authorization")), "{answer}: {dead}");
            assert_eq!(tokens.count(), 1, "{answer}");
        }
        // One that nobody listens at, and one that may not be dialled at all.
        api.endpoint(endpoint(&receiver, "closed", &auth("http://127.0.0.1:9/token"))).await;
        assert_eq!(sent(api, "closed", json!({})).await["last_error"], "authorization");
        let hidden = endpoint(&receiver, "hidden", &auth("http://10.0.0.1/token"));
        let problem = api.post("/v1/endpoints", &hidden).await.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], "/auth/token_url", "{problem}");
        assert_eq!(problem["errors"][0]["code"], "blocked_destination");
        assert_eq!((receiver.count(), elsewhere.count()), (0, 0), "no redirect is followed, and nothing is sent");
        assert!(!server.log().contains(TOKEN), "what a token server says is not repeated");
    }

    async fn a_slow_token_server_delays_nobody_else(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let slow = Scripted::granting(|_| json!({}), Duration::from_secs(60)).await;
        let (api, receiver) = (&server.api, Receiver::healthy().await);
        let mut waiting = endpoint(&receiver, "waits", &auth(&slow.server.url()));
        waiting["timeout_ms"] = json!(3_000);
        api.endpoint(waiting).await;
        api.endpoint(json!({"url": receiver.url(), "event_types": ["call.ended"]})).await;
        let mut ids = Vec::new();
        for _ in 0..50 {
            ids.push(api.emit("waits", b"{}", json!({})).await);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        for _ in 0..5 {
            let begun = std::time::Instant::now();
            let delivery = sent(api, "call.ended", json!({})).await;
            assert_eq!(delivery["status"], "delivered");
            assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        }
        let first = api.delivery_of(&ids[0]).await;
        let dead = api.delivery_with_status(&first, "dead").await;
        assert_eq!(dead["last_error"], "authorization");
        let took = dead["attempts"][0]["duration_ms"].as_f64().expect("a number");
        assert!((2_900.0..6_000.0).contains(&took), "its own deadline: {took} ms");
        assert!(slow.asked() <= 4, "one request for a token at a time: {}", slow.asked());
    }

    async fn neither_tokens_nor_client_secrets_are_told_anywhere(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).set("log", "trace").start().await;
        let tokens = Scripted::lasting(3_600).await;
        let (api, receiver) = (&server.api, Receiver::healthy().await);
        let mut fields = endpoint(&receiver, "call.ended", &auth(&tokens.server.url()));
        fields["trace"] = json!(true);
        let made = api.endpoint(fields).await;
        let mut told = sent(api, "call.ended", json!({})).await.to_string();
        assert!(receiver.arrived()[0].header("authorization").contains(TOKEN));
        // An inline destination of the same origin inherits; of another it does not.
        let inline = json!({"destination": {"url": receiver.url(), "endpoint_key": "call.ended"}});
        told.push_str(&sent(api, "inline", inline).await.to_string());
        assert!(receiver.arrived()[1].header("authorization").contains(TOKEN));
        let elsewhere = Receiver::healthy().await;
        let foreign = json!({"destination": {"url": elsewhere.url(), "endpoint_key": "call.ended"}});
        told.push_str(&sent(api, "inline", foreign).await.to_string());
        assert_eq!(elsewhere.arrived()[0].header("authorization"), "");
        tokens.status.store(401, Ordering::SeqCst);
        let path = format!("/v1/endpoints/{}", id_of(&made));
        told.push_str(&api.patch(&path, &json!({"auth": {"scopes": ["x"]}})).await.expect(200).to_string());
        told.push_str(&sent(api, "call.ended", json!({})).await.to_string());
        for path in [path.as_str(), "/v1/endpoints", "/v1/audit", "/v1/deliveries", "/metrics"] {
            told.push_str(&String::from_utf8_lossy(&api.get(path).await.bytes));
        }
        let (log, dump) = (server.log(), database.dump().await);
        assert!(told.contains("***") && is_told(&dump, "call.ended"));
        for canary in [SECRET, TOKEN] {
            assert!(!told.contains(canary), "{canary} is told: {told}");
            assert!(!log.contains(canary), "{canary} is in the log");
            assert!(!is_told(&dump, canary), "{canary} can be read in the database");
        }
    }
}

//! Promise 16: erased means unreadable everywhere, and there is a receipt.
//!
//! Canaries stand in the payload, in the keys, in the URL of an inline destination, and in what receivers echo. After
//! erasing, they are searched in every answer of the API and in what a thief of the database would hold.

use ringback::event::NewEvent;
use ringback_tests::{
    api::{Api, id_of},
    command::ringback,
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::{Serve, Server},
    stores::Store,
    told::is_told,
    until::until,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const PAYLOAD: &str = "canary-in-the-payload";
const KEY: &str = "canary-in-the-key";
const ECHOED: &str = "canary-in-the-answer";
const URL: &str = "canary-in-the-url";

/// Fails the first request and delivers the next; echoes what it is sent, in a header and in the body.
async fn echoing() -> Receiver {
    Receiver::scripted(|request| {
        let reply = Reply::status(if request.index % 2 == 0 { 500 } else { 200 }).header("x-echo", ECHOED);
        let mut body = request.body.to_vec();
        body.extend_from_slice(ECHOED.as_bytes());
        reply.body(body)
    })
    .await
}

fn fields() -> Value {
    json!({"key": KEY, "ordering_key": KEY, "idempotency_key": KEY})
}

fn payload() -> Vec<u8> {
    // Longer than a page, so that a database keeps it elsewhere than in the row.
    let long = PAYLOAD.repeat(1_000);
    format!(r#"{{"said":"{long}"}}"#).into_bytes()
}

/// One event delivered at the second try, and one dead; both through an endpoint, a third to a URL of its own.
async fn events(server: &Server, receiver: &Receiver) -> Vec<String> {
    let retry = json!({"max_attempts": 3, "delays_ms": [50], "jitter": 0.0});
    let endpoint = json!({"url": receiver.url(), "event_types": ["call.ended"], "retry": retry, "ordered": true});
    server.api.endpoint(endpoint).await;
    let delivered = server.api.emit("call.ended", &payload(), fields()).await;
    let id = server.api.delivery_of(&delivered).await;
    server.api.delivery_with_status(&id, "delivered").await;
    let destination = json!({"url": format!("{}/{URL}?{URL}", receiver.url()), "headers": {"x-own": URL}, "retry": {"max_attempts": 1}});
    let inline = json!({"destination": destination, "key": KEY});
    let dead = server.api.emit("call.inline", &payload(), inline).await;
    let id = server.api.delivery_of(&dead).await;
    server.api.delivery_with_status(&id, "dead").await;
    vec![delivered, dead]
}

/// All that the API tells of an event.
async fn told(api: &Api, event: &str) -> String {
    let mut told = api.get(&format!("/v1/events/{event}")).await.expect(200).to_string();
    for delivery in api.deliveries_of(event).await {
        told.push_str(&api.get(&format!("/v1/deliveries/{}", id_of(&delivery))).await.expect(200).to_string());
    }
    for list in ["events", "deliveries", "dead-letters"] {
        told.push_str(&api.get(&format!("/v1/{list}")).await.expect(200).to_string());
    }
    told.push_str(&String::from_utf8_lossy(&api.get(&format!("/v1/events/{event}/payload")).await.bytes));
    told
}

/// What a thief of the files would hold: on SQLite, every file of the folder; on PostgreSQL, what statements read.
async fn stolen(database: &Database) -> Vec<u8> {
    let mut all = database.dump().await;
    if database.store() == Store::Sqlite {
        for entry in std::fs::read_dir(database.folder()).expect("a folder") {
            all.extend(std::fs::read(entry.expect("an entry").path()).unwrap_or_default());
        }
    }
    all
}

on_both_stores! {
    async fn nothing_of_an_expunged_event_can_be_read(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = echoing().await;
        let events = events(&server, &receiver).await;
        let before = told(&server.api, &events[0]).await + &told(&server.api, &events[1]).await;
        let stored = stolen(&database).await;
        for canary in [PAYLOAD, KEY, ECHOED, URL] {
            assert!(before.contains(canary) && is_told(&stored, canary), "without {canary} this would prove nothing");
        }
        for event in &events {
            server.api.delete(&format!("/v1/events/{event}/payload?key=true")).await.expect(204);
            server.api.get(&format!("/v1/events/{event}/payload")).await.expect_problem(410, "payload_expunged");
        }
        let after = told(&server.api, &events[0]).await + &told(&server.api, &events[1]).await;
        let stored = stolen(&database).await;
        for canary in [PAYLOAD, KEY, ECHOED, URL] {
            assert!(!after.contains(canary), "{canary} can be read in the API: {after}");
            assert!(!is_told(&stored, canary), "{canary} can be read in the database");
        }
        assert!(after.contains(&receiver.address().to_string()), "where it went is still told");
        assert!(after.contains("\"status_code\":500"), "and what came of it");
        assert_eq!(server.api.balanced_ledger().await["deliveries"]["cancelled"], 1);
        server.api.delete(&format!("/v1/events/{}/payload?key=perhaps", events[0])).await.expect_problem(400, "unknown_value");
    }

    async fn without_being_asked_the_keys_stay(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = echoing().await;
        let events = events(&server, &receiver).await;
        for event in &events {
            server.api.delete(&format!("/v1/events/{event}/payload")).await.expect(204);
        }
        let stored = stolen(&database).await;
        for (canary, stays) in [(PAYLOAD, false), (ECHOED, false), (URL, false), (KEY, true)] {
            assert_eq!(is_told(&stored, canary), stays, "{canary}");
        }
        assert_eq!(server.api.get(&format!("/v1/events?key={KEY}")).await.expect(200)["items"].as_array().map(Vec::len), Some(2));
    }

    async fn an_expunge_of_many_survives_a_kill_and_gives_a_receipt(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).set("lease", "3s").start().await;
        let receiver = Receiver::healthy().await;
        let retry = json!({"max_attempts": 2, "delays_ms": [50], "jitter": 0.0});
        server.api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "retry": retry})).await;
        let mut ids = Vec::new();
        for part in 0..20 {
            let events: Vec<_> = (0..100).map(|n| json!({"type": "x", "key": KEY, "payload": format!("{PAYLOAD}-{part}-{n}")})).collect();
            let answer = server.api.post("/v1/events/batch", &json!({"events": events})).await.expect(202);
            let answers = answer["items"].as_array().expect("one answer an event").clone();
            ids.extend(answers.iter().map(id_of));
        }
        let other = server.api.emit("x", b"\"kept\"", json!({"key": "another"})).await;
        let preview = json!({"tenant": "default", "key": KEY, "dry_run": true});
        let preview = server.api.post("/v1/expunge", &preview).await.expect(200);
        assert_eq!((&preview["id"], &preview["state"], &preview["matched"]), (&Value::Null, &json!("preview"), &json!(2_000)));
        let begun = server.api.post("/v1/expunge?key=true", &json!({"tenant": "default", "key": KEY})).await.expect(202);
        let id = id_of(&begun);
        assert_eq!((&begun["state"], &begun["filter"]["key"], &begun["receipt"]), (&json!("running"), &json!("***"), &Value::Null));
        server.kill().await;
        let server = Serve::on(&database).set("lease", "3s").start().await;
        let done = until("there is a receipt", async || {
            let expunge = server.api.get(&format!("/v1/expunges/{id}")).await.expect(200);
            let sum: i64 = ["expunged", "skipped", "remaining"].map(|part| expunge[part].as_i64().expect("a count")).iter().sum();
            assert_eq!(sum, 2_000, "{expunge}");
            (expunge["state"] == "completed").then_some(expunge)
        })
        .await;
        ids.sort();
        let digest = hex::encode(Sha256::digest(ids.iter().map(|id| format!("{id}\n")).collect::<String>()));
        let receipt = &done["receipt"];
        assert_eq!((&receipt["events"], &receipt["ids_sha256"]), (&json!(2_000), &json!(digest)), "{done}");
        assert_eq!((&receipt["actor"], &receipt["at"]), (&json!("admin_token"), &done["finished_at"]));
        let audit = server.api.get("/v1/audit").await.expect(200);
        assert!(audit["items"].as_array().expect("items").iter().any(|it| it["action"] == "expunge.create" && it["object_id"] == json!(id)));
        // What was under way when the first server was killed ends as a stale attempt, if at all.
        until("nothing is pending but what is kept", async || {
            let ledger = server.api.balanced_ledger().await;
            (ledger["deliveries"]["pending"].as_i64() <= Some(1)).then_some(())
        })
        .await;
        let stored = stolen(&database).await;
        for canary in [PAYLOAD, KEY] {
            assert!(!is_told(&stored, canary), "{canary} can be read in the database");
        }
        server.api.get(&format!("/v1/events/{other}/payload")).await.expect(200);
    }

    async fn the_command_line_expunges_one_and_many(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let first = server.api.emit("x", b"1", json!({"key": KEY})).await;
        server.api.emit("x", b"2", json!({"key": KEY})).await;
        let told = ringback(&database, &["expunge", &first]).await.done();
        assert!(told.contains(&first) && told.contains("erased"), "{told}");
        let by_key = ["expunge", "--tenant", "default", "--key", KEY];
        let preview = ringback(&database, &[&by_key[..], &["--dry-run", "--json"]].concat()).await.json();
        assert_eq!((&preview["matched"], &preview["state"]), (&json!(2), &json!("preview")));
        let told = ringback(&database, &[&by_key[..], &["--with-keys"]].concat()).await.done();
        assert!(told.contains("completed") && told.contains("sha256") && told.contains("command_line"), "{told}");
        assert_eq!(ringback(&database, &by_key).await.code, 3, "nothing is left under that key");
        for wrong in [&["expunge"][..], &["expunge", "evt_x"], &["expunge", "--key", KEY], &["expunge", "--tenant", "a", "--key", "k", "--type", "t"]] {
            assert_eq!(ringback(&database, wrong).await.code, 2, "{wrong:?}");
        }
        let absent = format!("evt_{}", "0".repeat(32));
        assert_eq!(ringback(&database, &["expunge", &absent]).await.code, 3);
    }

    async fn an_unrouted_event_is_erased_like_any_other(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = echoing().await;
        server.terminate().await;
        let event = NewEvent::new("x", payload()).key(KEY).idempotency_key(KEY);
        let id = database.emit(&event).await;
        let _ = ringback(&database, &["expunge", &id, "--with-keys"]).await.done();
        let stored = stolen(&database).await;
        assert!(!is_told(&stored, PAYLOAD) && !is_told(&stored, KEY));
        let server = Serve::on(&database).start().await;
        let event = until("it is routed", async || {
            let event = server.api.get(&format!("/v1/events/{id}")).await.expect(200);
            (event["state"] != "unrouted").then_some(event)
        })
        .await;
        assert!(!event["expunged_at"].is_null());
        assert_eq!(receiver.count(), 0);
    }
}

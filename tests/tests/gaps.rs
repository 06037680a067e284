//! Which of a platform's calls got no webhook: its list of keys, held against what was sent.

use std::time::Instant;

use ringback_tests::{
    api::Api,
    command::ringback,
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::Serve,
    stores::Store,
};
use serde_json::{Value, json};

async fn ask(api: &Api, query: &str, kind: &str, body: &str) -> Value {
    let url = format!("{}/v1/gaps{query}", api.base());
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.post(url).bearer_auth(ringback_tests::server::TOKEN).header("content-type", kind);
    let response = request.body(body.to_owned()).send().await.expect("an answer");
    let status = response.status().as_u16();
    let mut answer: Value = response.json().await.expect("JSON");
    answer["status"] = status.into();
    answer
}

fn fates(answer: &Value) -> Vec<(&str, &str)> {
    let items = answer["items"].as_array().expect("a list");
    items.iter().map(|it| (it["key"].as_str().expect("a key"), it["status"].as_str().expect("a word"))).collect()
}

on_both_stores! {
    async fn every_key_of_a_list_is_told_what_became_of_it(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::scripted(|it| Reply::status(if it.body == "\"bad\"" { 500 } else { 204 })).await;
        let fields = json!({"url": receiver.url(), "event_types": ["call.*"], "key": "crm", "retry": {"max_attempts": 1}});
        let crm = ringback_tests::api::id_of(&server.api.endpoint(fields).await);
        let fields = json!({"url": receiver.url(), "event_types": ["agent.*"], "key": "billing"});
        let billing = ringback_tests::api::id_of(&server.api.endpoint(fields).await);
        let emit = async |event_type: &str, payload: &str, key: &str| {
            server.api.emit(event_type, payload.as_bytes(), json!({"key": key})).await
        };
        let done = async |event: String, status: &str| {
            let delivery = server.api.delivery_of(&event).await;
            server.api.delivery_with_status(&delivery, status).await;
            delivery
        };
        done(emit("call.ended", "\"good\"", "call-good").await, "delivered").await;
        let dead = done(emit("call.ended", "\"bad\"", "call-bad").await, "dead").await;
        // Of two the worse counts.
        done(emit("call.started", "\"good\"", "call-bad").await, "delivered").await;
        emit("nobody.wants.it", "1", "call-unmatched").await;
        let cancelled = done(emit("call.ended", "\"bad\"", "call-off").await, "dead").await;
        server.api.delete(&format!("/v1/dead-letters/{cancelled}")).await.expect(204);
        server.api.post(&format!("/v1/endpoints/{crm}/pause"), &json!({})).await.expect(200);
        emit("call.ended", "\"good\"", "call-held").await;

        let keys = "key,at\ncall-good,1\n\"call-bad\",2\ncall-none\ncall-unmatched\n\ncall-off\ncall-held\n";
        let answer = ask(&server.api, "", "text/csv", keys).await;
        let told = [
            ("call-good", "delivered"),
            ("call-bad", "dead"),
            ("call-none", "never_emitted"),
            ("call-unmatched", "unmatched"),
            ("call-off", "cancelled"),
            ("call-held", "pending"),
        ];
        assert_eq!(fates(&answer), told);
        assert_eq!(answer["items"][1]["delivery_id"], dead.as_str());
        assert_eq!(answer["counts"], json!({
            "delivered": 1, "dead": 1, "never_emitted": 1, "unmatched": 1, "cancelled": 1, "pending": 1,
        }));
        let lines = "\"call-good\"\n{\"key\": \"call-bad\", \"ended\": 3.0}\n";
        assert_eq!(fates(&ask(&server.api, "", "application/x-ndjson", lines).await), told[..2]);

        let one = async |query: &str| {
            let answer = ask(&server.api, query, "text/csv", "call-good").await;
            fates(&answer).first().map(|(_, fate)| (*fate).to_owned())
        };
        assert_eq!(one("?late_after=0").await.as_deref(), Some("delivered_late"));
        assert_eq!(one(&format!("?endpoint_id={billing}")).await.as_deref(), Some("unmatched"));
        assert_eq!(one("?tenant=other").await.as_deref(), Some("never_emitted"));
        assert_eq!(one("?since=2100-01-01T00:00:00Z").await.as_deref(), Some("never_emitted"));

        for (kind, body, status) in [
            ("text/csv", "a\u{0}b", 422),
            ("application/x-ndjson", "call-good", 422),
            ("image/png", "call-good", 415),
        ] {
            assert_eq!(ask(&server.api, "", kind, body).await["status"], status, "{kind} {body:?}");
        }
        let many = "k\n".repeat(100_001);
        assert_eq!(ask(&server.api, "", "text/csv", &many).await["errors"][0]["code"], "too_many");

        let file = database.folder().join("calls.csv");
        std::fs::write(&file, keys).expect("a file");
        let file = file.to_str().expect("a path");
        let ended = ringback(&database, &["gaps", "--expected", file]).await;
        let said = &ended.out;
        assert!(said.contains("call-none") && said.contains("never_emitted") && !said.contains("call-good"), "{said}");
        assert_eq!(ended.code, 3, "{said}");
        std::fs::write(file, "call-good\n").expect("a file");
        assert_eq!(ringback(&database, &["gaps", "--expected", file]).await.code, 0);
    }

    async fn a_list_of_a_hundred_thousand_keys_is_asked_about_in_steps(store: Store) {
        const KEYS: usize = 100_000;
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        server.api.endpoint_at(&receiver.url()).await;
        // Of every hundredth call there is an event.
        let event = |number: usize| json!({"type": "call.ended", "payload": {}, "key": format!("call-{number}")});
        let events: Vec<_> = (0..KEYS).step_by(100).map(event).collect();
        for batch in events.chunks(500) {
            server.api.post("/v1/events/batch", &json!({"events": batch})).await.expect(202);
        }
        receiver.wait_for(KEYS / 100).await;
        server.api.settled().await;
        let list = (0..KEYS).map(|number| format!("call-{number},2026-01-31\n")).collect::<String>();
        let begun = Instant::now();
        let answer = ask(&server.api, "", "text/csv", &list).await;
        eprintln!("{store:?}: {KEYS} keys by HTTP in {:?}", begun.elapsed());
        let counts = json!({"delivered": KEYS / 100, "never_emitted": KEYS - KEYS / 100});
        assert_eq!(answer["counts"], counts);
        let told = fates(&answer);
        let right = |number: usize| if number.is_multiple_of(100) { "delivered" } else { "never_emitted" };
        let is_right = |(number, (key, fate)): (usize, &(&str, &str))| *key == format!("call-{number}") && *fate == right(number);
        assert!(told.len() == KEYS && told.iter().enumerate().all(is_right));

        let file = database.folder().join("calls.csv");
        std::fs::write(&file, format!("key,at\n{list}")).expect("a file");
        let file = file.to_str().expect("a path");
        let begun = Instant::now();
        let ended = ringback(&database, &["gaps", "--expected", file, "--json"]).await;
        eprintln!("{store:?}: {KEYS} keys by command in {:?}", begun.elapsed());
        assert_eq!(ended.code, 3, "{}", ended.err);
        let all: Value = serde_json::from_str(&ended.out).expect("one document, of many answers");
        assert_eq!((&all["counts"], &all["items"]), (&counts, &answer["items"]));
        // What is wrong is told with its line, also far behind the first step.
        std::fs::write(file, format!("{list}\u{1}\n")).expect("a file");
        let ended = ringback(&database, &["gaps", "--expected", file]).await;
        assert!(ended.code == 2 && ended.err.contains("line 100001 has no key"), "{}: {}", ended.code, ended.err);
    }
}

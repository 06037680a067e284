//! Who changed what: every change through the API is in the log once, a refusal never, and no secret is.

use reqwest::Method;
use ringback_tests::{
    api::{Api, id_of},
    command::ringback,
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::Serve,
    stores::Store,
    until::until,
};
use serde_json::{Value, json};

const SECRET: &str = "canary-in-a-signing-secret";
const ROTATED: &str = "canary-in-a-rotated-secret";
const BEARER: &str = "canary-in-a-bearer-token";
const HEADER: &str = "canary-in-a-custom-header";
const PATCHED: &str = "canary-in-a-patched-header";
const CANARIES: [&str; 5] = [SECRET, ROTATED, BEARER, HEADER, PATCHED];

/// The whole log, oldest first.
async fn log(api: &Api) -> Vec<Value> {
    let page = api.get("/v1/audit?limit=1000").await.expect(200);
    let mut items = page["items"].as_array().expect("items").clone();
    items.reverse();
    items
}

/// Each change's action and object.
fn told(items: &[Value]) -> Vec<String> {
    let text = |item: &Value, name| item[name].as_str().expect("a text").to_owned();
    items.iter().map(|item| format!("{} {}", text(item, "action"), text(item, "object_id"))).collect()
}

async fn put(api: &Api, path: &str, body: &Value) -> ringback_tests::api::Answer {
    api.ask(Method::PUT, path, Some(body.to_string().into())).await.expect("the server answers")
}

on_both_stores! {
    async fn every_change_is_in_the_log_once_and_a_refusal_never(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::answering(500).await;
        let admin = ringback(&database, &["token", "create", "--scope", "admin", "--tenant", "acme"]).await.done();
        let api = server.api.with_token(admin.trim());
        let token = id_of(&ringback(&database, &["token", "list", "--json"]).await.json()["items"][0]);
        let operator = server.api.with_token(ringback(&database, &["token", "create", "--scope", "operator"]).await.done().trim());

        // Endpoints.
        let once = json!({"max_attempts": 1, "delays_ms": [50], "jitter": 0.0});
        let endpoint = json!({
            "url": receiver.url(), "event_types": ["*"], "key": "crm", "scheme": "github", "secret": SECRET, "retry": once,
            "headers": {"x-customer": HEADER}, "auth": {"type": "bearer", "token": BEARER},
        });
        let made = api.post("/v1/endpoints", &endpoint).await;
        let request_id = made.headers["x-request-id"].to_str().expect("ASCII").to_owned();
        let id = id_of(&made.expect(201));
        let path = format!("/v1/endpoints/{id}");
        api.post("/v1/endpoints", &endpoint).await.expect_problem(409, "key_taken");
        api.patch(&path, &json!({"headers": {"x-customer": PATCHED}})).await.expect(200);
        api.patch(&path, &json!({"name": null})).await.expect(200);
        api.patch(&path, &json!({"url": "nonsense nonsense"})).await.expect(422);
        for _ in 0..2 {
            api.post(&format!("{path}/pause"), &json!({})).await.expect(200);
        }
        operator.post(&format!("{path}/resume"), &json!({})).await.expect(200);
        api.post(&format!("{path}/rotate-secret"), &json!({"secret": ROTATED})).await.expect(200);
        let by_key = "/v1/endpoints/by-key/acme/second";
        let second = json!({"url": receiver.url(), "event_types": [], "name": "second"});
        let second_id = id_of(&put(&api, by_key, &second).await.expect(201));
        put(&api, by_key, &second).await.expect(200);
        put(&api, by_key, &json!({"url": receiver.url(), "event_types": ["a"]})).await.expect(200);

        // Deliveries.
        let event = api.emit("call.ended", b"{}", json!({"ordering_key": "call-1"})).await;
        let delivery = api.delivery_of(&event).await;
        api.delivery_with_status(&delivery, "dead").await;
        let replay = json!({"filter": {"status": "dead"}, "rate_per_second": 0.001, "reason": "repaired"});
        let mut preview = replay.clone();
        preview["dry_run"] = json!(true);
        operator.post("/v1/replays", &preview).await.expect(200);
        let replay_id = id_of(&operator.post("/v1/replays", &replay).await.expect(202));
        for _ in 0..2 {
            operator.post(&format!("/v1/replays/{replay_id}/cancel"), &json!({})).await.expect(200);
        }
        until("whatever the replay released is dead again", async || {
            let answer = api.get(&format!("/v1/deliveries/{delivery}")).await.expect(200);
            (answer["status"] == "dead").then_some(())
        })
        .await;
        api.post(&format!("/v1/dead-letters/{delivery}/replay"), &json!({})).await.expect(202);
        api.delivery_with_status(&delivery, "dead").await;
        api.delete(&format!("/v1/dead-letters/{delivery}")).await.expect(204);
        api.delete(&format!("/v1/dead-letters/{delivery}")).await.expect(404);
        api.post(&format!("/v1/deliveries/{delivery}/replay"), &json!({})).await.expect_problem(409, "cancelled");
        api.delete(&format!("/v1/events/{event}/payload")).await.expect(204);
        api.delete(&format!("/v1/events/{event}/payload")).await.expect(204);

        // A test, answered 410; then the end.
        receiver.answer(|_| Reply::status(410));
        let test = api.post(&format!("{path}/test"), &json!({})).await.expect(202);
        until("the endpoint is disabled", async || {
            (api.get(&path).await.expect(200)["disabled_reason"] == "gone").then_some(())
        })
        .await;
        api.delete(&path).await.expect(204);
        api.delete(&path).await.expect(404);

        let items = log(&api).await;
        let expected = [
            format!("token.create {token}"),
            format!("endpoint.create {id}"),
            format!("endpoint.update {id}"),
            format!("endpoint.pause {id}"),
            format!("endpoint.resume {id}"),
            format!("endpoint.rotate_secret {id}"),
            format!("endpoint.create {second_id}"),
            format!("endpoint.replace {second_id}"),
            format!("delivery.replay {delivery}"),
            format!("dead_letter.discard {delivery}"),
            format!("event.expunge {event}"),
            format!("endpoint.test {id}"),
            format!("endpoint.disable {id}"),
            format!("endpoint.delete {id}"),
        ];
        assert_eq!(told(&items), expected, "{items:#?}");
        assert!(items.iter().all(|item| item["tenant"] == "acme"), "{items:#?}");
        let who: Vec<_> = items.iter().map(|item| item["who"].as_str().expect("a text")).collect();
        let operators = who[4];
        assert_eq!((who[0], who[1], who[12]), ("command_line", &*token, "engine"));
        assert!(operators.starts_with("tok_") && operators != token, "{operators}");
        assert_eq!(items[1]["request_id"], json!(request_id));
        assert!(items[0]["request_id"].is_null() && items[12]["request_id"].is_null(), "nobody asked by HTTP");

        let (masked, changed) = (json!("***"), json!("*** (changed)"));
        assert!(items[1]["before"].is_null());
        let after = &items[1]["after"];
        assert_eq!((&after["secrets"], &after["headers"]["x-customer"], &after["auth"]["token"]), (&masked, &masked, &masked));
        assert_eq!((&after["key"], &after["paused"]), (&json!("crm"), &json!(false)));
        let patched = &items[2];
        assert_eq!((&patched["before"]["headers"]["x-customer"], &patched["after"]["headers"]["x-customer"]), (&masked, &changed));
        assert_eq!((&items[3]["before"]["paused"], &items[3]["after"]["paused"]), (&json!(false), &json!(true)));
        assert_eq!(items[5]["after"]["secrets"], changed);
        assert_eq!((&items[7]["before"]["name"], &items[7]["after"]["name"]), (&json!("second"), &Value::Null));
        assert_eq!(items[11]["after"]["event_id"], test["event_id"]);
        assert_eq!(items[12]["after"], json!({"enabled": false, "disabled_reason": "gone"}));
        assert_eq!(items[13]["before"]["disabled_reason"], "gone");

        // Who is bound to no tenant sees what is nobody's, too.
        let all = log(&server.api).await;
        let mine: Vec<_> = all.iter().filter(|item| item["tenant"].is_null()).cloned().collect();
        assert_eq!(told(&mine)[1..], [format!("replay.create {replay_id}"), format!("replay.cancel {replay_id}")]);
        assert_eq!(mine[1]["after"], json!({"filter": {"status": "dead"}, "rate_per_second": 0.001, "note": "repaired"}));
        assert_eq!(all.len(), items.len() + mine.len());

        let text = serde_json::to_string(&all).expect("JSON");
        let dump = String::from_utf8_lossy(&database.dump().await).into_owned();
        assert!(dump.contains("endpoint.rotate_secret"), "a dump without the log would prove nothing");
        for canary in CANARIES.into_iter().chain([&admin.trim()[37..]]) {
            assert!(!text.contains(canary) && !dump.contains(canary), "{canary} can be read");
        }
    }

    async fn the_log_is_read_in_pages_and_stretches_of_time(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        for _ in 0..5 {
            server.api.endpoint(json!({"url": "https://receiver.acme-voice.com/hook", "event_types": []})).await;
        }
        let all = log(&server.api).await;
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = server.api.get(&format!("/v1/audit?limit=2{cursor}")).await.expect(200);
            seen.extend(page["items"].as_array().expect("items").clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        seen.reverse();
        assert_eq!(seen, all);
        let third = all[2]["at"].as_str().expect("a time");
        let since = server.api.get(&format!("/v1/audit?since={third}")).await.expect(200);
        let until = server.api.get(&format!("/v1/audit?until={third}")).await.expect(200);
        let count = |page: &Value| page["items"].as_array().expect("items").len();
        assert_eq!((count(&since), count(&until)), (3, 2));
        for wrong in ["tenant=acme", "limit=0", "since=yesterday", "cursor=AAAA"] {
            server.api.get(&format!("/v1/audit?{wrong}")).await.expect(400);
        }
    }
}

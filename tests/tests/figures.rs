//! Figures over time are exact, also of what died without an attempt; they tell of each endpoint how it does, and whoever
//! reads one tenant's sees that tenant's only.

use std::time::Duration;

use ringback_tests::{
    api::{Api, count, id_of},
    command::ringback,
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::Serve,
    stores::Store,
    until::until,
};
use serde_json::{Value, json};

fn once() -> Value {
    json!({"max_attempts": 1, "delays_ms": [50], "jitter": 0.0})
}

/// The sum of a number of all steps.
fn sum(figures: &Value, pointer: &str) -> i64 {
    let items = figures["items"].as_array().expect("items");
    items.iter().filter_map(|step| step.pointer(pointer)).map(count).sum()
}

async fn health(api: &Api, endpoint: &str) -> Value {
    api.get(&format!("/v1/endpoints/{endpoint}")).await.expect(200)["health"].clone()
}

on_both_stores! {
    async fn figures_and_the_last_24_hours_count_every_attempt_and_every_death(store: Store) {
        let database = Database::fresh(store).await;
        // More attempts than any page or sample has, and something that expires.
        let server = Serve::on(&database).set("expires_after", "1s").start().await;
        let receiver = Receiver::healthy().await;
        let broken = Receiver::answering(503).await;
        let api = &server.api;
        let good = id_of(&api.endpoint(json!({"url": receiver.url(), "event_types": ["good"], "max_in_flight": 64})).await);
        let bad = id_of(&api.endpoint(json!({"url": broken.url(), "event_types": ["bad"], "retry": once()})).await);
        let late = id_of(&api.endpoint(json!({"url": receiver.url(), "event_types": ["late"]})).await);
        api.post(&format!("/v1/endpoints/{late}/pause"), &json!({})).await.expect(200);
        let event = |event_type: &str| json!({"type": event_type, "payload": {}});
        for _ in 0..12 {
            let events: Vec<_> = (0..100).map(|_| event("good")).collect();
            api.post("/v1/events/batch", &json!({"events": events})).await.expect(202);
        }
        for event_type in ["bad", "bad", "late"] {
            api.emit(event_type, b"{}", json!({})).await;
        }
        let dead = async || (count(&api.get("/v1/ledger").await.expect(200)["deliveries"]["dead"]) == 3).then_some(());
        until("two fail and one expires", dead).await;
        let last = async |endpoint: &str| api.get(&format!("/v1/endpoints/{endpoint}")).await.expect(200)["last_24h"].clone();
        until("all are delivered", async || (count(&last(&good).await["delivered"]) == 1_200).then_some(())).await;
        let told = last(&bad).await;
        assert_eq!((&told["delivered"], &told["failed"], &told["dead"]), (&json!(0), &json!(2), &json!(2)), "{told}");
        let told = last(&late).await;
        assert_eq!((&told["failed"], &told["dead"], &told["p50_ms"]), (&json!(0), &json!(1), &Value::Null), "{told}");
        assert!(last(&good).await["p99_ms"].as_f64() >= last(&good).await["p50_ms"].as_f64());

        for step in ["", "?step=1h", "?step=60", "?step=1d"] {
            let all = api.get(&format!("/v1/figures{step}")).await.expect(200);
            assert_eq!((sum(&all, "/attempts/delivered"), sum(&all, "/attempts/failed")), (1_200, 2), "{step}");
            assert_eq!((sum(&all, "/attempts/status"), sum(&all, "/first_attempts"), sum(&all, "/dead")), (2, 1_202, 3));
        }
        let own = api.get(&format!("/v1/endpoints/{bad}/figures?step=1h")).await.expect(200);
        assert_eq!((sum(&own, "/attempts/delivered"), sum(&own, "/attempts/status"), sum(&own, "/dead")), (0, 2, 2));
        let steps = own["items"].as_array().expect("items");
        assert!((24..=25).contains(&steps.len()), "each hour of the day: {}", steps.len());
        assert!(steps.iter().any(|step| step["duration_ms"]["p95"].is_number()));
        assert_eq!(steps[0]["duration_ms"], json!({"p50": null, "p95": null, "p99": null}));
        assert_eq!(sum(&api.get("/v1/figures?tenant=somebody-else").await.expect(200), "/dead"), 0);

        let printed = ringback(&database, &["figures", &bad, "--step", "1h"]).await.done();
        assert!(printed.contains("status 2") && printed.contains("DEAD"), "{printed}");
        let json = ringback(&database, &["figures", "--json"]).await.json();
        assert_eq!(sum(&json, "/first_attempts"), 1_202);

        // What a stopped process had counted is there for the next.
        server.terminate().await;
        let server = Serve::on(&database).start().await;
        assert_eq!(sum(&server.api.get("/v1/figures").await.expect(200), "/attempts/delivered"), 1_200);
    }

    async fn too_many_steps_are_refused_with_what_would_be_right(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let month = "/v1/figures?since=2026-01-01T00:00:00Z&until=2026-01-31T00:00:00Z";
        let refused = server.api.get(&format!("{month}&step=1m")).await.expect_problem(422, "too_many");
        assert_eq!(refused["errors"][0]["parameter"], "step", "{refused}");
        let detail = refused["errors"][0]["detail"].as_str().expect("a detail");
        assert!(detail.contains("43200 steps") && detail.contains("a step of 29m or more"), "{detail}");
        assert_eq!(server.api.get(&format!("{month}&step=29m")).await.expect(200)["items"].as_array().map(Vec::len), Some(1_491));
        server.api.get(&format!("{month}&step=90s")).await.expect_problem(422, "out_of_range");
        server.api.get("/v1/figures?step=soon").await.expect_problem(400, "malformed");
        let backwards = "/v1/figures?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z";
        let refused = server.api.get(backwards).await.expect_problem(422, "out_of_range");
        assert_eq!(refused["errors"][0]["parameter"], "until", "{refused}");
    }

    async fn an_endpoint_says_how_it_does_and_since_when(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::scripted(|request| {
            Reply::status(if request.header("ringback-event-type") == "bad" { 500 } else { 204 })
        }).await;
        let api = &server.api;
        let retry = json!({"max_attempts": 2, "delays_ms": [60_000], "jitter": 0.0});
        let endpoint = id_of(&api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "retry": retry})).await);
        let told = health(api, &endpoint).await;
        assert_eq!((&told["state"], &told["last_success_at"], &told["pending"]), (&json!("idle"), &Value::Null, &json!(0)));

        api.emit("good", b"{}", json!({})).await;
        let ok = until("it does well", async || Some(health(api, &endpoint).await).filter(|it| it["state"] == "ok" && it["last_success_at"].is_string())).await;
        assert_eq!((&ok["since"], &ok["last_failure"]), (&ok["last_success_at"], &Value::Null), "{ok}");

        let event = api.emit("bad", b"{}", json!({})).await;
        let failing = until("it fails", async || Some(health(api, &endpoint).await).filter(|it| it["state"] == "failing")).await;
        assert_eq!((&failing["pending"], &failing["last_failure"]["status_code"]), (&json!(1), &json!(500)), "{failing}");
        assert_eq!((&failing["since"], &failing["last_failure"]["error"]), (&failing["last_failure"]["at"], &json!("status")));
        assert!(failing["oldest_due_at"].is_string());
        let listed = api.get("/v1/endpoints").await.expect(200);
        assert_eq!(listed["items"][0]["health"], failing);
        let printed = ringback(&database, &["endpoints", "list"]).await.done();
        assert!(printed.contains("failing") && !printed.contains("enabled"), "{printed}");
        let printed = ringback(&database, &["endpoints", "get", &endpoint]).await.done();
        assert!(printed.contains("failing since") && printed.contains("(500)"), "{printed}");

        let delivery = api.delivery_of(&event).await;
        let delivery = api.delivery_when(&delivery, "it waits", |it| it["attempt_count"] == 1).await;
        assert_eq!((&delivery["max_attempts"], &delivery["policy_origin"]), (&json!(2), &json!("endpoint")), "{delivery}");
        let printed = ringback(&database, &["explain", &event]).await.done();
        assert!(printed.contains("attempt 2 of 2 (policy: endpoint), next"), "{printed}");

        api.post(&format!("/v1/endpoints/{endpoint}/pause"), &json!({})).await.expect(200);
        let held = health(api, &endpoint).await;
        assert_eq!((&held["state"], &held["hold_reason"], &held["held_until"]), (&json!("held"), &json!("paused"), &Value::Null));
    }

    async fn where_a_policy_comes_from_is_told(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let api = &server.api;
        let origin = async |fields: Value| {
            let event = api.emit("call.ended", b"{}", fields).await;
            let delivery = api.delivery_of(&event).await;
            let told = api.get(&format!("/v1/deliveries/{delivery}")).await.expect(200);
            (told["max_attempts"].clone(), told["policy_origin"].clone())
        };
        let url = "https://93.184.215.14/";
        for (key, fields) in [("plain", json!({})), ("svix", json!({"preset": "svix"})), ("own", json!({"retry": {"max_attempts": 7}}))] {
            let mut endpoint = json!({"url": url, "key": key, "event_types": ["*"], "enabled": false});
            endpoint.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
            api.endpoint(endpoint).await;
        }
        assert_eq!(origin(json!({"endpoint_keys": ["plain"]})).await, (json!(3), json!("default")));
        assert_eq!(origin(json!({"endpoint_keys": ["svix"]})).await, (json!(8), json!("preset")));
        assert_eq!(origin(json!({"endpoint_keys": ["own"]})).await, (json!(7), json!("endpoint")));
        assert_eq!(origin(json!({"destination": {"url": url}})).await, (json!(3), json!("default")));
        assert_eq!(origin(json!({"destination": {"url": url, "retry": {"max_attempts": 2}}})).await, (json!(2), json!("inline")));
        assert_eq!(origin(json!({"destination": {"url": url, "endpoint_key": "own"}})).await, (json!(7), json!("endpoint")));
    }
}

/// A node that reads what others counted waits no longer than until they have added it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_node_counted_is_there_soon() {
    let database = Database::fresh(Store::Postgres).await;
    let (one, other) = (Serve::on(&database).start().await, Serve::on(&database).start().await);
    let receiver = Receiver::healthy().await;
    for _ in 0..8 {
        one.api.endpoint_at(&receiver.url()).await;
    }
    one.api.emit("call.ended", b"{}", json!({})).await;
    for server in [&one, &other] {
        until("all are in the figures", async || {
            tokio::time::sleep(Duration::from_millis(200)).await;
            (sum(&server.api.get("/v1/figures").await.expect(200), "/attempts/delivered") == 8).then_some(())
        })
        .await;
    }
}

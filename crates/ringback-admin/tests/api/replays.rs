//! Replays of many: previewed, made, cancelled. Releasing is the engine's own work and tested there.

use http::StatusCode;
use ringback::{delivery::DeadReason, store::Settlement};
use serde_json::{Value, json};

use crate::app::{App, members};

const FIELDS: [&str; 15] = [
    "id",
    "state",
    "filter",
    "matched",
    "released",
    "skipped",
    "remaining",
    "delivered",
    "dead",
    "bytes",
    "rate_per_second",
    "note",
    "reason",
    "created_at",
    "finished_at",
];

async fn three_dead_letters(app: &App) {
    app.endpoint("a").await;
    for _ in 0..3 {
        let (_, delivery) = app.delivery().await;
        let dead = Settlement::Dead { reason: DeadReason::Exhausted, detail: None, blocks: false };
        app.settle(delivery, dead, 500).await;
    }
}

#[tokio::test]
async fn a_preview_counts_and_stores_nothing() {
    let app = App::new().await;
    three_dead_letters(&app).await;
    let answer = app.post("/v1/replays", json!({"filter": {"status": "dead"}, "dry_run": true})).await;
    assert_eq!(members(&answer.body), FIELDS);
    let preview = answer.is(StatusCode::OK);
    assert_eq!((&preview["id"], &preview["state"]), (&Value::Null, &json!("preview")));
    assert_eq!((&preview["matched"], &preview["bytes"]), (&json!(3), &json!(21)));
    let none = json!({"filter": {"status": "dead", "type": "other"}, "dry_run": true});
    assert_eq!(app.post("/v1/replays", none).await.is(StatusCode::OK)["matched"], 0);
}

#[tokio::test]
async fn a_replay_is_a_fixed_set_that_can_be_followed_and_cancelled() {
    let app = App::new().await;
    three_dead_letters(&app).await;
    let request = json!({
        "filter": {"status": "dead", "tenant": "default", "key": "call-1", "since": "2020-01-01T00:00:00Z"},
        "rate_per_second": 0.5, "reason": "receiver repaired",
    });
    let made = app.post("/v1/replays", request).await.is(StatusCode::ACCEPTED);
    assert_eq!((&made["matched"], &made["remaining"]), (&json!(3), &json!(3)));
    assert_eq!((&made["rate_per_second"], &made["reason"]), (&json!(0.5), &json!("receiver repaired")));
    let path = format!("/v1/replays/{}", made.text("id"));
    assert_eq!(app.get(&path).await.is(StatusCode::OK)["state"], "running");
    for _ in 0..2 {
        let cancelled = app.post(&format!("{path}/cancel"), json!({})).await.is(StatusCode::OK);
        assert_eq!((&cancelled["state"], &cancelled["remaining"]), (&json!("cancelled"), &json!(3)));
    }
    assert_eq!(app.get(&path).await.is(StatusCode::OK)["state"], "cancelled");
    let absent = app.get("/v1/replays/rpl_00000000000000000000000000000000").await;
    assert_eq!(absent.refused(StatusCode::NOT_FOUND).0, "not_found");
}

#[tokio::test]
async fn every_wrong_field_of_a_replay_is_named() {
    let app = App::new().await;
    for (request, place) in [
        (json!({}), "/filter"),
        (json!({"filter": {}}), "/filter/status"),
        (json!({"filter": {"status": "pending"}}), "/filter/status"),
        (json!({"filter": {"status": "lost"}}), "/filter/status"),
        (json!({"filter": {"status": "dead", "hosts": "x"}}), "/filter/hosts"),
        (json!({"filter": {"status": "dead", "host": "a b"}}), "/filter/host"),
        (json!({"filter": {"status": "dead", "reason": "tired"}}), "/filter/reason"),
        (json!({"filter": {"status": "delivered", "reason": "gone"}}), "/filter/reason"),
        (json!({"filter": {"status": "dead", "last_status_code": 99}}), "/filter/last_status_code"),
        (json!({"filter": {"status": "delivered", "last_status_code": 500}}), "/filter/last_status_code"),
        (json!({"filter": {"status": "missing"}}), "/filter/endpoint_id"),
        (json!({"filter": {"status": "dead"}, "note": "\u{0}"}), "/note"),
        (json!({"filter": {"status": "dead"}, "note": "a", "reason": "b"}), "/reason"),
        (json!({"filter": {"status": "dead", "endpoint_id": "x"}}), "/filter/endpoint_id"),
        (json!({"filter": {"status": "dead", "type": "a b"}}), "/filter/type"),
        (json!({"filter": {"status": "dead", "tenant": ""}}), "/filter/tenant"),
        (json!({"filter": {"status": "dead", "key": "\u{0}"}}), "/filter/key"),
        (json!({"filter": {"status": "dead", "since": "now"}}), "/filter/since"),
        (json!({"filter": {"status": "dead"}, "rate_per_second": 0}), "/rate_per_second"),
        (json!({"filter": {"status": "dead"}, "rate_per_second": "fast"}), "/rate_per_second"),
        (json!({"filter": {"status": "dead"}, "dry_run": 1}), "/dry_run"),
        (json!({"filter": {"status": "dead"}, "reason": "\u{0}"}), "/reason"),
        (json!({"filter": {"status": "dead"}, "rate": 1}), "/rate"),
    ] {
        let answer = app.post("/v1/replays", request.clone()).await;
        assert_eq!(answer.refused(StatusCode::UNPROCESSABLE_ENTITY).1, place, "{request}");
    }
}

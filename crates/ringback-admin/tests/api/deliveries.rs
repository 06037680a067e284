//! Deliveries and their attempts; sending one again.

use std::time::Duration;

use http::StatusCode;
use ringback::store::Settlement;
use serde_json::json;

use crate::app::{App, members};

const FIELDS: [&str; 18] = [
    "id",
    "event_id",
    "endpoint_id",
    "tenant",
    "type",
    "key",
    "url",
    "status",
    "dead_reason",
    "attempt_count",
    "max_attempts",
    "policy_origin",
    "next_attempt_at",
    "held_until",
    "hold_reason",
    "created_at",
    "finished_at",
    "last_error",
];

#[tokio::test]
async fn a_delivery_tells_what_was_sent_and_answered() {
    let app = App::new().await;
    let endpoint = app.endpoint("a").await;
    let (event, delivery) = app.delivery().await;
    app.settle(delivery, Settlement::Retry { after: Duration::from_secs(60) }, 500).await;
    app.settle(delivery, Settlement::Delivered, 204).await;

    let answer = app.get(&format!("/v1/deliveries/{delivery}")).await;
    assert_eq!(members(&answer.body), [FIELDS.as_slice(), &["attempts"]].concat());
    let delivery = answer.is(StatusCode::OK);
    assert_eq!(delivery["event_id"], event);
    assert_eq!(delivery["endpoint_id"], endpoint);
    assert_eq!(delivery["url"], "https://receiver.acme-voice.com/hook");
    assert_eq!((&delivery["type"], &delivery["key"]), (&json!("CALL_ENDED"), &json!("call-1")));
    assert_eq!((&delivery["status"], &delivery["attempt_count"]), (&json!("delivered"), &json!(2)));
    assert!(delivery["finished_at"].is_string());
    assert_eq!(delivery["next_attempt_at"], json!(null));

    let attempts = delivery["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2);
    assert_eq!((&attempts[0]["number"], &attempts[1]["number"]), (&json!(1), &json!(2)));
    assert_eq!((&attempts[0]["outcome"], &attempts[1]["outcome"]), (&json!("failed"), &json!("delivered")));
    let mut first = attempts[0].clone();
    assert!(first["at"].take().is_string());
    assert_eq!(
        first,
        json!({
            "number": 1, "at": null, "outcome": "failed", "status_code": 500, "error": "status", "phase": null,
            "ambiguous": false, "duration_ms": 1.5,
            "timings": {"dns_ms": null, "connect_ms": null, "tls_ms": null, "head_ms": null, "body_ms": null},
            "remote_addr": "203.0.113.7:443",
            "request": {
                "method": "POST", "url": "https://receiver.acme-voice.com/hook", "headers": {"webhook-signature": "v1,shown"},
            },
            "response": {
                "headers": {"server": "receiver"}, "body": "//4=", "body_encoding": "base64", "truncated": false,
            },
        })
    );
}

#[tokio::test]
async fn a_delivery_that_waits_says_until_when() {
    let app = App::new().await;
    app.endpoint("a").await;
    let (_, delivery) = app.delivery().await;
    app.settle(delivery, Settlement::Retry { after: Duration::from_secs(3_600) }, 503).await;
    let shown = app.get(&format!("/v1/deliveries/{delivery}")).await.is(StatusCode::OK);
    assert_eq!(shown["status"], "pending");
    let next: ringback::time::Timestamp = shown.text("next_attempt_at").parse().unwrap();
    assert!(next.since(ringback::time::Timestamp::now()) > Duration::from_secs(3_000));
    let refused = app.post(&format!("/v1/deliveries/{delivery}/replay"), json!({})).await;
    assert_eq!(refused.refused(StatusCode::CONFLICT).0, "pending");
}

#[tokio::test]
async fn a_delivered_one_stays_delivered_while_it_is_sent_again() {
    let app = App::new().await;
    app.endpoint("a").await;
    let (_, delivery) = app.delivery().await;
    app.settle(delivery, Settlement::Delivered, 200).await;
    let path = format!("/v1/deliveries/{delivery}/replay");
    let replayed = app.post(&path, json!({})).await.is(StatusCode::ACCEPTED);
    assert_eq!((&replayed["id"], &replayed["status"]), (&json!(delivery.to_string()), &json!("delivered")));
    assert!(replayed["next_attempt_at"].is_string());
    assert_eq!(app.post(&path, json!({})).await.refused(StatusCode::CONFLICT).0, "pending");
    let ledger = app.get("/v1/ledger").await.is(StatusCode::OK);
    assert_eq!(ledger["deliveries"], json!({"owed": 1, "pending": 0, "delivered": 1, "dead": 0, "cancelled": 0}));
}

#[tokio::test]
async fn deliveries_are_found_by_everything_that_they_are_listed_by() {
    let app = App::new().await;
    let endpoint = app.endpoint("a").await;
    let (event, delivery) = app.delivery().await;
    let inline = json!({"type": "other", "payload": 1, "destination": {"url": "https://hooks.acme-voice.com/"}});
    app.post("/v1/events", inline).await.is(StatusCode::ACCEPTED);
    for query in [
        format!("endpoint_id={endpoint}"),
        format!("event_id={event}"),
        "type=CALL_ENDED".to_owned(),
        "key=call-1".to_owned(),
        "host=RECEIVER.acme-voice.com".to_owned(),
        "tenant=default&status=pending&key=call-1&since=2020-01-01T00:00:00Z&until=2100-01-01T00:00:00Z".to_owned(),
    ] {
        let list = app.get(&format!("/v1/deliveries?{query}")).await.is(StatusCode::OK);
        assert_eq!(list.each("id"), [delivery.to_string()], "{query}");
        assert_eq!(list["items"][0].as_object().unwrap().len(), FIELDS.len());
    }
    let by_host = app.get("/v1/deliveries?host=hooks.acme-voice.com").await.is(StatusCode::OK);
    assert_eq!(by_host.each("type"), ["other"]);
    for query in ["status=delivered", "until=2020-01-01T00:00:00Z", "tenant=acme", "host=nowhere.example"] {
        let list = app.get(&format!("/v1/deliveries?{query}")).await.is(StatusCode::OK);
        assert!(list["items"].as_array().unwrap().is_empty(), "{query}");
    }
}

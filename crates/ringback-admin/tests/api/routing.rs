//! Why an endpoint got an event, or did not.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::App;

async fn endpoint(app: &App, key: &str, event_types: Value) -> String {
    let request = json!({"url": "https://receiver.acme-voice.com/", "key": key, "event_types": event_types});
    app.post("/v1/endpoints", request).await.is(StatusCode::CREATED).text("id")
}

async fn routing(app: &App, event: &str) -> Vec<(Value, Value, Value)> {
    let event = app.get(&format!("/v1/events/{event}")).await.is(StatusCode::OK);
    let entries = event["routing"].as_array().unwrap().iter();
    entries.map(|entry| (entry["endpoint_key"].clone(), entry["verdict"].clone(), entry["reason"].clone())).collect()
}

#[tokio::test]
async fn every_endpoint_is_told_with_its_verdict() {
    let app = App::new().await;
    endpoint(&app, "wants", json!(["call.*"])).await;
    endpoint(&app, "wants-other", json!(["sms.*"])).await;
    let event = app.event("call.ended").await;
    assert_eq!(
        routing(&app, &event).await,
        [
            (json!("wants"), json!("delivery"), Value::Null),
            (json!("wants-other"), json!("skipped"), json!("type_not_selected")),
        ]
    );
    let named = json!({"type": "call.ended", "payload": 1, "endpoint_keys": ["wants-other"]});
    let named = app.post("/v1/events", named).await.is(StatusCode::ACCEPTED).text("id");
    assert_eq!(
        routing(&app, &named).await,
        [
            (json!("wants"), json!("skipped"), json!("not_addressed")),
            (json!("wants-other"), json!("skipped"), json!("type_not_selected")),
        ]
    );
}

#[tokio::test]
async fn the_answer_stays_the_same_after_the_configuration_changed() {
    let app = App::new().await;
    let id = endpoint(&app, "a", json!(["call.ended"])).await;
    let event = app.event("call.ended").await;
    let before = routing(&app, &event).await;
    let patch = json!({"event_types": [], "key": "b"}).to_string();
    app.call(Method::PATCH, &format!("/v1/endpoints/{id}"), patch).await.is(StatusCode::OK);
    endpoint(&app, "later", json!(["*"])).await;
    assert_eq!(routing(&app, &event).await, before);
    app.delete(&format!("/v1/endpoints/{id}")).await.is(StatusCode::NO_CONTENT);
    assert_eq!(routing(&app, &event).await, before);
}

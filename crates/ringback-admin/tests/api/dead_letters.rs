//! Dead letters: found, explained, replayed, discarded.

use http::StatusCode;
use ringback::{delivery::DeadReason, id::DeliveryId, store::Settlement};
use serde_json::json;

use crate::app::App;

async fn dead_letter(app: &App) -> DeliveryId {
    let (_, delivery) = app.delivery().await;
    let dead = Settlement::Dead { reason: DeadReason::Exhausted, detail: None, blocks: false };
    app.settle(delivery, dead, 503).await;
    delivery
}

#[tokio::test]
async fn a_dead_letter_says_why_it_was_given_up() {
    let app = App::new().await;
    let endpoint = app.endpoint("a").await;
    let delivery = dead_letter(&app).await;
    for query in [
        String::new(),
        "?reason=exhausted&type=CALL_ENDED&key=call-1&tenant=default".to_owned(),
        format!("?endpoint_id={endpoint}&since=2020-01-01T00:00:00Z"),
    ] {
        let list = app.get(&format!("/v1/dead-letters{query}")).await.is(StatusCode::OK);
        assert_eq!(list.each("id"), [delivery.to_string()], "{query}");
        let letter = &list["items"][0];
        assert_eq!((&letter["status"], &letter["reason"]), (&json!("dead"), &json!("exhausted")));
        assert_eq!(letter["dead_reason"], "exhausted");
        assert_eq!((&letter["last_status_code"], &letter["last_error"]), (&json!(503), &json!("status")));
        assert!(letter["died_at"].is_string());
    }
    let none = app.get("/v1/dead-letters?reason=gone").await.is(StatusCode::OK);
    assert_eq!(none["items"], json!([]));
}

#[tokio::test]
async fn a_replayed_dead_letter_is_pending_again_and_keeps_its_attempts() {
    let app = App::new().await;
    app.endpoint("a").await;
    let delivery = dead_letter(&app).await;
    let path = format!("/v1/dead-letters/{delivery}/replay");
    let replayed = app.post(&path, json!({})).await.is(StatusCode::ACCEPTED);
    assert_eq!((&replayed["status"], &replayed["attempt_count"]), (&json!("pending"), &json!(1)));
    assert_eq!(app.post(&path, json!({})).await.refused(StatusCode::CONFLICT).0, "pending");
    assert_eq!(app.get("/v1/dead-letters").await.is(StatusCode::OK)["items"], json!([]));
    app.settle(delivery, Settlement::Delivered, 200).await;
    let delivered = app.get(&format!("/v1/deliveries/{delivery}")).await.is(StatusCode::OK);
    assert_eq!(delivered["attempts"][1]["number"], 2);
    assert_eq!(app.post(&path, json!({})).await.refused(StatusCode::NOT_FOUND).0, "not_found");
}

#[tokio::test]
async fn a_discarded_dead_letter_is_cancelled() {
    let app = App::new().await;
    app.endpoint("a").await;
    let delivery = dead_letter(&app).await;
    let path = format!("/v1/dead-letters/{delivery}");
    app.delete(&path).await.is(StatusCode::NO_CONTENT);
    assert_eq!(app.delete(&path).await.refused(StatusCode::NOT_FOUND).0, "not_found");
    let shown = app.get(&format!("/v1/deliveries/{delivery}")).await.is(StatusCode::OK);
    assert_eq!(shown["status"], "cancelled");
    let replay = app.post(&format!("{path}/replay"), json!({})).await;
    assert_eq!(replay.refused(StatusCode::CONFLICT).0, "cancelled");
}

#[tokio::test]
async fn a_dead_letter_of_a_deleted_endpoint_is_readable_and_goes_nowhere() {
    let app = App::new().await;
    let endpoint = app.endpoint("a").await;
    let delivery = dead_letter(&app).await;
    app.delete(&format!("/v1/endpoints/{endpoint}")).await.is(StatusCode::NO_CONTENT);
    let list = app.get("/v1/dead-letters").await.is(StatusCode::OK);
    assert_eq!(list.each("url"), ["https://receiver.acme-voice.com/hook"]);
    for path in ["deliveries", "dead-letters"] {
        let replay = app.post(&format!("/v1/{path}/{delivery}/replay"), json!({})).await;
        assert_eq!(replay.refused(StatusCode::CONFLICT).0, "endpoint_deleted");
    }
}

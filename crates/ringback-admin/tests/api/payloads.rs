//! Payload bytes are the caller's: what comes in is what is kept.

use http::{Method, StatusCode, header};
use serde_json::json;

use crate::app::App;

/// Values that any parse and print would change.
const EXACT: &[&str] = &[
    "{ \"z\":3.0, \"a\" : 9007199254740993,\n\"a\":\"\\u00e9\\/\\ud800\", \"n\":[1e2 ,{}, -0.0] }",
    "3.0",
    "9007199254740993",
    "\"\\u0041 gr\u{fc}\u{df} \u{1f600}\"",
    "null",
    "[]",
    "{\"same\":1,\"same\":2}",
];

#[tokio::test]
async fn a_payload_is_kept_from_its_first_to_its_last_byte() {
    let app = App::new().await;
    for exact in EXACT {
        for request in [
            format!("{{\"type\":\"x\",\"payload\":{exact}}}"),
            format!(" {{ \"payload\" : \r\n\t{exact}  , \"type\" : \"x\" }} "),
        ] {
            let id = app.call(Method::POST, "/v1/events", request).await.is(StatusCode::ACCEPTED).text("id");
            let answer = app.get(&format!("/v1/events/{id}/payload")).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(answer.body, exact.as_bytes());
        }
    }
}

#[tokio::test]
async fn payloads_of_a_batch_are_kept_so_too() {
    let app = App::new().await;
    let events: Vec<_> = EXACT.iter().map(|exact| format!("{{\"payload\": {exact} ,\"type\":\"x\"}}")).collect();
    let request = format!("{{\"events\" : [ {} ]}}", events.join(" , "));
    let answer = app.call(Method::POST, "/v1/events/batch", request).await.is(StatusCode::ACCEPTED);
    for (id, exact) in answer.each("id").iter().zip(EXACT) {
        assert_eq!(app.get(&format!("/v1/events/{id}/payload")).await.body, exact.as_bytes());
    }
}

#[tokio::test]
async fn a_payload_is_nested_128_deep_at_most() {
    let app = App::new().await;
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let event = |depth| format!("{{\"type\":\"x\",\"payload\":{}}}", nested(depth));
    let id = app.call(Method::POST, "/v1/events", event(128)).await.is(StatusCode::ACCEPTED).text("id");
    assert_eq!(app.get(&format!("/v1/events/{id}/payload")).await.body, nested(128));
    let path = format!("/v1/endpoints/{}/test", app.endpoint("a").await);
    for (path, body, place) in [
        ("/v1/events", event(129), "/payload"),
        ("/v1/events", event(200_000), "/payload"),
        ("/v1/events/batch", format!("{{\"events\":[{},{}]}}", event(1), event(129)), "/events/1/payload"),
        (&path, format!("{{\"payload\":{}}}", nested(129)), "/payload"),
    ] {
        let answer = app.call(Method::POST, path, body).await;
        let refused = answer.refused(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused, ("too_deep".to_owned(), place.to_owned()));
    }
}

#[tokio::test]
async fn a_payload_is_answered_so_that_no_browser_runs_it() {
    let app = App::new().await;
    let request = json!({"type": "x", "payload": "<script>alert(1)</script>"});
    let id = app.post("/v1/events", request).await.is(StatusCode::ACCEPTED).text("id");
    let answer = app.get(&format!("/v1/events/{id}/payload")).await;
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/octet-stream");
    assert!(answer.header(header::CONTENT_DISPOSITION).starts_with("attachment"));
    assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
}

#[tokio::test]
async fn a_payload_has_at_most_max_payload_bytes() {
    let app = App::with(|settings| settings.max_payload_bytes = 100).await;
    let of = |bytes: usize| json!({"type": "x", "payload": "a".repeat(bytes - 2)});
    app.post("/v1/events", of(100)).await.is(StatusCode::ACCEPTED);
    let refused = app.post("/v1/events", of(101)).await.refused(StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(refused, ("payload_too_large".to_owned(), "/payload".to_owned()));
    let batch = json!({"events": [of(100), of(101)]});
    let refused = app.post("/v1/events/batch", batch).await.refused(StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(refused, ("payload_too_large".to_owned(), "/events/1/payload".to_owned()));
    let far_too_large = app.post("/v1/events", of(3_000_000)).await;
    assert_eq!(far_too_large.refused(StatusCode::PAYLOAD_TOO_LARGE).0, "payload_too_large");
}

#[tokio::test]
async fn an_expunged_payload_is_gone_for_good() {
    let app = App::new().await;
    app.endpoint("a").await;
    let (event, delivery) = app.delivery().await;
    let path = format!("/v1/events/{event}/payload");
    app.delete(&path).await.is(StatusCode::NO_CONTENT);
    app.delete(&path).await.is(StatusCode::NO_CONTENT);
    assert_eq!(app.get(&path).await.refused(StatusCode::GONE).0, "payload_expunged");
    let event = app.get(&format!("/v1/events/{event}")).await.is(StatusCode::OK);
    assert!(event["expunged_at"].is_string());
    assert_eq!(event["deliveries"][0]["status"], "cancelled");
    let replay = app.post(&format!("/v1/deliveries/{delivery}/replay"), json!({})).await;
    assert!(["cancelled", "payload_expunged"].contains(&replay.refused(StatusCode::CONFLICT).0.as_str()));
    let absent = "/v1/events/evt_00000000000000000000000000000000/payload";
    assert_eq!(app.delete(absent).await.refused(StatusCode::NOT_FOUND).0, "not_found");
}

//! Events: handing in, folding, looking up.

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use serde_json::json;

use crate::app::{App, TOKEN, bearer, members};

const FIELDS: [&str; 15] = [
    "id",
    "type",
    "tenant",
    "key",
    "ordering_key",
    "idempotency_key",
    "occurred_at",
    "accepted_at",
    "state",
    "duplicate_of",
    "deliver_after",
    "expires_at",
    "metadata",
    "payload_bytes",
    "expunged_at",
];

#[tokio::test]
async fn an_event_is_told_in_the_contracts_shape() {
    let app = App::new().await;
    app.endpoint("a").await;
    let request = json!({
        "type": "CALL_ENDED", "payload": {"n": 1}, "tenant": "default", "key": "call-1", "ordering_key": "agent-7",
        "idempotency_key": "call-1:end", "occurred_at": "2026-01-31T13:00:00.5+01:00",
    });
    let accepted = app.post("/v1/events", request).await;
    assert_eq!(members(&accepted.body), ["id", "duplicate", "warnings"]);
    let accepted = accepted.is(StatusCode::ACCEPTED);
    assert_eq!(accepted["duplicate"], false);

    let answer = app.get(&format!("/v1/events/{}", accepted.text("id"))).await;
    assert_eq!(members(&answer.body), [FIELDS.as_slice(), &["trace", "routing", "deliveries"]].concat());
    let event = answer.is(StatusCode::OK);
    assert_eq!(event["id"], accepted["id"]);
    assert_eq!(event["type"], "CALL_ENDED");
    assert_eq!(event["tenant"], "default");
    assert_eq!(event["key"], "call-1");
    assert_eq!(event["ordering_key"], "agent-7");
    assert_eq!(event["idempotency_key"], "call-1:end");
    assert_eq!(event["occurred_at"], "2026-01-31T12:00:00.5Z");
    assert!(event.text("accepted_at").ends_with('Z'));
    assert_eq!(event["state"], "routed");
    assert_eq!(event["payload_bytes"], 7);
    assert_eq!(event["deliveries"].as_array().unwrap().len(), 1);

    let list = app.get("/v1/events").await;
    assert_eq!(members(&list.body), ["items", "next_cursor"]);
    let list = list.is(StatusCode::OK);
    assert_eq!(list["items"][0].as_object().unwrap().len(), FIELDS.len());
    assert_eq!(list["next_cursor"], json!(null));
}

#[tokio::test]
async fn an_event_that_nobody_wants_is_unmatched() {
    let app = App::new().await;
    let event = app.event("CALL_ENDED").await;
    let event = app.get(&format!("/v1/events/{event}")).await.is(StatusCode::OK);
    assert_eq!(
        (&event["state"], &event["routing"], &event["deliveries"]),
        (&json!("unmatched"), &json!([]), &json!([]))
    );
}

#[tokio::test]
async fn the_same_content_under_one_idempotency_key_is_one_event() {
    let app = App::new().await;
    let event = |payload: i32| json!({"type": "x", "payload": payload, "idempotency_key": "k"});
    let first = app.post("/v1/events", event(1)).await.is(StatusCode::ACCEPTED);
    let again = app.post("/v1/events", event(1)).await.is(StatusCode::OK);
    assert_eq!((&again["id"], &again["duplicate"]), (&first["id"], &json!(true)));
    let other = app.post("/v1/events", event(2)).await;
    let refused = other.refused(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused, ("idempotency_conflict".to_owned(), "/idempotency_key".to_owned()));
    assert_eq!(app.get("/v1/ledger").await.is(StatusCode::OK)["events"]["accepted"], 1);
}

#[tokio::test]
async fn the_idempotency_key_header_is_an_alias_of_the_field() {
    let app = App::new().await;
    let send = |key: &'static str, body: serde_json::Value| {
        let request = Request::post("/v1/events")
            .header(header::AUTHORIZATION, bearer(TOKEN))
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .header("idempotency-key", key);
        app.send(request.body(Body::from(body.to_string())).unwrap())
    };
    let plain = json!({"type": "x", "payload": 1});
    let first = send("\"k\"", plain.clone()).await.is(StatusCode::ACCEPTED);
    let by_field = json!({"type": "x", "payload": 1, "idempotency_key": "k"});
    assert_eq!(send("k", by_field.clone()).await.is(StatusCode::OK)["id"], first["id"]);
    let (code, place) = send("other", by_field).await.refused(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!((code.as_str(), place.as_str()), ("conflict", "/idempotency_key"));
    let (_, place) = send("\"unended", plain).await.refused(StatusCode::BAD_REQUEST);
    assert_eq!(place, "idempotency-key");
}

#[tokio::test]
async fn a_batch_is_taken_as_a_whole_or_not_at_all() {
    let app = App::new().await;
    let event = |n: i32, key: &str| json!({"type": "x", "payload": n, "idempotency_key": key});
    let batch = json!({"events": [event(1, "a"), event(2, "b"), event(1, "a")]});
    let answer = app.post("/v1/events/batch", batch).await.is(StatusCode::ACCEPTED);
    let duplicates: Vec<_> = answer["items"].as_array().unwrap().iter().map(|item| &item["duplicate"]).collect();
    assert_eq!(duplicates, [&json!(false), &json!(false), &json!(true)]);
    assert_eq!(answer["items"][0]["id"], answer["items"][2]["id"]);

    for (batch, place) in [
        (json!({"events": [event(3, "c"), event(9, "c")]}), "/events/1/idempotency_key"),
        (json!({"events": [event(3, "c"), event(9, "a")]}), "/events/1/idempotency_key"),
        (json!({"events": [event(3, "c"), {"type": "bad type", "payload": 1}]}), "/events/1/type"),
        (json!({"events": [event(3, "c"), {"type": "x"}]}), "/events/1/payload"),
        (json!({"events": [event(3, "c"), 5]}), "/events/1"),
        (json!({"events": [event(3, "c"), {"type": "x", "payload": 1, "typo": 1}]}), "/events/1/typo"),
        (json!({"events": []}), "/events"),
        (json!({"events": vec![event(1, "a"); 1_001]}), "/events"),
        (json!({"events": 1}), "/events"),
        (json!({}), "/events"),
        (json!({"events": [event(3, "c")], "more": 1}), "/more"),
    ] {
        let answer = app.post("/v1/events/batch", batch).await;
        assert_eq!(answer.refused(StatusCode::UNPROCESSABLE_ENTITY).1, place);
    }
    assert_eq!(app.get("/v1/ledger").await.is(StatusCode::OK)["events"]["accepted"], 2);

    let request = Request::post("/v1/events/batch")
        .header(header::AUTHORIZATION, bearer(TOKEN))
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", "k");
    let answer = app.send(request.body(Body::from(json!({"events": [event(1, "z")]}).to_string())).unwrap()).await;
    assert_eq!(answer.refused(StatusCode::BAD_REQUEST).1, "idempotency-key");
}

#[tokio::test]
async fn every_wrong_field_of_an_event_is_named() {
    let app = App::new().await;
    app.endpoint("known").await;
    for (request, code, place) in [
        (r#"{"payload":1}"#, "required", "/type"),
        (r#"{"type":"x"}"#, "required", "/payload"),
        (r#"{"type":"x","payload":1,"payload":1}"#, "duplicate_field", "/payload"),
        (r#"{"type":"x","payload":1,"Type":"x"}"#, "unknown_field", "/Type"),
        (r#"{"type":5,"payload":1}"#, "wrong_type", "/type"),
        (r#"{"type":"","payload":1}"#, "malformed", "/type"),
        (r#"{"type":"x","payload":1,"tenant":"a b"}"#, "malformed", "/tenant"),
        (r#"{"type":"x","payload":1,"key":""}"#, "malformed", "/key"),
        (r#"{"type":"x","payload":1,"key":"\u0000"}"#, "malformed", "/key"),
        (r#"{"type":"x","payload":1,"key":"\ud800"}"#, "malformed", "/key"),
        (r#"{"type":"x","payload":1,"ordering_key":"a\nb"}"#, "malformed", "/ordering_key"),
        (r#"{"type":"x","payload":1,"idempotency_key":7}"#, "wrong_type", "/idempotency_key"),
        (r#"{"type":"x","payload":1,"occurred_at":"yesterday"}"#, "malformed", "/occurred_at"),
        (r#"{"type":"x","payload":1,"endpoint_keys":"known"}"#, "wrong_type", "/endpoint_keys"),
        (r#"{"type":"x","payload":1,"endpoint_keys":["unknown"]}"#, "unknown_endpoint_key", "/endpoint_keys/0"),
        (r#"{"type":"x","payload":1,"destination":{}}"#, "required", "/destination/url"),
        (r#"{"type":"x","payload":1,"destination":{"url":"http://127.0.0.1/"}}"#, "", "/destination/url"),
        (
            r#"{"type":"x","payload":1,"destination":{"url":"https://a.example/","retry":{"max_attempts":"3"}}}"#,
            "",
            "/destination/retry/max_attempts",
        ),
        (
            r#"{"type":"x","payload":1,"destination":{"url":"https://a.acme-voice.com/","endpoint_key":"unknown"}}"#,
            "unknown_endpoint_key",
            "/destination/endpoint_key",
        ),
    ] {
        let (found, at) = app.call(Method::POST, "/v1/events", request).await.refused(StatusCode::UNPROCESSABLE_ENTITY);
        assert!(code.is_empty() || found == code, "{request}: {found}");
        assert_eq!(at, place, "{request}");
    }
    assert_eq!(app.get("/v1/ledger").await.is(StatusCode::OK)["events"]["accepted"], 0);
}

#[tokio::test]
async fn an_inline_destination_gets_the_event_alone() {
    let app = App::new().await;
    app.endpoint("a").await;
    let request = json!({"type": "x", "payload": {}, "destination": {"url": "hooks.acme-voice.com/x?y=1"}});
    let accepted = app.post("/v1/events", request).await.is(StatusCode::ACCEPTED);
    assert_eq!(accepted["warnings"][0]["code"], "url_scheme_added");
    assert_eq!(accepted["warnings"][0]["pointer"], "/destination/url");
    let event = app.get(&format!("/v1/events/{}", accepted.text("id"))).await.is(StatusCode::OK);
    assert_eq!(event["deliveries"].as_array().unwrap().len(), 1);
    assert_eq!(event["deliveries"][0]["endpoint_id"], json!(null));
    assert_eq!(event["deliveries"][0]["url"], "https://hooks.acme-voice.com/x?y=1");
}

#[tokio::test]
async fn a_batch_takes_no_more_room_than_its_bytes() {
    let app = App::new().await;
    let zeros = format!("[{}0]", "0,".repeat(600_000));
    // As values, all of these would take many times what they are.
    for (batch, code, place) in [
        (format!(r#"{{"events":[{{"type":"x","payload":1,"junk":{zeros}}}]}}"#), "too_long", "/events/0"),
        (format!(r#"{{"events":[{{"type":"x","payload":1}}],"junk":{zeros}}}"#), "too_long", ""),
        (format!(r#"{{"events":{zeros}}}"#), "out_of_range", "/events"),
    ] {
        let answer = app.call(Method::POST, "/v1/events/batch", batch).await;
        assert_eq!(answer.refused(StatusCode::UNPROCESSABLE_ENTITY), (code.to_owned(), place.to_owned()));
    }
    let unknown: String = (0..900).map(|number| format!("\"f{number}\":1,")).collect();
    let events = vec![format!("{{{unknown}\"type\":\"x\",\"payload\":1}}"); 1_000].join(",");
    let answer = app.call(Method::POST, "/v1/events/batch", format!("{{\"events\":[{events}]}}")).await;
    assert_eq!(answer.refused(StatusCode::UNPROCESSABLE_ENTITY).0, "unknown_field");
    assert!(answer.body.len() < 1024 * 1024, "{} bytes of findings", answer.body.len());
}

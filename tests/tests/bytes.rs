//! Promise 2: the payload bytes that were emitted are the bytes signed and sent, on every attempt and replay.

use ringback::{endpoint::Scheme, event::NewEvent};
use ringback_tests::{
    api::Api,
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::Serve,
    stores::Store,
    verifier::{Known, verify},
};
use serde_json::json;

/// JSON that a parser and printer on the way would change.
const ODD_JSON: [&str; 12] = [
    r#"{"b":3.0,"a":1e2,"10":9007199254740993,"2":-0.0,"a":"again"}"#,
    "{ \"white\" :\n\t[ 1 ,2 ]\r\n}",
    r#"{"escaped":"\u00e9\ud83d\ude00\/\u2028","plain":"é😀/"}"#,
    "\"a line separator: \u{2028}\"",
    "12345678901234567890123456789.000000000000000000000001",
    "1E+2",
    "0.10",
    "\"\"",
    "[]",
    "null",
    "true",
    r#"[[[[[[[[[[[[[[[[{"deep":{"er":{}}}]]]]]]]]]]]]]]]]"#,
];

/// Fails once and then takes everything, so that each body is sent twice.
async fn forgetful() -> Receiver {
    let mut seen = std::collections::HashSet::new();
    Receiver::scripted(move |request| Reply::status(if seen.insert(request.id().to_owned()) { 500 } else { 204 })).await
}

/// What the customer knows of the endpoint that was made for it.
async fn endpoint_at(api: &Api, receiver: &Receiver) -> Known {
    let retry = json!({"max_attempts": 3, "delays_ms": [50], "jitter": 0.0});
    let endpoint = api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "retry": retry})).await;
    let secret = endpoint["secret"].as_str().expect("the secret is in the answer that made it").to_owned();
    Known { scheme: Scheme::Standard, secret, public_key: None, url: receiver.url() }
}

/// The event is sent, retried and replayed with these very bytes, they are what is signed, and the API shows them.
async fn is_sent_as(api: &Api, receiver: &Receiver, known: &Known, event: &str, payload: &[u8]) {
    let id = api.delivery_of(event).await;
    api.delivery_with_status(&id, "delivered").await;
    api.post(&format!("/v1/deliveries/{id}/replay"), &json!({})).await.expect(202);
    api.delivery_when(&id, "the replay is recorded", |delivery| delivery["attempt_count"] == 3).await;
    let requests: Vec<_> = receiver.arrived().into_iter().filter(|request| request.id() == event).collect();
    assert_eq!(requests.len(), 3);
    for request in requests {
        assert_eq!(request.body, payload, "{}", String::from_utf8_lossy(payload));
        verify(known, &request, None).unwrap_or_else(|why| panic!("{}: {why}", String::from_utf8_lossy(payload)));
    }
    let shown = api.get(&format!("/v1/events/{event}/payload")).await;
    assert_eq!(shown.bytes, payload);
    assert_eq!(shown.headers["content-type"], "application/octet-stream");
    assert_eq!(shown.headers["x-content-type-options"], "nosniff");
}

on_both_stores! {
    async fn json_that_came_by_http_is_sent_as_it_was_written(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = forgetful().await;
        let known = endpoint_at(&server.api, &receiver).await;
        for payload in ODD_JSON {
            let event = server.api.emit("odd", payload.as_bytes(), json!({})).await;
            is_sent_as(&server.api, &receiver, &known, &event, payload.as_bytes()).await;
        }
    }

    async fn any_bytes_that_came_from_rust_are_sent_as_they_are(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = forgetful().await;
        let known = endpoint_at(&server.api, &receiver).await;
        let every_byte: Vec<u8> = (0..=255).collect();
        for payload in [every_byte, b"\xef\xbb\xbfnot json".to_vec(), Vec::new()] {
            let event = database.emit(&NewEvent::new("odd", payload.clone())).await;
            is_sent_as(&server.api, &receiver, &known, &event, &payload).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_and_bytes_that_came_by_sql_are_sent_as_they_are() {
    let database = Database::fresh(Store::Postgres).await;
    let server = Serve::on(&database).start().await;
    let receiver = forgetful().await;
    let known = endpoint_at(&server.api, &receiver).await;
    let mut connection = database.postgres().await;
    for payload in ODD_JSON {
        let emit = sqlx::query_scalar("select ringback.emit('odd', $1)").bind(payload);
        let event: String = emit.fetch_one(&mut connection).await.expect("emitted");
        is_sent_as(&server.api, &receiver, &known, &event, payload.as_bytes()).await;
    }
    let every_byte: Vec<u8> = (0..=255).collect();
    let emit = sqlx::query_scalar("select ringback.emit_bytes('odd', $1)").bind(&every_byte);
    let event: String = emit.fetch_one(&mut connection).await.expect("emitted");
    is_sent_as(&server.api, &receiver, &known, &event, &every_byte).await;
}

//! Why an endpoint did not get an event is kept as long as the event, whatever becomes of the endpoint.

use ringback_tests::{
    api::id_of, database::Database, on_both_stores, receiver::Receiver, server::Serve, stores::Store,
};
use serde_json::{Value, json};

/// `(endpoint key, verdict, reason)` of each endpoint, by key.
fn told(event: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let routing = event["routing"].as_array().expect("a routing").iter();
    let mut told: Vec<_> =
        routing.map(|it| (text(&it["endpoint_key"]), text(&it["verdict"]), text(&it["reason"]))).collect();
    told.sort();
    told
}

on_both_stores! {
    async fn an_event_says_for_every_endpoint_why_it_went_there_or_not(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let mut ids = Vec::new();
        for (key, types) in [("crm", json!(["call.*"])), ("billing", json!(["invoice.paid"])), ("all", json!(["*"]))] {
            let fields = json!({"key": key, "url": receiver.url(), "event_types": types});
            ids.push(id_of(&server.api.endpoint(fields).await));
        }
        let event = server.api.emit("call.ended", b"{}", json!({"endpoint_keys": ["crm", "billing"]})).await;
        server.api.deliveries_of(&event).await;
        let path = format!("/v1/events/{event}");
        let expected = [("all", "skipped", "not_addressed"), ("billing", "skipped", "type_not_selected"), ("crm", "delivery", "-")]
            .map(|(key, verdict, reason)| (key.to_owned(), verdict.to_owned(), reason.to_owned()));
        let document = server.api.get(&path).await.expect(200);
        assert_eq!(told(&document), expected, "{document}");

        // What is answered is the configuration that it was routed with, not today's.
        let all = json!({"event_types": ["*"]});
        server.api.patch(&format!("/v1/endpoints/{}", ids[1]), &all).await.expect(200);
        assert_eq!(told(&server.api.get(&path).await.expect(200)), expected);

        let unknown = json!({"type": "call.ended", "payload": {}, "endpoint_keys": ["nobody"]});
        let problem = server.api.post("/v1/events", &unknown).await.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], "/endpoint_keys/0", "{problem}");
    }

    async fn an_event_that_nobody_wants_is_unmatched_and_no_dead_letter(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let none = json!({"key": "none", "url": "https://93.184.215.14/", "event_types": []});
        server.api.endpoint(none).await;
        let event = server.api.emit("call.ended", b"{}", json!({})).await;
        let document = server.api.get(&format!("/v1/events/{event}")).await.expect(200);
        assert_eq!(document["state"], "unmatched");
        assert_eq!(told(&document), [("none".to_owned(), "skipped".to_owned(), "type_not_selected".to_owned())]);
        assert_eq!(server.api.get("/v1/dead-letters").await.expect(200)["items"], json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_cannot_ask_so_the_event_says_that_its_endpoint_key_is_unknown() {
    let database = Database::fresh(Store::Postgres).await;
    let server = Serve::on(&database).start().await;
    let emit = r#"select ringback.emit('call.ended', '{}', '{"endpoint_keys":["nobody"]}')"#;
    let event: String = sqlx::query_scalar(emit).fetch_one(&mut database.postgres().await).await.expect("emitted");
    assert!(server.api.deliveries_of(&event).await.is_empty());
    let document = server.api.get(&format!("/v1/events/{event}")).await.expect(200);
    assert_eq!(document["state"], "unmatched");
    assert_eq!(told(&document), [("nobody".to_owned(), "skipped".to_owned(), "unknown_endpoint_key".to_owned())]);
}

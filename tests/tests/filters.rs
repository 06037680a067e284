//! Filters of endpoints: what they leave out, what is told of it, and what becomes of an event about which a filter says
//! neither yes nor no.

use ringback_tests::{
    api::{Api, id_of},
    command::ringback,
    database::Database,
    on_both_stores,
    receiver::Receiver,
    server::Serve,
    stores::Store,
    until::until,
};
use serde_json::{Value, json};

/// The reasons of an event's routing, by the keys of endpoints.
async fn routing(api: &Api, event: &str) -> Vec<(String, Value, Value)> {
    let event = until("it is routed", async || {
        let event = api.get(&format!("/v1/events/{event}")).await.expect(200);
        (event["state"] != "unrouted").then_some(event)
    })
    .await;
    let told = event["routing"].as_array().expect("routing").iter().map(|entry| {
        let key = entry["endpoint_key"].as_str().unwrap_or_default().to_owned();
        (key, entry["verdict"].clone(), entry["reason"].clone())
    });
    let mut told: Vec<_> = told.collect();
    told.sort_by(|one, two| one.0.cmp(&two.0));
    told
}

async fn made(api: &Api, receiver: &Receiver, key: &str, filter: &str) -> Value {
    let fields = json!({
        "url": format!("{}/{key}", receiver.url()), "key": key, "event_types": ["call.*"], "scheme": "none", "filter": filter,
    });
    api.endpoint(fields).await
}

on_both_stores! {
    async fn what_a_filter_leaves_out_is_told_and_what_it_lets_through_arrives(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let long = made(&server.api, &receiver, "long", "payload.duration > 60 && type == 'call.ended'").await;
        made(&server.api, &receiver, "vip", "payload.tags.exists(tag, tag == 'vip') || key.startsWith('vip-')").await;
        made(&server.api, &receiver, "wrong", "payload.no.such.field > 1").await;
        assert_eq!(long["filter"], "payload.duration > 60 && type == 'call.ended'");

        let payload = br#"{"duration": 330.50, "tags": ["a"]}"#;
        let by_http = server.api.emit("call.ended", payload, json!({"key": "call-1"})).await;
        let by_sql = database.emit(&ringback::event::NewEvent::new("call.ended", &payload[..]).key("call-1")).await;
        for event in [&by_http, &by_sql] {
            let told = routing(&server.api, event).await;
            assert_eq!(told, [
                ("long".to_owned(), json!("delivery"), json!(null)),
                ("vip".to_owned(), json!("skipped"), json!("filtered")),
                ("wrong".to_owned(), json!("delivery"), json!(null)),
            ]);
            let of_event = async || {
                let arrived = receiver.arrived().into_iter().filter(|it| it.header("ringback-id") == event.as_str());
                let paths: std::collections::BTreeSet<_> = arrived.map(|it| it.path).collect();
                (paths.len() == 2).then_some(paths)
            };
            assert_eq!(until("both have arrived", of_event).await.into_iter().collect::<Vec<_>>(), ["/hook/long", "/hook/wrong"]);
            let whole = server.api.get(&format!("/v1/events/{event}")).await.expect(200);
            let entries = whole["routing"].as_array().expect("routing");
            let failed = entries.iter().find(|it| it["endpoint_key"] == "wrong").expect("an entry");
            assert_eq!(failed["filter_failed"], "there is no no", "{failed}");
            let explained = ringback(&database, &["explain", event]).await.done();
            assert!(explained.contains("its filter left the event out"), "{explained}");
            assert!(explained.contains("its filter failed: there is no no"), "{explained}");
        }
        assert!(server.log().contains("the filter of endpoint"), "the log warns:\n{}", server.log());
        let found = ringback(&database, &["find", "call-1"]).await.done();
        assert!(found.contains("not to vip: its filter left the event out"), "{found}");

        // A changed filter counts from then on; what was decided before stays as it was.
        let path = format!("/v1/endpoints/{}", id_of(&long));
        server.api.patch(&path, &json!({"filter": "payload.duration > 600"})).await.expect(200);
        let later = server.api.emit("call.ended", payload, json!({})).await;
        assert_eq!(routing(&server.api, &later).await[0].2, "filtered");
        assert_eq!(routing(&server.api, &by_http).await[0].2, json!(null));
        server.api.patch(&path, &json!({"filter": null})).await.expect(200);
        let latest = server.api.emit("call.ended", payload, json!({})).await;
        assert_eq!(routing(&server.api, &latest).await[0].1, "delivery");

        // What it left out is told without its payload, too.
        server.api.delete(&format!("/v1/events/{by_http}/payload")).await.expect(204);
        assert_eq!(routing(&server.api, &by_http).await[1].2, "filtered");

        // A test is sent whatever the filter says, and an event that all leave out matches nothing.
        let tested = server.api.post(&format!("{path}/test"), &json!({})).await.expect(202);
        server.api.delivery_with_status(tested["delivery_id"].as_str().expect("an id"), "delivered").await;
        let fields = json!({"tenant": "strict", "url": receiver.url(), "event_types": ["*"], "filter": "false"});
        server.api.endpoint(fields).await;
        let nobody = server.api.emit("a", b"1", json!({"tenant": "strict"})).await;
        assert_eq!(server.api.get(&format!("/v1/events/{nobody}")).await.expect(200)["state"], "unmatched");
        server.api.balanced_ledger().await;
    }

    async fn hostile_filters_hold_nobody_up(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        for number in 0..20 {
            let endless = "payload.items.all(a, payload.items.all(b, payload.items.all(c, a + b + c >= 0)))";
            let fields = json!({
                "tenant": "hostile", "key": number.to_string(), "url": format!("{}/hostile", receiver.url()),
                "event_types": ["*"], "filter": endless,
            });
            server.api.endpoint(fields).await;
        }
        made(&server.api, &receiver, "good", "payload.n == 1").await;
        let items = json!({"items": (0..50_000).collect::<Vec<_>>()}).to_string();
        let begun = std::time::Instant::now();
        for _ in 0..5 {
            let hostile = ringback::event::NewEvent::new("a", items.clone().into_bytes()).tenant("hostile");
            database.emit(&hostile).await;
        }
        let event = server.api.emit("call.ended", br#"{"n":1}"#, json!({})).await;
        let delivery = server.api.delivery_of(&event).await;
        server.api.delivery_with_status(&delivery, "delivered").await;
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
        until("what they say nothing about goes through", async || {
            (receiver.arrived().iter().filter(|it| it.path == "/hook/hostile").count() == 100).then_some(())
        })
        .await;
    }

    async fn a_filter_is_tried_before_it_is_kept(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let try_it = async |body: Value| server.api.post("/v1/filters/test", &body).await;
        let said = try_it(json!({"filter": "payload.n > 1", "payload": {"n": 2}})).await.expect(200);
        assert_eq!(said, json!({"result": true, "error": null}));
        let fields = json!({"filter": "type == 'a' && key == 'k' && tenant == 't'", "payload": 1});
        assert_eq!(try_it(fields.clone()).await.expect(200)["result"], false);
        let mut fields = fields;
        for (name, value) in [("type", "a"), ("key", "k"), ("tenant", "t")] {
            fields[name] = json!(value);
        }
        assert_eq!(try_it(fields).await.expect(200)["result"], true);
        let said = try_it(json!({"filter": "payload.m > 1", "payload": {"n": 2}})).await.expect(200);
        assert_eq!(said, json!({"result": null, "error": "there is no m"}));
        let event = server.api.emit("call.ended", br#"{"n":3}"#, json!({"key": "call-7"})).await;
        let body = json!({"filter": "payload.n == 3 && key == 'call-7'", "event_id": event});
        assert_eq!(try_it(body).await.expect(200)["result"], true);

        for (body, pointer) in [
            (json!({"payload": 1}), "/filter"),
            (json!({"filter": "payload.n >", "payload": 1}), "/filter"),
            (json!({"filter": "colour == 1", "payload": 1}), "/filter"),
            (json!({"filter": 1, "payload": 1}), "/filter"),
            (json!({"filter": "true"}), "/payload"),
            (json!({"filter": "true", "payload": 1, "event_id": event}), "/event_id"),
            (json!({"filter": "true", "payload": 1, "colour": 1}), "/colour"),
        ] {
            let refused = try_it(body.clone()).await.expect(422);
            assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}: {refused}");
        }
        let refused = try_it(json!({"filter": "true &&\n colour == 1", "payload": 1})).await.expect(422);
        let detail = refused["errors"][0]["detail"].as_str().expect("a detail");
        assert!(detail.ends_with("(line 2, column 2)"), "{detail}");
        let absent = json!({"filter": "true", "event_id": "evt_0199c0de5eed7a11b0a1c2d3e4f56789"});
        try_it(absent).await.expect(404);

        let said = ringback(&database, &["filters", "test", "payload.n == 3", "--event-id", &event]).await.done();
        assert_eq!(said.trim(), "true");
        let neither = ringback(&database, &["filters", "test", "payload.m == 3", "--event-id", &event]).await;
        assert!(neither.code == 1 && neither.err.contains("there is no m"), "{}", neither.err);
        let wrong = ringback(&database, &["filters", "test", "payload.n ==", "--event-id", &event]).await;
        assert!(wrong.code == 2 && wrong.err.contains("line 1"), "{}", wrong.err);
        let fields = json!({"url": "https://93.184.215.14/", "event_types": []});
        let id = &*id_of(&server.api.endpoint(fields).await);
        let set = ringback(&database, &["endpoints", "update", id, "--filter", "payload.n > 1"]).await.done();
        assert!(set.contains("filter    payload.n > 1"), "{set}");
        let cleared = ringback(&database, &["endpoints", "update", id, "--clear", "filter"]).await.done();
        assert!(!cleared.contains("payload.n > 1"), "{cleared}");
    }

    async fn missing_deliveries_of_an_endpoint_with_a_filter_are_not_guessed(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let endpoint = id_of(&made(&server.api, &receiver, "it", "payload.n > 1").await);
        let filter = json!({"filter": {"status": "missing", "endpoint_id": endpoint}, "dry_run": true});
        let refused = server.api.post("/v1/replays", &filter).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], "/filter/endpoint_id", "{refused}");
        server.api.patch(&format!("/v1/endpoints/{endpoint}"), &json!({"filter": null})).await.expect(200);
        server.api.post("/v1/replays", &filter).await.expect(200);
    }
}

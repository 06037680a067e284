//! What is told beside an answer: warnings, why something cannot be sent, and what helps.

use ringback_tests::{
    command::ringback, database::Database, on_both_stores, receiver::Receiver, server::Serve, stores::Store,
};
use serde_json::{Value, json};

fn codes(answer: &Value) -> Vec<&str> {
    answer["warnings"].as_array().expect("warnings").iter().filter_map(|warning| warning["code"].as_str()).collect()
}

on_both_stores! {
    async fn an_id_is_found_as_well_as_a_key(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let endpoint = server.api.endpoint_at(&receiver.url()).await;
        let event = server.api.emit("call.ended", b"{}", json!({"key": "call-1", "tenant": "default"})).await;
        let delivery = server.api.delivery_of(&event).await;
        server.api.delivery_with_status(&delivery, "delivered").await;
        let filter = json!({"filter": {"status": "delivered"}});
        let replay = server.api.post("/v1/replays", &filter).await.expect(202);
        let replay = replay["id"].as_str().expect("an id");
        for (id, word) in
            [(&*event, "call-1"), (&*delivery, "answered 204"), (&*endpoint, "selects"), (replay, "1 matched"), ("call-1", &*event)]
        {
            let told = ringback(&database, &["find", id]).await.done();
            assert!(told.contains(word), "{id}: {told}");
            let json = ringback(&database, &["find", id, "--json"]).await.json();
            assert!(json["items"][0]["id"] == if id == "call-1" { &*event } else { id }, "{id}: {json}");
        }
        // Of another tenant, and of nobody.
        for id in [&*event, &*delivery, &*endpoint] {
            let elsewhere = ringback(&database, &["find", id, "--tenant", "acme"]).await;
            assert_eq!(elsewhere.code, 3, "{id}: {}{}", elsewhere.out, elsewhere.err);
            let nobody = format!("{}_{}", id.split('_').next().unwrap_or_default(), "0".repeat(31) + "1");
            let nobody = ringback(&database, &["find", &nobody]).await;
            assert_eq!(nobody.code, 3, "{}{}", nobody.out, nobody.err);
            assert!(nobody.err.contains("with the id"), "{}", nobody.err);
        }
        // A key may look like an id.
        let key = format!("evt_{}", "0".repeat(32));
        let named = server.api.emit("call.ended", b"{}", json!({"key": key})).await;
        assert!(ringback(&database, &["find", &key]).await.done().contains(&named));
    }

    async fn what_is_unroutable_says_why_in_every_view_and_advice_fits(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let fields = json!({
            "url": "https://93.184.215.14/", "event_types": ["call.*"], "secret": "a secret", "scheme": "synthflow",
        });
        server.api.endpoint(fields).await;
        let event = server.api.emit("call.ended", b"{\"no\":\"call\"}", json!({"key": "call-1"})).await;
        let id = server.api.delivery_of(&event).await;
        let delivery = server.api.delivery_with_status(&id, "dead").await;
        assert_eq!(delivery["dead_reason"], "unroutable", "{delivery}");
        let cause = delivery["last_error"].as_str().expect("a cause");
        assert!(cause.contains("/call/call_id"), "{delivery}");
        let listed = server.api.get("/v1/deliveries").await.expect(200);
        assert_eq!(listed["items"][0]["last_error"], cause, "{listed}");
        let letter = server.api.get("/v1/dead-letters").await.expect(200);
        assert_eq!(letter["items"][0]["last_error"], cause, "{letter}");
        let shown = server.api.get(&format!("/v1/events/{event}")).await.expect(200);
        assert_eq!(shown["deliveries"][0]["last_error"], cause, "{shown}");
        for command in [["find", "call-1"], ["explain", &*event], ["deliveries", &*id]] {
            let told = ringback(&database, &command).await.done();
            assert!(told.contains(cause) && told.contains("endpoints update"), "{command:?}: {told}");
        }
        let told = ringback(&database, &["deliveries"]).await.done();
        assert!(told.contains(cause), "{told}");
    }

    async fn secrets_that_are_likely_mistakes_are_told(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let fields = |scheme: &str, secret: &str| {
            json!({"url": "https://93.184.215.14/", "event_types": ["*"], "scheme": scheme, "secret": secret})
        };
        let short = server.api.endpoint(fields("standard", "whsec_AAAA")).await;
        assert_eq!(codes(&short), ["secret_short"], "{short}");
        assert_eq!(short["warnings"][0]["pointer"], "/secret");
        let spaced = server.api.endpoint(fields("github", "secret\n")).await;
        assert_eq!(codes(&spaced), ["secret_white_space"], "{spaced}");
        let path = format!("/v1/endpoints/{}", spaced["id"].as_str().expect("an id"));
        let patched = server.api.patch(&path, &json!({"secret": " secret"})).await.expect(200);
        assert_eq!(codes(&patched), ["secret_white_space"], "{patched}");
        // Only a secret that the request brings is told of.
        let renamed = server.api.patch(&path, &json!({"name": "x"})).await.expect(200);
        assert_eq!(codes(&renamed), Vec::<&str>::new(), "{renamed}");
        let rotate = format!("{path}/rotate-secret");
        let rotated = server.api.post(&rotate, &json!({"secret": "secret "})).await.expect(200);
        assert_eq!(codes(&rotated), ["secret_white_space"], "{rotated}");
        let id = spaced["id"].as_str().expect("an id");
        let told = ringback(&database, &["endpoints", "rotate-secret", id, "--secret", " x"]).await;
        assert!(told.code == 0 && told.err.contains("secret_white_space"), "{}", told.err);
        let receiver = Receiver::healthy().await;
        let inline = json!({"type": "a", "payload": {}, "destination": {
            "url": receiver.url(), "scheme": "standard", "secret": "whsec_AAAA"}});
        let inline = server.api.post("/v1/events", &inline).await.expect(202);
        assert_eq!(codes(&inline), ["secret_short"], "{inline}");
        assert_eq!(inline["warnings"][0]["pointer"], "/destination/secret");
    }

    async fn a_body_that_javascript_rewrites_is_told_only_where_it_is_signed(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let emit = async |event_type: &str, payload: &str| -> Vec<String> {
            let body = format!(r#"{{"type":"{event_type}","payload":{payload}}}"#);
            let answer = server.api.ask(reqwest::Method::POST, "/v1/events", Some(body.into())).await.expect("an answer");
            codes(&answer.expect(202)).into_iter().map(str::to_owned).collect()
        };
        for (types, scheme) in [("plain", "none"), ("signed", "standard")] {
            server.api.endpoint(json!({"url": receiver.url(), "event_types": [types], "scheme": scheme})).await;
        }
        assert!(emit("nobody", r#"{"a":1.0}"#).await.is_empty());
        assert!(emit("plain", r#"{"a":1.0}"#).await.is_empty());
        assert_eq!(emit("signed", r#"{"a":1.0}"#).await, ["body_not_js_stable"]);
        assert!(emit("signed", "{\"a\": 1,\n \"b\": [ ]}").await.is_empty(), "a blank is no reason");
    }

    async fn a_refused_url_says_why_and_what_would_allow_it(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::strictly_on(&database).start().await;
        for (url, words) in [
            ("https://192.168.1.5/", ["192.168.1.5", "egress.allow"]),
            ("ftp://example.com/", ["https://", "ftp://"]),
            ("http://example.com/", ["https://", "egress.allow_http"]),
            ("localhost:9102/x", ["http://localhost:9102/", "egress.allow"]),
            ("https://example.com:22/", ["port 22", "egress.allow"]),
        ] {
            let endpoint = server.api.post("/v1/endpoints", &json!({"url": url, "event_types": ["*"]})).await.expect(422);
            let inline = json!({"type": "a", "payload": {}, "destination": {"url": url}});
            let inline = server.api.post("/v1/events", &inline).await.expect(422);
            for problem in [endpoint, inline] {
                let detail = problem["errors"][0]["detail"].as_str().expect("a detail");
                assert!(words.iter().all(|word| detail.contains(word)), "{url}: {detail}");
            }
        }
        // By SQL and Rust nothing can be refused: the dead letter says it.
        let event = ringback::event::NewEvent::new("a", bytes::Bytes::from_static(b"{}"))
            .destination(ringback::endpoint::Destination::to("https://192.168.1.5/"));
        let event = database.emit(&event).await;
        let id = server.api.delivery_of(&event).await;
        let delivery = server.api.delivery_with_status(&id, "dead").await;
        assert!(delivery["last_error"].as_str().is_some_and(|cause| cause.contains("egress.allow")), "{delivery}");
        let told = ringback(&database, &["find", &id]).await.done();
        assert!(told.contains("emit the event again") && told.contains("--to URL"), "{told}");
    }

    async fn any_year_and_an_unescaped_offset_are_moments(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        server.api.emit("a", b"{}", json!({})).await;
        for list in ["events", "deliveries", "dead-letters", "audit", "ledger"] {
            let of = async |query: &str| server.api.get(&format!("/v1/{list}?{query}")).await.expect(200).to_string();
            let all = of("since=0000-01-01T00:00:00Z&until=9999-12-31T23:59:59.999999Z").await;
            let none = of("since=9999-12-31T23:59:59Z").await;
            assert_eq!(all, of("since=2001-01-01T00:00:00+10:00").await, "{list}");
            assert_eq!(none, of("until=2001-01-01T00:00:00+10:00").await, "{list}");
            if list == "events" {
                assert!(all.contains("evt_") && !none.contains("evt_"), "{all} {none}");
            }
        }
        let far = json!({"filter": {"status": "dead", "since": "0000-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z"},
            "dry_run": true});
        assert_eq!(server.api.post("/v1/replays", &far).await.expect(200)["matched"], 0);
        let far = ["deliveries", "--since", "0000-01-01T00:00:00Z", "--until", "9999-12-31T23:59:59Z"];
        assert_eq!(ringback(&database, &far).await.code, 3, "nothing is there, and nothing is wrong");
        let event = server.api.emit("a", b"{}", json!({"occurred_at": "9999-12-31T23:59:59Z"})).await;
        let event = server.api.get(&format!("/v1/events/{event}")).await.expect(200);
        assert_eq!(event["occurred_at"], "9999-12-31T23:59:59Z");
    }
}

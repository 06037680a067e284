//! What requests have as their body, beside the payload itself: forms that receivers know by name, and templates of the
//! endpoint's own.

use ringback::endpoint::BodyForm;
use ringback_tests::{
    api::{Api, id_of},
    command::ringback,
    database::Database,
    on_both_stores,
    outside::{Customer, Started},
    receiver::{Arrived, Receiver, Reply},
    server::Serve,
    stores::Store,
    until::until,
    verifier::{Known, verify},
};
use serde_json::{Value, json};

/// What JSON libraries would write in another way.
const PAYLOAD: &str = r#"{"call":{"id":"c-\u00e9\"1\"","cost" : 3.0,"n":1e400,"call_id":"call-1"}, "b":"\ud800"}"#;

/// Every body: its document, its content type, and what it is for an event with [`PAYLOAD`] and the key `a "b"`.
fn table() -> Vec<(Value, &'static str, String)> {
    let template = r#"{{"k":"{key}","t":"{type}","call":{{"call_id":{json:/call/call_id}}},"said":"<{raw:/call/id}>","cost":{raw:/call/cost},"all":{body},"n":{attempt}}}"#;
    let templated = format!(
        r#"{{"k":"a \"b\"","t":"call.ended","call":{{"call_id":"call-1"}},"said":"<c-\u00e9\"1\">","cost":3.0,"all":{PAYLOAD},"n":ATTEMPT}}"#
    );
    let envelope = format!(r#"{{"event":"call.ended","timestamp":"2026-01-31T12:00:00.5Z","data":{PAYLOAD}}}"#);
    let cloudevents = format!(
        r#"{{"specversion":"1.0","id":"EVENT","source":"/tenants/TENANT","type":"call.ended","time":"2026-01-31T12:00:00.5Z","subject":"a \"b\"","datacontenttype":"application/json","data":{PAYLOAD}}}"#
    );
    let slack = r#"{"text":"*call.ended* a \"b\" (tenant TENANT, EVENT)"}"#.to_owned();
    let mut table = vec![
        (json!({"template": template}), "application/json", templated),
        (
            json!({"template": "{type}={raw:/call/cost}&id={id}", "content_type": "application/x-www-form-urlencoded"}),
            "application/x-www-form-urlencoded",
            "call.ended=3.0&id=EVENT".to_owned(),
        ),
    ];
    table.extend(BodyForm::ALL.iter().map(|form| match form {
        BodyForm::Envelope => (json!(form.name()), "application/json", envelope.clone()),
        BodyForm::Cloudevents => (json!(form.name()), "application/cloudevents+json", cloudevents.clone()),
        BodyForm::Slack => (json!(form.name()), "application/json", slack.clone()),
        _ => (json!(form.name()), "application/json", PAYLOAD.to_owned()),
    }));
    table
}

const SCHEMES: [&str; 4] = ["standard", "levrage", "github", "synthflow"];

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn emitted(api: &Api, tenant: &str) -> String {
    let fields = json!({"tenant": tenant, "key": "a \"b\"", "occurred_at": "2026-01-31T12:00:00.5Z"});
    api.emit("call.ended", PAYLOAD.as_bytes(), fields).await
}

fn bytes(text: &str, event: &str, tenant: &str, attempt: usize) -> String {
    text.replace("EVENT", event).replace("TENANT", tenant).replace("ATTEMPT", &attempt.to_string())
}

/// The bytes that are shown as sent.
async fn shown(api: &Api, path: &str) -> String {
    let answer = api.get(path).await;
    assert_eq!(answer.status, 200, "{path}");
    String::from_utf8(answer.bytes.to_vec()).expect("text")
}

on_both_stores! {
    async fn what_is_signed_is_what_is_sent_and_shown_for_every_body_and_scheme(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let mut fails = std::collections::HashSet::new();
        let receiver = Receiver::scripted(move |request: &Arrived| {
            Reply::status(if fails.insert(request.header("ringback-id").to_owned()) { 500 } else { 204 })
        })
        .await;
        for (number, (body, content_type, expected)) in table().into_iter().enumerate() {
            for scheme in SCHEMES {
                let tenant = format!("{scheme}-{number}");
                let url = format!("{}/{tenant}", receiver.url());
                let fields = json!({
                    "tenant": tenant, "key": "it", "url": url, "event_types": ["call.*"], "scheme": scheme, "secret": SECRET,
                    "body": body, "retry": {"max_attempts": 3, "delays_ms": [50], "jitter": 0.0},
                });
                let endpoint = server.api.endpoint(fields).await;
                if body.is_string() {
                    assert_eq!(endpoint["body"], body);
                } else {
                    assert_eq!(endpoint["body"]["template"], body["template"]);
                    assert_eq!(endpoint["body"]["content_type"], content_type);
                }
                let event = emitted(&server.api, &tenant).await;
                let delivery = server.api.delivery_of(&event).await;
                let about = format!("{body} with {scheme}");
                // What it signs must be in what is sent.
                if scheme == "synthflow" && !expected.starts_with(r#"{"call":{"#) && number != 0 {
                    let dead = server.api.delivery_with_status(&delivery, "dead").await;
                    assert_eq!(dead["dead_reason"], "unroutable", "{about}: {dead}");
                    continue;
                }
                server.api.delivery_with_status(&delivery, "delivered").await;
                server.api.post(&format!("/v1/deliveries/{delivery}/replay"), &json!({})).await.expect(202);
                server.api.delivery_when(&delivery, "replayed", |it| it["attempt_count"] == 3).await;

                let of_event = |it: &Arrived| it.header("ringback-id") == event;
                let arrived: Vec<_> = receiver.arrived().into_iter().filter(of_event).collect();
                assert_eq!(arrived.len(), 3, "{about}");
                let known = Known {
                    scheme: serde_json::from_value(json!(scheme)).expect("a scheme"),
                    secret: SECRET.to_owned(),
                    public_key: None,
                    url: endpoint["url"].as_str().expect("a URL").to_owned(),
                };
                for (request, attempt) in arrived.iter().zip(1..) {
                    let expected = bytes(&expected, &event, &tenant, attempt);
                    assert_eq!(String::from_utf8_lossy(&request.body), expected, "{about}");
                    assert_eq!(request.header("content-type"), content_type, "{about}");
                    verify(&known, request, Some("call-1")).unwrap_or_else(|why| panic!("{about}: {why}: {request:?}"));
                }
                let expected = bytes(&expected, &event, &tenant, 3);
                let id = id_of(&endpoint);
                let path = format!("/v1/events/{event}/payload");
                assert_eq!(shown(&server.api, &format!("{path}?as=sent&endpoint_id={id}")).await, expected, "{about}");
                assert_eq!(shown(&server.api, &format!("{path}?as=sent")).await, expected, "{about}");
                assert_eq!(shown(&server.api, &path).await, PAYLOAD, "{about}");
                if body == "cloudevents-binary" {
                    let request = &arrived[0];
                    let attributes =
                        ["specversion", "id", "source", "type", "time", "subject"].map(|it| request.header(&format!("ce-{it}")));
                    let source = format!("/tenants/{tenant}");
                    let time = "2026-01-31T12:00:00.5Z";
                    assert_eq!(attributes, ["1.0", &event, &source, "call.ended", time, "a%20%22b%22"]);
                }

                // A destination that inherits the policy has the same body.
                let destination = json!({"url": url, "endpoint_key": "it"});
                let fields = json!({"tenant": tenant, "destination": destination, "key": "a \"b\""});
                let event = server.api.emit("call.ended", PAYLOAD.as_bytes(), fields).await;
                let request = until("the inline one has arrived", async || {
                    receiver.arrived().into_iter().find(|it| it.header("ringback-id") == event)
                })
                .await;
                assert_eq!(request.header("content-type"), content_type, "{about}");
                verify(&known, &request, Some("call-1")).unwrap_or_else(|why| panic!("{about}: {why}: {request:?}"));
                let sent = shown(&server.api, &format!("/v1/events/{event}/payload?as=sent")).await;
                let sent = sent.replace(r#""n":2"#, r#""n":1"#);
                assert_eq!(sent, String::from_utf8_lossy(&request.body), "{about}");
            }
        }
    }

    async fn the_libraries_of_pypi_and_npm_verify_every_body_and_read_cloudevents(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let payload = "{\"cost\": 3.0, \"name\":\"Zo\\u00eb\",\"call\":{\"id\":\"é\",\"cost\":1,\"call_id\":1}}";
        // Both read what they have verified as JSON.
        let every: Vec<Value> =
            table().into_iter().filter(|(_, kind, _)| kind.ends_with("json")).map(|(body, _, _)| body).collect();
        let of_cloudevents = vec![json!("cloudevents"), json!("cloudevents-binary")];
        for (customer, bodies) in [
            (Customer::StandardPython, &every),
            (Customer::StandardNode, &every),
            (Customer::CloudEventsPython, &of_cloudevents),
            (Customer::CloudEventsNode, &of_cloudevents),
        ] {
            let outside = Started::new(customer, SECRET).start().await;
            for (number, body) in bodies.iter().enumerate() {
                let tenant = format!("{customer:?}-{number}");
                let fields = json!({
                    "tenant": tenant, "url": outside.url(), "event_types": ["*"], "secret": SECRET, "body": body,
                    "headers": {"X-Key": "call 1%"}, "retry": {"max_attempts": 1},
                });
                server.api.endpoint(fields).await;
                let fields = json!({"tenant": tenant, "key": "call 1%"});
                let event = server.api.emit("call.ended", payload.as_bytes(), fields).await;
                let delivery = server.api.delivery_of(&event).await;
                server.api.delivery_when(&delivery, "it has ended", |it| it["attempt_count"] == 1).await;
                let journal = outside.wait_for(number + 1).await;
                let line = journal.iter().find(|line| line.event() == event).expect("it has arrived");
                assert!(line.ok() && line.id() == event, "{customer:?} with {body}: {journal:#?}");
            }
        }
    }

    async fn a_value_that_is_not_there_makes_the_delivery_unroutable_and_says_so(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let body = json!({"template": "{{\"id\":{json:/call/id}}}"});
        let fields = json!({"url": receiver.url(), "event_types": ["a"], "scheme": "none", "body": body});
        let endpoint = server.api.endpoint(fields).await;
        let event = server.api.emit("a", br#"{"call":{}}"#, json!({"key": "call-7"})).await;
        let delivery = server.api.delivery_of(&event).await;
        let dead = server.api.delivery_with_status(&delivery, "dead").await;
        let why = "the endpoint's body has the value at /call/id, and the payload has none there";
        assert_eq!((&dead["dead_reason"], &dead["last_error"]), (&json!("unroutable"), &json!(why)), "{dead}");
        let path = format!("/v1/events/{event}/payload?as=sent");
        let refused = server.api.get(&path).await.expect_problem(409, "unroutable");
        assert_eq!(refused["detail"], why);
        let explained = ringback(&database, &["explain", &event]).await.done();
        assert!(explained.contains(why), "{explained}");

        // Once the endpoint asks for less, a replay sends it; a body that never fits is not taken at all.
        let path = format!("/v1/endpoints/{}", id_of(&endpoint));
        server.api.patch(&path, &json!({"body": {"template": "{{\"of\":{json:/call}}}"}})).await.expect(200);
        server.api.post(&format!("/v1/deliveries/{delivery}/replay"), &json!({})).await.expect(202);
        assert_eq!(&receiver.wait_for(1).await[0].body[..], br#"{"of":{}}"#);
        for (body, pointer, code) in [
            (json!({"template": "{body}{body}"}), "/body/template", "too_many"),
            (json!({"template": "{\"a\":1}"}), "/body/template", "unknown_placeholder"),
            (json!({"template": "}"}), "/body/template", "unbalanced_brace"),
            (json!({"template": "x".repeat(16_385)}), "/body/template", "too_long"),
            (json!({"template": "x", "content_type": "json"}), "/body/content_type", "malformed"),
            (json!({"template": "x", "colour": 1}), "/body/colour", "unknown_field"),
            (json!("Envelope"), "/body", "unknown_value"),
            (json!(7), "/body", "wrong_type"),
        ] {
            let refused = server.api.patch(&path, &json!({"body": body})).await.expect(422);
            let found = (&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]);
            assert_eq!(found, (&json!(pointer), &json!(code)), "{body}: {refused}");
        }
        server.api.patch(&path, &json!({"body": null})).await.expect(200);
        assert_eq!(server.api.get(&path).await.expect(200)["body"], "raw");
        let slack = server.api.patch(&path, &json!({"preset": "slack"})).await.expect(200);
        assert_eq!(slack["body"], "slack", "what the preset brings");
        let default = server.api.patch(&path, &json!({"preset": "default"})).await.expect(200);
        assert_eq!(default["body"], "raw", "and takes away");
    }

    async fn a_large_value_is_copied_and_a_body_that_would_grow_is_not_sent(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let payload = format!(r#"{{"deep":{{"text":"{}"}}}}"#, "é".repeat(300_000));
        for (key, template) in [("once", "{json:/deep/text}"), ("twice", "{json:/deep}{json:/deep/text}")] {
            let fields = json!({
                "tenant": key, "url": receiver.url(), "event_types": ["a"], "body": {"template": template},
            });
            server.api.endpoint(fields).await;
        }
        let event = server.api.emit("a", payload.as_bytes(), json!({"tenant": "once"})).await;
        let delivery = server.api.delivery_of(&event).await;
        server.api.delivery_with_status(&delivery, "delivered").await;
        assert_eq!(receiver.wait_for(1).await[0].body.len(), 600_002);
        let event = server.api.emit("a", payload.as_bytes(), json!({"tenant": "twice"})).await;
        let delivery = server.api.delivery_of(&event).await;
        let dead = server.api.delivery_with_status(&delivery, "dead").await;
        assert!(dead["last_error"].as_str().expect("why").contains("longer than the payload"), "{dead}");
    }

    async fn the_command_line_sets_shows_and_saves_a_body(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let fields = json!({"url": "https://93.184.215.14/", "event_types": [], "scheme": "none"});
        let id = &*id_of(&server.api.endpoint(fields).await);
        let set = ringback(&database, &["endpoints", "update", id, "--body", "envelope"]).await.done();
        assert!(set.contains("body      envelope"), "{set}");
        let own = r#"{"template":"<{raw:/n}>","content_type":"text/xml"}"#;
        let set = ringback(&database, &["endpoints", "update", id, "--body", own]).await.done();
        assert!(set.contains("<{raw:/n}>"), "{set}");
        let body = server.api.get(&format!("/v1/endpoints/{id}")).await.expect(200)["body"].clone();
        assert_eq!(body, serde_json::from_str::<Value>(own).expect("JSON"));

        let fields = json!({"url": receiver.url(), "event_types": ["a"], "scheme": "none", "body": body});
        let there = &*id_of(&server.api.endpoint(fields).await);
        let event = server.api.emit("a", br#"{"n":3.0}"#, json!({})).await;
        assert_eq!(&receiver.wait_for(1).await[0].body[..], b"<3.0>");
        let saved = ringback(&database, &["payload", &event, "--sent", "--endpoint-id", there]).await.done();
        assert_eq!(saved, "<3.0>");
        assert_eq!(ringback(&database, &["payload", &event]).await.done(), r#"{"n":3.0}"#);
        let other = "ep_00000000000000000000000000000001";
        let absent = ringback(&database, &["payload", &event, "--sent", "--endpoint-id", other]).await;
        assert_eq!(absent.code, 3, "{}", absent.err);
        let wrong = ringback(&database, &["endpoints", "update", id, "--body", "{}"]).await;
        assert!(wrong.code == 2 && wrong.err.contains("--body"), "{}", wrong.err);
        let cleared = ringback(&database, &["endpoints", "update", id, "--clear", "body"]).await.done();
        assert!(cleared.contains("body      raw"), "{cleared}");
    }
}

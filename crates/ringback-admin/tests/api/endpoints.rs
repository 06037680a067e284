//! Endpoints: making, replacing, patching, deleting, testing.

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};

use crate::app::{Answer, App, TOKEN, bearer, members};

const FIELDS: [&str; 36] = [
    "id",
    "url",
    "tenant",
    "key",
    "enabled",
    "event_types",
    "preset",
    "scheme",
    "headers",
    "auth",
    "tls",
    "retry",
    "name",
    "description",
    "timeout_ms",
    "max_in_flight",
    "rate_per_second",
    "ordered",
    "on_dead",
    "method",
    "success_statuses",
    "permanent_statuses",
    "filter",
    "body",
    "fallback_url",
    "trace",
    "disable_after",
    "paused",
    "disabled_reason",
    "health",
    "has_secret",
    "public_key",
    "rotation",
    "verified_at",
    "created_at",
    "updated_at",
];

const PUT_PATH: &str = "/v1/endpoints/by-key/acme/agent-1";

fn request() -> Value {
    json!({"url": "https://receiver.acme-voice.com/hook", "event_types": ["call.*"]})
}

async fn with_if_match(app: &App, method: Method, path: &str, tag: &str, body: Value) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, bearer(TOKEN))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::IF_MATCH, tag);
    app.send(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn an_endpoint_is_told_with_its_effective_values_and_its_secret_once() {
    let app = App::new().await;
    let answer = app.post("/v1/endpoints", request()).await;
    let made = answer.is(StatusCode::CREATED);
    assert_eq!(members(&answer.body), [FIELDS.as_slice(), &["secret", "warnings"]].concat());
    assert!(made.text("secret").starts_with("whsec_"));
    let shown = app.get(&format!("/v1/endpoints/{}", made.text("id"))).await;
    assert_eq!(members(&shown.body), [FIELDS.as_slice(), &["last_24h"]].concat());
    assert_eq!(shown.header(header::ETAG), answer.header(header::ETAG));
    let shown = shown.is(StatusCode::OK);
    assert_eq!(shown["tenant"], "default");
    assert_eq!(shown["preset"], "default");
    assert_eq!(shown["scheme"], "standard");
    assert_eq!(shown["timeout_ms"], 10_000);
    assert_eq!(shown["retry"], json!({"max_attempts": 3, "delays_ms": [10_000, 60_000], "jitter": 0.2}));
    assert_eq!(shown["max_in_flight"], 16);
    assert_eq!(shown["on_dead"], "skip");
    assert_eq!(shown["has_secret"], true);
    assert_eq!((&shown["enabled"], &shown["paused"]), (&json!(true), &json!(false)));
    let listed = app.get("/v1/endpoints").await.is(StatusCode::OK);
    let mut alone = shown.0;
    let none = json!({"delivered": 0, "failed": 0, "dead": 0, "p50_ms": null, "p99_ms": null});
    assert_eq!(alone.as_object_mut().unwrap().remove("last_24h"), Some(none));
    assert_eq!(listed["items"], json!([alone]));
}

#[tokio::test]
async fn no_answer_but_the_first_shows_anything_secret() {
    let app = App::new().await;
    let secret = "hunter2-hunter2-hunter2";
    let mut wanted = request();
    wanted["scheme"] = json!("plain-hex");
    wanted["secret"] = json!(secret);
    wanted["headers"] = json!({"X-Api": "hunter2-header"});
    wanted["auth"] = json!({"type": "basic", "username": "user", "password": "hunter2-password"});
    let made = app.post("/v1/endpoints", wanted).await.is(StatusCode::CREATED);
    assert_eq!(made["secret"], secret);
    assert_eq!(made["auth"], json!({"type": "basic", "username": "user", "password": "***"}));
    let header = made["headers"].as_object().unwrap();
    assert_eq!(header.values().collect::<Vec<_>>(), [&json!("***")]);
    let path = format!("/v1/endpoints/{}", made.text("id"));
    let patched = app.call(Method::PATCH, &path, json!({"name": "n"}).to_string()).await;
    patched.is(StatusCode::OK);
    let paused = app.post(&format!("{path}/pause"), json!({})).await;
    for answer in [app.get(&path).await, app.get("/v1/endpoints").await, patched, paused] {
        assert!(!String::from_utf8_lossy(&answer.body).contains("hunter2"), "{:?}", answer.body);
    }
}

#[tokio::test]
async fn every_wrong_field_of_an_endpoint_is_named() {
    let app = App::new().await;
    app.post("/v1/endpoints", json!({"url": "https://a.acme-voice.com/", "event_types": ["*"], "key": "taken"}))
        .await
        .is(StatusCode::CREATED);
    for (field, value, place) in [
        ("url", json!(null), "/url"),
        ("url", json!("http://a.acme-voice.com/"), "/url"),
        ("url", json!("https://127.0.0.1/"), "/url"),
        ("url", json!("https://0x7f.1/"), "/url"),
        ("url", json!("https://user:pass@a.acme-voice.com/"), "/url"),
        ("event_types", json!(null), "/event_types"),
        ("event_types", json!(["call*"]), "/event_types/0"),
        ("preset", json!("unknown"), "/preset"),
        ("scheme", json!("unknown"), "/scheme"),
        ("timeout_ms", json!(99), "/timeout_ms"),
        ("retry", json!({"max_attempts": 0}), "/retry/max_attempts"),
        ("retry", json!({"delays": []}), "/retry/delays"),
        ("max_in_flight", json!(0), "/max_in_flight"),
        ("rate_per_second", json!(-1), "/rate_per_second"),
        ("on_dead", json!("wait"), "/on_dead"),
        ("enabled", json!("yes"), "/enabled"),
        ("tenant", json!("a b"), "/tenant"),
        ("key", json!(""), "/key"),
        ("headers", json!({"host": "x"}), "/headers/host"),
        ("auth", json!({"type": "bearer"}), "/auth/token"),
        ("paused", json!(true), "/paused"),
    ] {
        let mut wanted = request();
        wanted[field] = value;
        let answer = app.post("/v1/endpoints", wanted).await;
        assert_eq!(answer.refused(StatusCode::UNPROCESSABLE_ENTITY).1, place, "{field}");
    }
    let mut taken = request();
    taken["key"] = json!("taken");
    assert_eq!(app.post("/v1/endpoints", taken).await.refused(StatusCode::CONFLICT).1, "/key");
    assert_eq!(app.get("/v1/endpoints").await.is(StatusCode::OK)["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn refused_urls_say_why() {
    let app = App::new().await;
    for (url, code) in [
        ("http://a.acme-voice.com/", "https_required"),
        ("https://127.0.0.1/", "blocked_destination"),
        ("https://[::ffff:169.254.169.254]/", "blocked_destination"),
        ("https://0x7f.1/", "ambiguous_ip"),
    ] {
        let answer = app.post("/v1/endpoints", json!({"url": url, "event_types": []})).await;
        let refused = answer.refused(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused, (code.to_owned(), "/url".to_owned()), "{url}");
    }
}

#[tokio::test]
async fn a_tenant_has_at_most_max_endpoints_per_tenant() {
    let app = App::with(|settings| settings.max_endpoints_per_tenant = 1).await;
    app.endpoint("a").await;
    let refused = app.post("/v1/endpoints", request()).await.refused(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused, ("too_many_endpoints".to_owned(), "/tenant".to_owned()));
}

#[tokio::test]
async fn put_makes_what_is_not_there_and_replaces_what_is() {
    let app = App::new().await;
    let put = |body: Value| app.call(Method::PUT, PUT_PATH, body.to_string());
    let mut first = request();
    first["name"] = json!("first");
    let made = put(first.clone()).await.is(StatusCode::CREATED);
    assert_eq!((&made["tenant"], &made["key"]), (&json!("acme"), &json!("agent-1")));
    assert!(made["secret"].is_string());

    let again = put(first).await;
    assert!(again.is(StatusCode::OK)["secret"].is_null(), "the kept secret is not told again");
    let replaced = put(request()).await;
    let body = replaced.is(StatusCode::OK);
    assert_eq!((&body["id"], &body["name"], &body["has_secret"]), (&made["id"], &json!(null), &json!(true)));
    assert_ne!(replaced.header(header::ETAG), again.header(header::ETAG));

    let mut unsigned = request();
    unsigned["scheme"] = json!("levrage");
    unsigned["secret"] = json!(null);
    assert_eq!(put(unsigned).await.is(StatusCode::OK)["has_secret"], false);
}

#[tokio::test]
async fn putting_the_same_again_changes_nothing() {
    let app = App::new().await;
    let put = || app.call(Method::PUT, PUT_PATH, request().to_string());
    let first = put().await;
    let again = put().await;
    assert_eq!(first.header(header::ETAG), again.header(header::ETAG));
    assert_eq!(first.is(StatusCode::CREATED)["updated_at"], again.is(StatusCode::OK)["updated_at"]);
}

#[tokio::test]
async fn a_put_cannot_say_another_tenant_or_key_than_its_path() {
    let app = App::new().await;
    for (field, value) in [("tenant", "other"), ("key", "other")] {
        let mut body = request();
        body[field] = json!(value);
        let answer = app.call(Method::PUT, PUT_PATH, body.to_string()).await;
        let refused = answer.refused(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused, ("conflict".to_owned(), format!("/{field}")));
    }
    let strange = app.call(Method::PUT, "/v1/endpoints/by-key/a%20b/%0A", request().to_string()).await;
    assert_eq!(strange.refused(StatusCode::UNPROCESSABLE_ENTITY).1, "/tenant");
    let encoded = app.call(Method::PUT, "/v1/endpoints/by-key/acme/a%2Fb%20c", request().to_string()).await;
    assert_eq!(encoded.is(StatusCode::CREATED)["key"], "a/b c");
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_keeps_the_rest() {
    let app = App::new().await;
    let id = app.endpoint("a").await;
    let path = format!("/v1/endpoints/{id}");
    let patch = |body: &'static str| app.call(Method::PATCH, &path, body);
    let patched = patch(r#"{"name":"n","retry":{"max_attempts":5},"enabled":false}"#).await.is(StatusCode::OK);
    assert_eq!((&patched["name"], &patched["key"], &patched["has_secret"]), (&json!("n"), &json!("a"), &json!(true)));
    assert_eq!(patched["retry"], json!({"max_attempts": 5, "delays_ms": [10_000, 60_000], "jitter": 0.2}));
    assert_eq!((&patched["enabled"], &patched["disabled_reason"]), (&json!(false), &json!(null)));
    assert!(patched["secret"].is_null());
    let removed = patch(r#"{"name":null,"key":null,"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}"#).await;
    let removed = removed.is(StatusCode::OK);
    assert_eq!((&removed["name"], &removed["key"]), (&json!(null), &json!(null)));
    assert_eq!(removed["secret"], "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    for (body, place) in [
        (r#"{"tenant":"other"}"#, "/tenant"),
        (r#"{"url":null}"#, "/url"),
        (r#"{"typo":1}"#, "/typo"),
        (r#"{"retry":{"jitter":2}}"#, "/retry/jitter"),
        ("[]", ""),
    ] {
        assert_eq!(patch(body).await.refused(StatusCode::UNPROCESSABLE_ENTITY).1, place, "{body}");
    }
    let merge_patch = Request::patch(&path)
        .header(header::AUTHORIZATION, bearer(TOKEN))
        .header(header::CONTENT_TYPE, "application/merge-patch+json");
    app.send(merge_patch.body(Body::from("{}")).unwrap()).await.is(StatusCode::OK);
}

#[tokio::test]
async fn a_change_is_made_only_to_the_version_that_if_match_names() {
    let app = App::new().await;
    let id = app.endpoint("a").await;
    let path = format!("/v1/endpoints/{id}");
    let old = app.get(&path).await.header(header::ETAG).to_owned();
    let patch = |tag: &str, name: &str| {
        let (tag, body) = (tag.to_owned(), json!({"name": name}));
        let (app, path) = (&app, &path);
        async move { with_if_match(app, Method::PATCH, path, &tag, body).await }
    };
    let changed = patch(&old, "one").await;
    changed.is(StatusCode::OK);
    let new = changed.header(header::ETAG).to_owned();
    assert_ne!(old, new);
    for stale in [old.as_str(), "\"other\"", "W/\"1\""] {
        assert_eq!(patch(stale, "two").await.refused(StatusCode::PRECONDITION_FAILED).0, "precondition_failed");
    }
    assert_eq!(patch("unquoted", "two").await.refused(StatusCode::BAD_REQUEST).1, "if-match");
    assert_eq!(app.get(&path).await.is(StatusCode::OK)["name"], "one");
    patch("*", "three").await.is(StatusCode::OK);

    let put = with_if_match(&app, Method::PUT, PUT_PATH, "\"1\"", request()).await;
    assert_eq!(put.refused(StatusCode::PRECONDITION_FAILED).0, "precondition_failed");
    let delete = with_if_match(&app, Method::DELETE, &path, &new, json!({})).await;
    assert_eq!(delete.refused(StatusCode::PRECONDITION_FAILED).0, "precondition_failed");
}

#[tokio::test]
async fn pausing_and_resuming_hold_and_release_and_may_be_repeated() {
    let app = App::new().await;
    let id = app.endpoint("a").await;
    let (_, delivery) = app.delivery().await;
    let delivery = format!("/v1/deliveries/{delivery}");
    for _ in 0..2 {
        let paused = app.call(Method::POST, &format!("/v1/endpoints/{id}/pause"), "").await;
        assert_eq!(paused.is(StatusCode::OK)["paused"], true);
        assert!(paused.headers.contains_key(header::ETAG));
        let held = app.get(&delivery).await.is(StatusCode::OK);
        assert_eq!((&held["status"], &held["hold_reason"]), (&json!("pending"), &json!("paused")));
    }
    for _ in 0..2 {
        let resumed = app.post(&format!("/v1/endpoints/{id}/resume"), json!({})).await.is(StatusCode::OK);
        assert_eq!(resumed["paused"], false);
    }
    assert_eq!(app.get(&delivery).await.is(StatusCode::OK)["hold_reason"], json!(null));
    let refused = app.post(&format!("/v1/endpoints/{id}/pause"), json!({"for": 5})).await;
    assert_eq!(refused.refused(StatusCode::UNPROCESSABLE_ENTITY).1, "/for");
}

#[tokio::test]
async fn a_disabled_endpoint_holds_its_deliveries_until_it_is_enabled() {
    let app = App::new().await;
    let id = app.endpoint("a").await;
    let path = format!("/v1/endpoints/{id}");
    app.call(Method::PATCH, &path, r#"{"enabled":false}"#).await.is(StatusCode::OK);
    let (_, delivery) = app.delivery().await;
    let delivery = format!("/v1/deliveries/{delivery}");
    assert_eq!(app.get(&delivery).await.is(StatusCode::OK)["hold_reason"], "endpoint_disabled");
    app.call(Method::PATCH, &path, r#"{"enabled":true}"#).await.is(StatusCode::OK);
    assert_eq!(app.get(&delivery).await.is(StatusCode::OK)["hold_reason"], json!(null));
}

#[tokio::test]
async fn deleting_cancels_what_is_pending_and_the_endpoint_is_gone() {
    let app = App::new().await;
    let id = app.endpoint("a").await;
    let (_, delivery) = app.delivery().await;
    let path = format!("/v1/endpoints/{id}");
    app.delete(&path).await.is(StatusCode::NO_CONTENT);
    for answer in [app.get(&path).await, app.delete(&path).await, app.post(&format!("{path}/test"), json!({})).await] {
        assert_eq!(answer.refused(StatusCode::NOT_FOUND).0, "not_found");
    }
    let delivery = app.get(&format!("/v1/deliveries/{delivery}")).await.is(StatusCode::OK);
    assert_eq!((&delivery["status"], &delivery["endpoint_id"]), (&json!("cancelled"), &json!(id)));
    assert_eq!(delivery["url"], "https://receiver.acme-voice.com/hook");
    app.endpoint("a").await;
}

#[tokio::test]
async fn a_test_goes_to_its_endpoint_alone_whatever_that_selects() {
    let app = App::new().await;
    let nothing = json!({"url": "https://receiver.acme-voice.com/hook", "event_types": [], "enabled": false});
    let id = app.post("/v1/endpoints", nothing).await.is(StatusCode::CREATED).text("id");
    app.endpoint("other").await;
    let path = format!("/v1/endpoints/{id}/test");
    let sent = app.call(Method::POST, &path, "").await;
    assert_eq!(members(&sent.body), ["event_id", "delivery_id"]);
    let sent = sent.is(StatusCode::ACCEPTED);
    let event = app.get(&format!("/v1/events/{}", sent.text("event_id"))).await.is(StatusCode::OK);
    assert_eq!(event["type"], "webhook.test");
    assert_eq!(event["deliveries"].as_array().unwrap().len(), 1);
    assert_eq!(event["deliveries"][0]["id"], sent["delivery_id"]);
    assert_eq!(event["deliveries"][0]["hold_reason"], json!(null));
    for entry in event["routing"].as_array().unwrap() {
        let expected = if entry["endpoint_id"] == id {
            json!({"verdict": "delivery", "reason": null})
        } else {
            json!({"verdict": "skipped", "reason": "not_addressed"})
        };
        assert_eq!(json!({"verdict": entry["verdict"], "reason": entry["reason"]}), expected);
    }
    assert_eq!(event["routing"].as_array().unwrap().len(), 2);
    let payload = app.get(&format!("/v1/events/{}/payload", sent.text("event_id"))).await;
    assert_eq!(payload.body, r#"{"test":true}"#);

    let own = app.call(Method::POST, &path, r#"{"type":"call.ended","payload":{ "n":3.0 }}"#).await;
    let own = own.is(StatusCode::ACCEPTED).text("event_id");
    assert_eq!(app.get(&format!("/v1/events/{own}/payload")).await.body, r#"{ "n":3.0 }"#);
    for (body, place) in [(r#"{"type":"a b"}"#, "/type"), (r#"{"typ":"x"}"#, "/typ")] {
        let answer = app.call(Method::POST, &path, body).await;
        assert_eq!(answer.refused(StatusCode::UNPROCESSABLE_ENTITY).1, place);
    }
}

#[tokio::test]
async fn changes_that_meet_are_all_made() {
    let app = App::new().await;
    let path = format!("/v1/endpoints/{}", app.endpoint("a").await);
    let patch = |body: &'static str| app.call(Method::PATCH, &path, body);
    let (one, two, three) =
        tokio::join!(patch(r#"{"name":"n"}"#), patch(r#"{"description":"d"}"#), patch(r#"{"ordered":true}"#));
    for answer in [one, two, three] {
        answer.is(StatusCode::OK);
    }
    let endpoint = app.get(&path).await.is(StatusCode::OK);
    assert_eq!(
        (&endpoint["name"], &endpoint["description"], &endpoint["ordered"]),
        (&json!("n"), &json!("d"), &json!(true))
    );
}

#[tokio::test]
async fn puts_that_meet_make_one_endpoint() {
    let app = App::new().await;
    let put = || app.call(Method::PUT, PUT_PATH, request().to_string());
    let (one, two, three) = tokio::join!(put(), put(), put());
    let created = [&one, &two, &three].iter().filter(|answer| answer.status == StatusCode::CREATED).count();
    assert_eq!(created, 1);
    let id = |answer: &Answer| serde_json::from_slice::<Value>(&answer.body).unwrap()["id"].clone();
    assert_eq!((id(&one), id(&two)), (id(&two), id(&three)));
    assert_eq!(app.get("/v1/endpoints").await.is(StatusCode::OK)["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_body_under_a_key_is_counted_once() {
    let mut app = App::new().await;
    let body = request().to_string();
    let options = ringback_admin::Options::trusting_host().request_memory_max(body.len());
    app.router = ringback_admin::router(app.engine.clone(), options);
    let asked = Request::post("/v1/endpoints").header(header::CONTENT_TYPE, "application/json");
    let answer = app.send(asked.header("idempotency-key", "k").body(Body::from(body)).unwrap()).await;
    answer.is(StatusCode::CREATED);
}

//! What no handler is asked for is refused in the same form as everything else.

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use serde_json::json;

use crate::app::{App, TOKEN, bearer};

#[tokio::test]
async fn unknown_paths_and_malformed_ids_are_not_found() {
    let app = App::new().await;
    for path in [
        "/",
        "/v1",
        "/v1/nothing",
        "/v1/events/",
        "/v1/events/evt_1",
        "/v1/events/dlv_00000000000000000000000000000000",
        "/v1/events/EVT_00000000000000000000000000000000",
        "/v1/events/evt_00000000000000000000000000000000",
        "/v1/events/evt_00000000000000000000000000000000/payload",
        "/v1/events/%ff",
        "/v1/deliveries/dlv_00000000000000000000000000000001",
        "/v1/endpoints/ep_00000000000000000000000000000000",
        "/v1/replays/x",
        "//v1/events",
    ] {
        assert_eq!(app.get(path).await.refused(StatusCode::NOT_FOUND).0, "not_found", "{path}");
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_refused_with_those_it_does() {
    let app = App::new().await;
    for (method, path, allowed) in [
        (Method::DELETE, "/v1/events", ["GET", "POST"].as_slice()),
        (Method::PUT, "/v1/endpoints", &["GET", "POST"]),
        (Method::POST, "/v1/endpoints/ep_00000000000000000000000000000000", &["GET", "PATCH", "DELETE"]),
        (Method::POST, "/v1/endpoints/by-key/a/b", &["GET", "PUT", "PATCH", "DELETE"]),
        (Method::POST, "/v1/ledger", &["GET"]),
        (Method::PATCH, "/healthz", &["GET"]),
    ] {
        let answer = app.call(method, path, "").await;
        assert_eq!(answer.refused(StatusCode::METHOD_NOT_ALLOWED).0, "method_not_allowed", "{path}");
        let told: Vec<_> = answer.header(header::ALLOW).split(',').map(str::trim).collect();
        for method in allowed {
            assert!(told.contains(method), "{path}: {told:?}");
        }
    }
}

#[tokio::test]
async fn a_body_must_be_json_and_say_so() {
    let app = App::new().await;
    let endpoint = app.endpoint("a").await;
    let of_type = |method: Method, path: &str, media_type: Option<&str>| {
        let mut request = Request::builder().method(method).uri(path).header(header::AUTHORIZATION, bearer(TOKEN));
        if let Some(media_type) = media_type {
            request = request.header(header::CONTENT_TYPE, media_type);
        }
        app.send(request.body(Body::from("{}")).unwrap())
    };
    let paths = [
        (Method::POST, "/v1/events".to_owned()),
        (Method::POST, "/v1/events/batch".to_owned()),
        (Method::POST, "/v1/endpoints".to_owned()),
        (Method::PUT, "/v1/endpoints/by-key/a/b".to_owned()),
        (Method::PATCH, format!("/v1/endpoints/{endpoint}")),
        (Method::POST, format!("/v1/endpoints/{endpoint}/test")),
        (Method::POST, format!("/v1/endpoints/{endpoint}/verify")),
        (Method::POST, format!("/v1/endpoints/{endpoint}/pause")),
        (Method::POST, "/v1/replays".to_owned()),
    ];
    for (method, path) in paths {
        for media_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jso")]
        {
            let answer = of_type(method.clone(), &path, media_type).await;
            assert_eq!(answer.refused(StatusCode::UNSUPPORTED_MEDIA_TYPE).0, "unsupported_media_type", "{path}");
        }
        for broken in ["{", "{\"a\":}", "\u{feff}{}", "{}x", "'a'"] {
            let answer = app.call(method.clone(), &path, broken).await;
            assert_eq!(answer.refused(StatusCode::BAD_REQUEST).0, "malformed_json", "{path} {broken}");
        }
        let not_text = app.call(method.clone(), &path, b"{\"a\":\"\xff\"}".as_slice()).await;
        assert_eq!(not_text.refused(StatusCode::BAD_REQUEST).0, "malformed_json", "{path}");
        let array = app.call(method.clone(), &path, "[]").await;
        assert_eq!(array.refused(StatusCode::UNPROCESSABLE_ENTITY).0, "wrong_type", "{path}");
        let huge = format!("{{\"a\":\"{}\"}}", "a".repeat(17 * 1024 * 1024));
        let huge = app.call(method, &path, huge).await;
        assert_eq!(huge.refused(StatusCode::PAYLOAD_TOO_LARGE).0, "payload_too_large", "{path}");
    }
}

#[tokio::test]
async fn a_refusal_repeats_nothing_secret() {
    let app = App::new().await;
    for body in [
        json!({"url": "https://a.acme-voice.com/", "event_types": [], "secret": ["hunter2"]}),
        json!({"url": "https://a.acme-voice.com/", "event_types": [], "scheme": "github", "timeout_ms": "hunter2"}),
        json!({"url": "https://a.acme-voice.com/", "event_types": [], "auth": {"type": "bearer", "tokn": "hunter2"}}),
        json!({"url": "https://hunter2:hunter2@a.acme-voice.com/", "event_types": []}),
        json!({"url": "https://a.acme-voice.com/", "event_types": [], "headers": {"x-a": "hunter2\n"}}),
    ] {
        let answer = app.post("/v1/endpoints", body).await;
        answer.refused(StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!String::from_utf8_lossy(&answer.body).contains("hunter2"), "{:?}", answer.body);
    }
}

#[tokio::test]
async fn a_head_request_is_answered_like_a_get_without_its_body() {
    let app = App::new().await;
    let answer = app.call(Method::HEAD, "/v1/events", "").await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
}

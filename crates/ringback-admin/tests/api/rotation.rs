//! Rotating a signing secret.

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use ringback::time::Timestamp;
use serde_json::{Value, json};

use crate::app::{App, OPERATE_TOKEN, TOKEN, bearer, members};

/// An endpoint of this scheme; its path.
async fn endpoint(app: &App, scheme: &str, secret: Option<&str>) -> String {
    let mut request = json!({"url": "https://receiver.acme-voice.com/hook", "event_types": ["*"], "scheme": scheme});
    if let Some(secret) = secret {
        request["secret"] = json!(secret);
    }
    format!("/v1/endpoints/{}", app.post("/v1/endpoints", request).await.is(StatusCode::CREATED).text("id"))
}

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_new_secret_is_told_once_with_the_end_of_the_overlap() {
    let app = App::new().await;
    let path = endpoint(&app, "svix", None).await;
    let before = app.get(&path).await;
    let begun = Timestamp::now();
    let answer = app.call(Method::POST, &format!("{path}/rotate-secret"), "").await;
    let rotated = answer.is(StatusCode::OK);
    assert_eq!(members(&answer.body), ["secret", "overlap_until", "switch_at", "warnings"]);
    assert!(rotated.text("secret").starts_with("whsec_"));
    assert_eq!(rotated["switch_at"], json!(null));
    let overlap = time(&rotated["overlap_until"]).since(begun).as_secs();
    assert!((86_400..86_460).contains(&overlap), "{overlap}");
    let shown = app.get(&path).await;
    assert_ne!(shown.header(header::ETAG), before.header(header::ETAG));
    assert_eq!(shown.header(header::ETAG), answer.header(header::ETAG));
    assert!(!String::from_utf8_lossy(&shown.body).contains(&rotated.text("secret")));
    assert_eq!(shown.is(StatusCode::OK)["has_secret"], true);
    let endpoint = path.rsplit('/').next().unwrap().parse().unwrap();
    let directory = app.engine.directory().await.unwrap();
    let signing: Vec<_> = directory.endpoint(endpoint).unwrap().credentials.secrets.clone();
    assert!(signing.len() == 2 && signing.iter().all(|secret| secret.is_active(Timestamp::now())));
    assert!(!signing[1].is_active(time(&rotated["overlap_until"])));
}

#[tokio::test]
async fn a_scheme_with_one_signature_switches_at_a_moment() {
    let app = App::new().await;
    let path = format!("{}/rotate-secret", endpoint(&app, "levrage", Some("old")).await);
    let at = (Timestamp::now() + std::time::Duration::from_secs(3_600)).to_string();
    let rotated = app.post(&path, json!({"secret": "new", "switch_at": at})).await.is(StatusCode::OK);
    assert_eq!(rotated.0, json!({"secret": "new", "overlap_until": null, "switch_at": at, "warnings": []}));
    let begun = Timestamp::now();
    let refused = app.post(&path, json!({"secret": "newer"})).await;
    assert_eq!(refused.refused(StatusCode::CONFLICT).0, "overlap_in_use", "a switch was announced");
    let now = app.post(&path, json!({"secret": "newer", "force": true})).await.is(StatusCode::OK);
    assert!(time(&now["switch_at"]) >= begun, "a switch is now unless it says when");
    for (body, place) in [
        (json!({"secret": "x", "overlap_seconds": 60}), "/overlap_seconds"),
        (json!({"secret": "x", "switch_at": "2020-01-01T00:00:00Z"}), "/switch_at"),
        (json!({"secret": "x", "switch_at": "soon"}), "/switch_at"),
        (json!({}), "/secret"),
        (json!({"secret": ""}), "/secret"),
        (json!({"secret": "newer"}), "/secret"),
    ] {
        assert_eq!(app.post(&path, body.clone()).await.refused(StatusCode::UNPROCESSABLE_ENTITY).1, place, "{body}");
    }
}

#[tokio::test]
async fn what_cannot_be_rotated_is_refused_and_nothing_changes() {
    let app = App::new().await;
    let path = endpoint(&app, "standard", None).await;
    let before = app.get(&path).await;
    let rotate = format!("{path}/rotate-secret");
    for (body, place) in [
        (json!({"secret": "no-whsec"}), "/secret"),
        (json!({"secret": 5}), "/secret"),
        (json!({"overlap_seconds": -1}), "/overlap_seconds"),
        (json!({"overlap_seconds": 1.5}), "/overlap_seconds"),
        (json!({"overlap_seconds": 31_536_000}), "/overlap_seconds"),
        (json!({"switch_at": "2030-01-01T00:00:00Z"}), "/switch_at"),
        (json!({"overlap": 5}), "/overlap"),
    ] {
        assert_eq!(app.post(&rotate, body.clone()).await.refused(StatusCode::UNPROCESSABLE_ENTITY).1, place, "{body}");
    }
    let none = format!("{}/rotate-secret", endpoint(&app, "none", None).await);
    assert_eq!(app.post(&none, json!({})).await.refused(StatusCode::UNPROCESSABLE_ENTITY).1, "/secret");
    let stale = Request::post(&rotate).header(header::AUTHORIZATION, bearer(TOKEN)).header(header::IF_MATCH, "\"0\"");
    let stale = app.send(stale.body(Body::empty()).unwrap()).await;
    assert_eq!(stale.refused(StatusCode::PRECONDITION_FAILED).0, "precondition_failed");
    app.call_as(OPERATE_TOKEN, Method::POST, &rotate, "").await.refused(StatusCode::FORBIDDEN);
    let absent = app.post("/v1/endpoints/ep_00000000000000000000000000000000/rotate-secret", json!({})).await;
    absent.refused(StatusCode::NOT_FOUND);
    assert_eq!(app.get(&path).await.header(header::ETAG), before.header(header::ETAG));
}

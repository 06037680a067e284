//! The stream by which an open page is told to look again, where a host application lets people in, and its end.

use axum::{Router, body::Body};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use ringback::audit::Who;
use ringback_admin::{Access, Options, Scope};
use tower::ServiceExt as _;

use crate::app::App;

/// A stream, with what it has said first.
async fn opened(site: &Router, access: Option<Access>, person: Option<&str>) -> Result<Body, StatusCode> {
    let mut request = Request::get("/live").header(header::HOST, "127.0.0.1:8080");
    if let Some(access) = access {
        request = request.extension(access);
    }
    if let Some(person) = person {
        request = request.extension(Who::Host(Some(person.to_owned())));
    }
    let response = site.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    if response.status() != StatusCode::OK {
        return Err(response.status());
    }
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "retry: 3000\ndata: changed\n\n");
    Ok(body)
}

#[tokio::test]
async fn streams_end_when_the_host_says_so() {
    let app = App::new().await;
    let (serving, end) = tokio::sync::watch::channel(());
    let site = ringback_admin::router(app.engine.clone(), Options::trusting_host().dashboard().until(end));
    let open = opened(&site, None, None).await.unwrap();
    drop(serving);
    let rest = open.collect().await.unwrap().to_bytes();
    assert!(!rest.starts_with(b"retry"), "it ends, whatever it said before: {rest:?}");
    // Nothing is begun any more that would have to end.
    let late = opened(&site, None, None).await.unwrap();
    late.collect().await.unwrap();
}

#[tokio::test]
async fn who_may_not_read_hears_nothing() {
    let app = App::new().await;
    let site = ringback_admin::router(app.engine.clone(), Options::trusting_host().dashboard());
    let access = |scope| Some(Access { scope, tenant: Some("acme".to_owned()) });
    assert_eq!(opened(&site, access(Scope::Emit), None).await.unwrap_err(), StatusCode::UNAUTHORIZED);
    drop(opened(&site, access(Scope::Read), None).await.unwrap());
}

#[tokio::test]
async fn a_host_has_few_streams_of_one_person_and_gets_places_back() {
    let app = App::new().await;
    let site = ringback_admin::router(app.engine.clone(), Options::trusting_host().dashboard());
    let of = async |person: &str| opened(&site, None, Some(person)).await;
    let mut open = Vec::new();
    for _ in 0..6 {
        open.push(of("ada").await.unwrap());
    }
    assert_eq!(of("ada").await.unwrap_err(), StatusCode::SERVICE_UNAVAILABLE);
    drop(of("grace").await.unwrap());
    open.pop();
    // The stream's own task notices that nobody listens.
    let mut tries = 0;
    while of("ada").await.is_err() {
        tokio::task::yield_now().await;
        tries += 1;
        assert!(tries < 10_000, "the place is not given back");
    }
    // Whom the host does not name has no number of streams of their own.
    for _ in 0..10 {
        open.push(opened(&site, None, None).await.unwrap());
    }
}

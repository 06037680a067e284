//! Who may do what.

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use ringback::audit::Who;
use ringback_admin::{Access, Options, Scope};
use serde_json::json;
use tower::ServiceExt as _;

use crate::app::{App, BOUND_TOKEN, EMIT_TOKEN, OPERATE_TOKEN, READ_TOKEN, bearer, options};

const EVENT: &str = "evt_00000000000000000000000000000000";
const DELIVERY: &str = "dlv_00000000000000000000000000000001";
const ENDPOINT: &str = "ep_00000000000000000000000000000000";
const REPLAY: &str = "rpl_00000000000000000000000000000000";

/// Every route that needs a token, and the least that a token must be for.
fn routes() -> Vec<(Method, String, Scope)> {
    use Scope::{Admin, Emit, Operator, Read};
    let route = |method: Method, path: &str, scope| (method, path.to_owned(), scope);
    vec![
        route(Method::POST, "/v1/events", Emit),
        route(Method::POST, "/v1/events/batch", Emit),
        route(Method::GET, "/v1/events", Read),
        route(Method::GET, &format!("/v1/events/{EVENT}"), Read),
        route(Method::GET, &format!("/v1/events/{EVENT}/payload"), Read),
        route(Method::DELETE, &format!("/v1/events/{EVENT}/payload"), Admin),
        route(Method::POST, "/v1/endpoints", Admin),
        route(Method::GET, "/v1/endpoints", Read),
        route(Method::PUT, "/v1/endpoints/by-key/acme/a", Admin),
        route(Method::GET, &format!("/v1/endpoints/{ENDPOINT}"), Read),
        route(Method::GET, &format!("/v1/endpoints/{ENDPOINT}/figures"), Read),
        route(Method::PATCH, &format!("/v1/endpoints/{ENDPOINT}"), Admin),
        route(Method::DELETE, &format!("/v1/endpoints/{ENDPOINT}"), Admin),
        route(Method::POST, &format!("/v1/endpoints/{ENDPOINT}/test"), Operator),
        route(Method::POST, &format!("/v1/endpoints/{ENDPOINT}/pause"), Operator),
        route(Method::POST, &format!("/v1/endpoints/{ENDPOINT}/resume"), Operator),
        route(Method::GET, "/v1/deliveries", Read),
        route(Method::GET, &format!("/v1/deliveries/{DELIVERY}"), Read),
        route(Method::POST, &format!("/v1/deliveries/{DELIVERY}/replay"), Operator),
        route(Method::GET, "/v1/dead-letters", Read),
        route(Method::POST, &format!("/v1/dead-letters/{DELIVERY}/replay"), Operator),
        route(Method::DELETE, &format!("/v1/dead-letters/{DELIVERY}"), Operator),
        route(Method::POST, "/v1/replays", Operator),
        route(Method::GET, "/v1/replays", Read),
        route(Method::GET, &format!("/v1/replays/{REPLAY}"), Read),
        route(Method::POST, &format!("/v1/replays/{REPLAY}/cancel"), Operator),
        route(Method::GET, "/v1/ledger", Read),
        route(Method::GET, "/v1/figures", Read),
    ]
}

#[tokio::test]
async fn without_a_valid_token_no_route_says_anything() {
    let app = App::new().await;
    for (method, path, _) in routes() {
        for authorization in [None, Some("Bearer wrong"), Some("Basic YTpi"), Some("Bearer")] {
            let mut request = Request::builder().method(method.clone()).uri(&path);
            if let Some(value) = authorization {
                request = request.header(header::AUTHORIZATION, value);
            }
            let answer = app.send(request.body(Body::from("not even json")).unwrap()).await;
            assert_eq!(answer.refused(StatusCode::UNAUTHORIZED).0, "unauthorized", "{method} {path}");
            assert!(answer.header(header::WWW_AUTHENTICATE).starts_with("Bearer "));
        }
    }
}

/// What a token is answered that came from this address through a proxy.
async fn from(site: &axum::Router, address: &str, token: &str) -> http::Response<Body> {
    let request = Request::get("/v1/ledger").header(header::AUTHORIZATION, bearer(token));
    let request = request.header("x-forwarded-for", address);
    site.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

/// How many wrong tokens are told so before one is told to wait.
async fn until_limited(site: &axum::Router, address: &str) -> usize {
    // A limit that never comes fails here instead of being waited for.
    for guesses in 0..20_000 {
        let refused = from(site, address, "a-guess-of-a-token").await;
        if refused.status() != StatusCode::UNAUTHORIZED {
            assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
            assert_eq!(refused.headers()[header::CONTENT_TYPE], "application/problem+json");
            return guesses;
        }
    }
    panic!("{address} may guess for as long as it likes");
}

#[tokio::test]
async fn guesses_are_counted_by_address_and_a_right_token_is_never_refused_for_them() {
    let app = App::new().await;
    let proxies = ["10.0.0.0/8".parse().unwrap()].into_iter().collect();
    let proxied = ringback_admin::router(app.engine.clone(), options().trusted_proxies(proxies));
    let peer: std::net::SocketAddr = "10.0.0.1:5000".parse().unwrap();
    let proxied = proxied.layer(axum::Extension(axum::extract::ConnectInfo(peer)));
    // Where nobody knows the address, all are one; a network of IPv6 is one customer.
    for (site, addresses) in [
        (&proxied, ["198.51.100.7", "203.0.113.1, 198.51.100.7"]),
        (&proxied, ["2001:db8:1:2::1", "2001:db8:1:2::2"]),
        (&app.router, ["198.51.100.1", "198.51.100.2"]),
    ] {
        for (address, least, most) in [(addresses[0], 100, 10_000), (addresses[1], 0, 90)] {
            let guesses = until_limited(site, address).await;
            assert!((least..=most).contains(&guesses), "{guesses} from {address} of {addresses:?}");
            assert_eq!(from(site, address, READ_TOKEN).await.status(), StatusCode::OK);
            assert_eq!(
                from(site, address, EMIT_TOKEN).await.status(),
                StatusCode::FORBIDDEN,
                "a known one, for others"
            );
        }
    }
    let without = Request::get("/v1/ledger").body(Body::empty()).unwrap();
    assert_eq!(app.send(without).await.status, StatusCode::UNAUTHORIZED, "no token is no guess");
}

#[tokio::test]
async fn a_token_is_judged_before_a_body_is_read() {
    let app = App::new().await;
    for (method, path, _) in routes() {
        for token in ["wrong", READ_TOKEN, EMIT_TOKEN] {
            // A body that never comes: whoever reads it waits for ever.
            let stalled = Body::from_stream(futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>());
            let request = Request::builder().method(method.clone()).uri(&path);
            let request = request.header(header::AUTHORIZATION, bearer(token)).header("content-encoding", "gzip");
            let answer = app.send(request.body(stalled).unwrap()).await;
            match token {
                "wrong" => assert_eq!(answer.refused(StatusCode::UNAUTHORIZED).0, "unauthorized", "{method} {path}"),
                _ if answer.status == StatusCode::FORBIDDEN => {}
                _ => {
                    let code = answer.refused(StatusCode::UNSUPPORTED_MEDIA_TYPE).0;
                    assert_eq!(code, "unsupported_content_encoding", "{method} {path}");
                    assert_eq!(answer.header(header::ACCEPT_ENCODING), "identity");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_token_may_do_what_its_scope_says_and_no_more() {
    let app = App::new().await;
    for (method, path, needed) in routes() {
        for (token, scope) in [(READ_TOKEN, Scope::Read), (EMIT_TOKEN, Scope::Emit), (OPERATE_TOKEN, Scope::Operator)] {
            let allowed = scope == needed || (scope == Scope::Operator && needed == Scope::Read);
            let answer = app.call_as(token, method.clone(), &path, "").await;
            if allowed {
                assert_ne!(answer.status, StatusCode::FORBIDDEN, "{method} {path} {scope:?}");
            } else {
                assert_eq!(answer.refused(StatusCode::FORBIDDEN).0, "forbidden", "{method} {path} {scope:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_bound_token_has_one_tenant_and_the_others_do_not_exist_for_it() {
    let app = App::new().await;
    let foreign = app.endpoint("theirs").await;
    let (event, delivery) = app.delivery().await;
    let get = |path: String| app.call_as(BOUND_TOKEN, Method::GET, Box::leak(path.into_boxed_str()), "");
    for path in [
        format!("/v1/endpoints/{foreign}"),
        format!("/v1/events/{event}"),
        format!("/v1/events/{event}/payload"),
        format!("/v1/deliveries/{delivery}"),
        "/v1/events?tenant=default".to_owned(),
        "/v1/ledger?tenant=default".to_owned(),
    ] {
        assert_eq!(get(path.clone()).await.refused(StatusCode::NOT_FOUND).0, "not_found", "{path}");
    }
    let refused =
        app.call_as(BOUND_TOKEN, Method::POST, "/v1/events", r#"{"type":"x","payload":1,"tenant":"default"}"#).await;
    assert_eq!(refused.refused(StatusCode::NOT_FOUND).0, "not_found");

    let own = app.call_as(BOUND_TOKEN, Method::POST, "/v1/events", r#"{"type":"x","payload":1}"#).await;
    let own = own.is(StatusCode::ACCEPTED).text("id");
    let listed = app.call_as(BOUND_TOKEN, Method::GET, "/v1/events", "").await.is(StatusCode::OK);
    assert_eq!(listed.each("id"), [own.as_str()]);
    assert_eq!(listed.each("tenant"), ["acme"]);
    let ledger = app.call_as(BOUND_TOKEN, Method::GET, "/v1/ledger", "").await.is(StatusCode::OK);
    assert_eq!(ledger["events"]["accepted"], 1);
}

#[tokio::test]
async fn a_trusted_host_brings_its_own_authentication_and_may_narrow_it() {
    let app = App::new().await;
    let options = Options::trusting_host().base_path("/hooks").unwrap();
    let host = axum::Router::new()
        .route("/", axum::routing::get(|| async { "the host's own" }))
        .merge(ringback_admin::router(app.engine.clone(), options));
    let call = |request: Request<Body>| host.clone().oneshot(request);
    let request = |path: &str| Request::builder().uri(path.to_owned());

    let listed = call(request("/hooks/v1/events").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(listed.status(), StatusCode::OK);
    // A bearer token is then the host's own affair: none is looked at, and none is counted.
    for _ in 0..150 {
        let shown = request("/hooks/v1/events").header(header::AUTHORIZATION, bearer("a-token-of-the-hosts"));
        assert_eq!(call(shown.body(Body::empty()).unwrap()).await.unwrap().status(), StatusCode::OK);
    }
    let access = Access { scope: Scope::Emit, tenant: None };
    let narrowed = request("/hooks/v1/events").extension(access).body(Body::empty()).unwrap();
    assert_eq!(call(narrowed).await.unwrap().status(), StatusCode::FORBIDDEN);
    let unknown = call(request("/hooks/v1/nothing").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(unknown.headers()[header::CONTENT_TYPE], "application/problem+json");
    let of_the_host = call(request("/elsewhere").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(of_the_host.status(), StatusCode::NOT_FOUND);
    assert!(!of_the_host.headers().contains_key(header::CONTENT_TYPE));
}

#[tokio::test]
async fn a_trusted_host_may_name_the_person_for_whom_it_acts() {
    let app = App::new().await;
    let host = ringback_admin::router(app.engine.clone(), Options::trusting_host());
    for (key, who) in [("a", None), ("b", Some(Who::Host(None))), ("c", Some(Who::Host(Some("jane".to_owned()))))] {
        let body = json!({"url": "https://receiver.acme-voice.com/hook", "key": key, "event_types": ["*"]});
        let mut request = Request::post("/v1/endpoints").header(header::CONTENT_TYPE, "application/json");
        if let Some(who) = who {
            request = request.extension(who);
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        assert_eq!(host.clone().oneshot(request).await.unwrap().status(), StatusCode::CREATED, "{key}");
    }
    let log = app.get("/v1/audit").await.is(StatusCode::OK);
    assert_eq!(log.each("who"), ["host:jane", "host", "host"]);
}

#[tokio::test]
async fn a_router_that_is_alone_refuses_what_is_outside_its_base_path_like_everything_else() {
    let mut app = App::new().await;
    for options in [options(), options().dashboard()] {
        let options = options.alone().base_path("/hooks").unwrap();
        app.router = ringback_admin::router(app.engine.clone(), options);
        for path in ["/", "/v1/events", "/healthz", "/hook", "/hooksx", "/hooks/v1/nothing", "//hooks/v1/events"] {
            assert_eq!(app.get(path).await.refused(StatusCode::NOT_FOUND).0, "not_found", "{path}");
        }
        app.get("/hooks/v1/events").await.is(StatusCode::OK);
    }
    let refused = app.call(Method::DELETE, "/hooks/", "").await;
    assert_eq!(refused.refused(StatusCode::METHOD_NOT_ALLOWED).0, "method_not_allowed");
    assert_eq!(app.get("/hooks/").await.header(header::LOCATION), "/hooks");
}

#[tokio::test]
async fn an_idempotency_key_is_no_ones_but_the_tenants() {
    let app = App::new().await;
    let body = json!({"type": "x", "payload": 1, "idempotency_key": "same"}).to_string();
    let mine = app.call_as(BOUND_TOKEN, Method::POST, "/v1/events", body.clone()).await.is(StatusCode::ACCEPTED);
    let theirs = app.call(Method::POST, "/v1/events", body).await.is(StatusCode::ACCEPTED);
    assert_ne!(mine.text("id"), theirs.text("id"));
}

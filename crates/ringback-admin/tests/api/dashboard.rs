//! The pages without a browser: what they tell, what is refused, where they may be mounted.

use std::net::SocketAddr;

use axum::{Router, extract::ConnectInfo};
use http::{StatusCode, header};
use serde_json::json;

use crate::{
    app::{App, BOUND_TOKEN, OPERATE_TOKEN, READ_TOKEN, TOKEN, options},
    browser::{Browser, dead_letter, is_dead},
};

#[tokio::test]
async fn only_a_form_of_our_own_page_and_session_replays() {
    let app = App::new().await;
    let (id, replay) = dead_letter(&app).await;
    let mut browser = Browser::with_token(&app, TOKEN).await;
    let form = format!("form={}", browser.get("/").await.form());
    let others = Browser::with_token(&app, OPERATE_TOKEN).await;
    let foreign = format!("form={}", others.get("/").await.form());
    let before = format!("form={}", Browser::of(&app).get("/login").await.form());
    for wrong in ["", "form=", "form=AAAA", &foreign, &before] {
        assert_eq!(browser.post(&replay, wrong).await.status, StatusCode::FORBIDDEN, "{wrong}");
    }
    for from in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        browser.headers = vec![from];
        assert_eq!(browser.post(&replay, &form).await.status, StatusCode::FORBIDDEN, "{from:?}");
        assert_eq!(browser.post("/login", &format!("{before}&token={TOKEN}")).await.status, StatusCode::FORBIDDEN);
        assert_eq!(browser.post("/logout", &form).await.status, StatusCode::FORBIDDEN);
    }
    browser.headers = vec![("sec-fetch-site", "same-origin")];
    assert_eq!(browser.get(&replay).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(is_dead(&app, id).await, "none of it did anything");

    assert_eq!(browser.post(&replay, &form).await.leads_to(), format!("/?replayed={id}"));
    assert!(!is_dead(&app, id).await);
    let again = browser.post(&replay, &form).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.text.contains("waiting to be sent already"), "{}", again.text);
}

#[tokio::test]
async fn who_may_only_look_finds_no_button_and_cannot_press_it() {
    let app = App::new().await;
    let (id, replay) = dead_letter(&app).await;
    for (token, may) in [(READ_TOKEN, false), (OPERATE_TOKEN, true)] {
        let browser = Browser::with_token(&app, token).await;
        let page = browser.get("/").await;
        assert_eq!(page.text.contains(&replay), may, "{token}");
        assert_eq!(browser.get(&format!("/deliveries/{id}")).await.text.contains(&replay), may, "{token}");
        let pressed = browser.post(&replay, &format!("form={}", page.form())).await;
        assert_eq!(pressed.status, if may { StatusCode::SEE_OTHER } else { StatusCode::FORBIDDEN }, "{token}");
    }
}

#[tokio::test]
async fn a_bound_token_sees_its_tenant_alone() {
    let app = App::new().await;
    let (id, replay) = dead_letter(&app).await;
    let browser = Browser::with_token(&app, BOUND_TOKEN).await;
    let page = browser.get(&format!("/?replayed={id}")).await;
    assert!(page.text.contains("All is well") && !page.text.contains("call-1"), "{}", page.text);
    assert_eq!(browser.get(&format!("/deliveries/{id}")).await.status, StatusCode::NOT_FOUND);
    let pressed = browser.post(&replay, &format!("form={}", page.form())).await;
    assert_eq!(pressed.status, StatusCode::NOT_FOUND);
    assert!(is_dead(&app, id).await);
}

#[tokio::test]
async fn what_is_late_or_held_is_told() {
    let app = App::new().await;
    let endpoint = app.endpoint("crm").await;
    app.delivery().await;
    let inline = json!({"type": "x", "payload": 1, "destination": {"url": "https://receiver.acme-voice.com/inline"}});
    app.post("/v1/events", inline).await.is(StatusCode::ACCEPTED);
    for token in [TOKEN, READ_TOKEN] {
        let page = Browser::with_token(&app, token).await.get("/").await.text;
        assert!(page.contains("No node is alive") && page.contains("<b>0 s</b>"), "{page}");
    }
    app.post(&format!("/v1/endpoints/{endpoint}/pause"), json!({})).await.is(StatusCode::OK);
    let page = Browser::with_token(&app, TOKEN).await.get("/").await.text;
    assert!(page.contains("1 destination held") && page.contains("paused by an operator"), "{page}");
    assert!(page.contains("oldest due") && page.contains("receiver.acme-voice.com"), "{page}");
    let bound = Browser::with_token(&app, BOUND_TOKEN).await.get("/").await.text;
    assert!(bound.contains("All is well"), "{bound}");
}

#[tokio::test]
async fn every_answer_tells_browsers_to_trust_nothing() {
    let app = App::new().await;
    let browser = Browser::with_token(&app, TOKEN).await;
    for path in ["/", "/login", "/deliveries/nothing", "/assets/nothing.css"] {
        let headers = browser.get(path).await.headers;
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'self'") && !policy.contains("unsafe"), "{policy}");
        for directive in ["form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(directive), "{policy}");
        }
        assert_eq!(headers[header::CACHE_CONTROL], "no-store", "{path}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
    }
}

#[tokio::test]
async fn pages_find_each_other_wherever_they_are_mounted() {
    let app = App::new().await;
    let (id, _) = dead_letter(&app).await;
    let below = options().dashboard().base_path("/hooks").unwrap();
    let nested = Router::new().nest("/ops", ringback_admin::router(app.engine.clone(), options().dashboard()));
    for (mount, site) in [("/hooks", ringback_admin::router(app.engine.clone(), below)), ("/ops", nested)] {
        let mut browser = Browser::at(site);
        assert_eq!(browser.get(mount).await.leads_to(), format!("{mount}/login"));
        assert_eq!(browser.log_in(mount, TOKEN).await.leads_to(), mount);
        let page = browser.get(mount).await;
        assert_eq!(page.status, StatusCode::OK, "{mount}/: {}", page.text);
        assert!(page.text.contains(&format!("action=\"{mount}/deliveries/{id}/replay\"")), "{}", page.text);
        let (_, style) = page.text.split_once("rel=\"stylesheet\" href=\"").unwrap();
        let style = browser.get(style.split_once('"').unwrap().0).await;
        assert_eq!(style.headers[header::CONTENT_TYPE], "text/css; charset=utf-8");
        assert!(style.headers[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
    }
}

#[tokio::test]
async fn a_slash_at_the_end_of_the_base_path_is_forgiven() {
    let app = App::new().await;
    let below = options().dashboard().base_path("/hooks").unwrap();
    let slash = Browser::at(ringback_admin::router(app.engine.clone(), below)).get("/hooks/").await;
    assert_eq!(slash.leads_to(), "/hooks");
}

#[tokio::test]
async fn on_the_loopback_no_foreign_name_is_answered() {
    let app = App::new().await;
    let site = ringback_admin::router(app.engine.clone(), options().dashboard_on_loopback());
    let mut browser = Browser { host: "evil.example:8080", ..Browser::at(site.clone()) };
    let refused = browser.get("/login").await;
    assert_eq!(refused.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(refused.text.contains("localhost"), "it says what to do: {}", refused.text);
    browser.headers = vec![("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1"), ("via", "1.1 x")];
    assert_eq!(browser.get("/login").await.status, StatusCode::MISDIRECTED_REQUEST, "any page can send these");
    let proxies = ["127.0.0.0/8".parse().unwrap()].into_iter().collect();
    let proxied =
        ringback_admin::router(app.engine.clone(), options().dashboard_on_loopback().trusted_proxies(proxies));
    let peer: SocketAddr = "127.0.0.1:5000".parse().unwrap();
    let proxied = Browser { host: "ops.example.com", ..Browser::at(proxied.layer(axum::Extension(ConnectInfo(peer)))) };
    assert_eq!(proxied.get("/login").await.status, StatusCode::OK, "a proxy was asked under its own name");
    assert_eq!(Browser { host: "[::1]:8080", ..Browser::at(site) }.get("/login").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_link_from_elsewhere_opens_the_page_once_the_cookie_is_shown() {
    let app = App::new().await;
    let (id, _) = dead_letter(&app).await;
    let path = format!("/deliveries/{id}");
    // With a strict cookie, browsers show none to the first request after a click on another site's link.
    let mut browser = Browser { headers: vec![("sec-fetch-site", "cross-site")], ..Browser::of(&app) };
    let bounced = browser.get(&path).await;
    assert_eq!((bounced.status, bounced.text.as_str()), (StatusCode::OK, ""));
    assert_eq!(bounced.headers[header::REFRESH], format!("0; url={path}"));
    browser.headers = vec![("sec-fetch-site", "same-origin")];
    assert_eq!(browser.get(&path).await.leads_to(), format!("/login?to={path}"));
}

#[tokio::test]
async fn without_the_option_there_are_no_pages() {
    let app = App::new().await;
    for path in ["/", "/login", "/assets/x", "/deliveries/x"] {
        assert_eq!(app.get(path).await.refused(StatusCode::NOT_FOUND).0, "not_found", "{path}");
    }
    let described = ringback_admin::router(app.engine.clone(), options().dashboard());
    let document = Browser::at(described).get("/openapi.json").await.text;
    for page in ["\"/\":{", "\"/login\":{", "\"/logout\":{", "\"/deliveries/{id}\":{"] {
        assert!(!document.contains(page), "{page} is no part of the API");
    }
}

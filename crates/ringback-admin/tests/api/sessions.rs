//! Who gets in to the pages: logging in, the session and its end, and whose word is taken for where a request comes from.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, extract::ConnectInfo};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{StatusCode, header};
use ringback::{Engine, id::SessionId, seal::MasterKeys, time::Timestamp};
use ringback_admin::{Access, Options, Scope};
use serde_json::json;

use crate::{
    app::{App, BOUND_TOKEN, EMIT_TOKEN, OPERATE_TOKEN, READ_TOKEN, TOKEN, options},
    browser::{Browser, dead_letter, is_dead},
};

#[tokio::test]
async fn nobody_sees_a_page_without_a_session() {
    let app = App::new().await;
    let (id, replay) = dead_letter(&app).await;
    let browser = Browser::of(&app);
    assert_eq!(browser.get("/").await.leads_to(), "/login");
    assert_eq!(browser.get(&format!("/deliveries/{id}")).await.leads_to(), format!("/login?to=/deliveries/{id}"));
    assert_eq!(browser.post(&replay, "form=").await.leads_to(), format!("/login?to={replay}"));
    assert!(is_dead(&app, id).await);
    // The API takes no cookie, and the pages no bearer token: neither opens the other's door.
    let session = Browser::with_token(&app, TOKEN).await;
    assert_eq!(session.get("/v1/events").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_that_may_look_opens_a_session_and_no_other_does() {
    let app = App::new().await;
    for token in [TOKEN, OPERATE_TOKEN, READ_TOKEN, BOUND_TOKEN] {
        let mut browser = Browser::of(&app);
        let seen = browser.log_in("", token).await;
        assert_eq!(seen.leads_to(), "/");
        let cookie = seen.cookie();
        assert!(cookie.starts_with("ringback-session-8080="), "{cookie}");
        assert!(cookie.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"), "{cookie}");
        assert!(!cookie.contains(token), "{cookie}");
        assert_eq!(browser.get("/").await.status, StatusCode::OK);
    }
    for token in ["", "nobody-made-this-token", EMIT_TOKEN, "%00%0d%0aevil"] {
        let mut browser = Browser::of(&app);
        let seen = browser.log_in("", token).await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN, "{token}");
        assert!(!seen.headers.contains_key(header::SET_COOKIE));
        assert_eq!(browser.get("/").await.leads_to(), "/login");
    }
}

#[tokio::test]
async fn by_https_the_cookie_is_bound_to_host_and_https() {
    let app = App::new().await;
    for says in [("x-forwarded-proto", "https"), ("origin", "https://ops.example.com")] {
        let site = behind_proxy(&app, "10.0.0.1:5000");
        let mut browser = Browser { host: "ops.example.com", headers: vec![says], ..Browser::at(site) };
        let seen = browser.log_in("", TOKEN).await;
        assert!(seen.cookie().starts_with("__Host-ringback-session="), "{}", seen.cookie());
        assert!(seen.cookie().ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"));
        assert_eq!(browser.get("/").await.status, StatusCode::OK);
    }
}

/// The site as a proxy with this address asks it; those in 10.0.0.0/8 are trusted.
fn behind_proxy(app: &App, peer: &str) -> Router {
    let options = options().dashboard().trusted_proxies(["10.0.0.0/8".parse().unwrap()].into_iter().collect());
    let peer: SocketAddr = peer.parse().unwrap();
    ringback_admin::router(app.engine.clone(), options).layer(axum::Extension(ConnectInfo(peer)))
}

#[tokio::test]
async fn what_only_claims_to_be_a_proxy_is_not_believed() {
    let app = App::new().await;
    let says = vec![("x-forwarded-proto", "https"), ("x-forwarded-for", "198.51.100.7")];
    let mut stranger = Browser { headers: says, ..Browser::at(behind_proxy(&app, "192.0.2.1:5000")) };
    let seen = stranger.log_in("", TOKEN).await;
    assert!(seen.cookie().starts_with("ringback-session-8080=") && !seen.cookie().contains("Secure"));
    // Nor can it have its guesses counted for somebody else.
    stranger.cookie.clear();
    for guess in 0..12 {
        let limited = stranger.log_in("", "a-guess-of-a-token").await.status == StatusCode::TOO_MANY_REQUESTS;
        assert_eq!(limited, guess >= 10, "{guess}");
        stranger.headers = vec![("x-forwarded-for", "203.0.113.1")];
    }
}

#[tokio::test]
async fn behind_a_proxy_each_is_counted_for_himself() {
    let app = App::new().await;
    let mut browser = Browser::at(behind_proxy(&app, "10.0.0.1:5000"));
    browser.headers = vec![("x-forwarded-for", "198.51.100.7")];
    let mut guesses = 0;
    while browser.log_in("", "a-guess-of-a-token").await.status == StatusCode::FORBIDDEN {
        guesses += 1;
        assert!(guesses < 100, "nobody stops who guesses");
    }
    // Two addresses may share a bucket, but three hardly ever do.
    let mut free = false;
    for other in ["203.0.113.1, 198.51.100.8", "198.51.100.9, 10.0.0.7"] {
        browser.headers = vec![("x-forwarded-for", other)];
        free |= browser.log_in("", "a-guess-of-a-token").await.status == StatusCode::FORBIDDEN;
    }
    assert!(free, "others are not counted with the one who guesses");
}

#[tokio::test]
async fn an_ended_or_forged_session_leads_to_the_login() {
    let app = App::new().await;
    let sealed = |keys: &str, token: &str, until: Timestamp| {
        let keys = MasterKeys::parse(keys, &[]).unwrap();
        let id = SessionId::new(Timestamp::now());
        let plain = json!({"id": id, "token": token, "until": until.micros()}).to_string();
        format!("ringback-session-8080={}", URL_SAFE_NO_PAD.encode(keys.seal(plain.as_bytes(), "dashboard-session")))
    };
    let (mine, other, hour) = ("07".repeat(32), "08".repeat(32), Duration::from_secs(3_600));
    let get = async |cookie: String| Browser { cookie, ..Browser::of(&app) }.get("/").await;
    assert_eq!(get(sealed(&mine, TOKEN, Timestamp::now() + hour)).await.status, StatusCode::OK);
    assert_eq!(get(sealed(&mine, TOKEN, Timestamp::now() - hour)).await.leads_to(), "/login");
    assert_eq!(get(sealed(&other, TOKEN, Timestamp::now() + hour)).await.leads_to(), "/login");
    assert_eq!(get("ringback-session-8080=AAAA".to_owned()).await.leads_to(), "/login");
    let revoked = get(sealed(&mine, "a-token-that-was-revoked", Timestamp::now() + hour)).await;
    assert_eq!(revoked.leads_to(), "/login?ended=1");
    assert!(revoked.cookie().contains("Max-Age=0"), "it is forgotten, too");
}

#[tokio::test]
async fn logging_out_ends_the_session_and_not_only_the_cookie() {
    let app = App::new().await;
    let mut browser = Browser::with_token(&app, TOKEN).await;
    let other = Browser::with_token(&app, TOKEN).await;
    let (copy, page) = (browser.cookie.clone(), browser.get("/").await);
    let left = browser.post("/logout", &format!("form={}", page.form())).await;
    assert_eq!(left.leads_to(), "/login");
    assert!(left.cookie().contains("Max-Age=0"));
    // Whoever kept a copy of the cookie finds it worth nothing, on this node and on every other.
    let elsewhere = Engine::open(app.store.clone(), app.engine.settings().clone()).await.unwrap();
    let elsewhere = Browser::at(ringback_admin::router(elsewhere, options().dashboard()));
    for mut thief in [Browser::of(&app), elsewhere] {
        thief.cookie = copy.clone();
        assert_eq!(thief.get("/").await.leads_to(), "/login?ended=1");
        let form = format!("form={}", page.form());
        assert_eq!(thief.post("/logout", &form).await.leads_to(), "/login?to=/logout&ended=1");
    }
    assert_eq!(other.get("/").await.status, StatusCode::OK, "another session of the same token goes on");
    browser.log_in("", TOKEN).await;
    assert_eq!(browser.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_guesses_is_slowed_down_and_nobody_else_is() {
    let app = App::new().await;
    let mut browser = Browser::of(&app);
    for _ in 0..9 {
        assert_eq!(browser.log_in("", "a-guess-of-a-token").await.status, StatusCode::FORBIDDEN);
    }
    // Those that succeed do not make the others forgotten.
    for _ in 0..20 {
        browser.cookie.clear();
        assert_eq!(browser.log_in("", TOKEN).await.status, StatusCode::SEE_OTHER);
    }
    let session = std::mem::take(&mut browser.cookie);
    assert_eq!(browser.log_in("", "a-guess-of-a-token").await.status, StatusCode::FORBIDDEN);
    for _ in 0..3 {
        let refused = browser.log_in("", "a-guess-of-a-token").await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{}", refused.text);
        let seconds: u64 = refused.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
        assert!((1..=6).contains(&seconds) && refused.text.contains("Too many logins"), "{seconds}: {}", refused.text);
        assert!(!refused.headers.contains_key(header::SET_COOKIE));
    }
    assert_eq!(browser.log_in("", TOKEN).await.status, StatusCode::SEE_OTHER, "a right token opens all the same");
    browser.cookie = session;
    assert_eq!(browser.get("/").await.status, StatusCode::OK, "whoever is in stays in");
    app.get("/v1/events").await.is(StatusCode::OK);
}

#[tokio::test]
async fn where_the_host_is_trusted_there_is_no_login() {
    let app = App::new().await;
    let (id, replay) = dead_letter(&app).await;
    let site = ringback_admin::router(app.engine.clone(), Options::trusting_host().dashboard());
    let mut browser = Browser::at(site.clone());
    let page = browser.get("/").await;
    assert!(page.text.contains(&replay) && !page.text.contains("Log out"), "{}", page.text);
    let form = format!("form={}", page.form());
    browser.headers = vec![("sec-fetch-site", "cross-site")];
    assert_eq!(browser.post(&replay, &form).await.status, StatusCode::FORBIDDEN);
    browser.headers = Vec::new();
    assert_eq!(browser.post(&replay, "form=").await.status, StatusCode::FORBIDDEN);
    let narrowed = site.layer(axum::Extension(Access { scope: Scope::Read, tenant: None }));
    assert_eq!(Browser::at(narrowed).post(&replay, &form).await.status, StatusCode::FORBIDDEN);
    assert!(is_dead(&app, id).await);
    assert_eq!(browser.post(&replay, &form).await.leads_to(), format!("/?replayed={id}"));
}

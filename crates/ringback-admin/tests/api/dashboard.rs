//! The pages without a browser: who gets in, what is refused, where they may be mounted.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use ringback::{Engine, delivery::DeadReason, id::SessionId, seal::MasterKeys, store::Settlement, time::Timestamp};
use ringback_admin::{Access, Options, Scope};
use serde_json::json;
use tower::ServiceExt as _;

use crate::app::{App, BOUND_TOKEN, EMIT_TOKEN, OPERATE_TOKEN, READ_TOKEN, TOKEN, options};

/// A browser that knows one site.
struct Browser {
    site: Router,
    host: &'static str,
    cookie: String,
    headers: Vec<(&'static str, &'static str)>,
}

struct Seen {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Seen {
    fn leads_to(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.headers[header::LOCATION].to_str().unwrap()
    }

    fn cookie(&self) -> &str {
        self.headers[header::SET_COOKIE].to_str().unwrap()
    }

    /// What the page's forms carry.
    fn form(&self) -> &str {
        let (_, rest) =
            self.text.split_once("name=\"form\" value=\"").unwrap_or_else(|| panic!("no form: {}", self.text));
        rest.split_once('"').unwrap().0
    }
}

impl Browser {
    fn at(site: Router) -> Self {
        Self { site, host: "127.0.0.1:8080", cookie: String::new(), headers: Vec::new() }
    }

    fn of(app: &App) -> Self {
        Self::at(ringback_admin::router(app.engine.clone(), options().dashboard()))
    }

    /// Logged in at the root of `app`.
    async fn with_token(app: &App, token: &str) -> Self {
        let mut browser = Self::of(app);
        browser.log_in("", token).await;
        browser
    }

    async fn log_in(&mut self, mount: &str, token: &str) -> Seen {
        let form = self.get(&format!("{mount}/login")).await.form().to_owned();
        let seen = self.post(&format!("{mount}/login"), &format!("form={form}&to=/&token={token}")).await;
        if seen.headers.contains_key(header::SET_COOKIE) {
            self.cookie = seen.cookie().split(';').next().unwrap().to_owned();
        }
        seen
    }

    async fn get(&self, path: &str) -> Seen {
        self.send(Method::GET, path, String::new()).await
    }

    async fn post(&self, path: &str, body: &str) -> Seen {
        self.send(Method::POST, path, body.to_owned()).await
    }

    async fn send(&self, method: Method, path: &str, body: String) -> Seen {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, self.host);
        if !self.cookie.is_empty() {
            request = request.header(header::COOKIE, format!("theme=dark; {}", self.cookie));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        let response = self.site.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Seen { status: head.status, headers: head.headers, text }
    }
}

/// A dead letter, and the path of its button.
async fn dead_letter(app: &App) -> (ringback::id::DeliveryId, String) {
    app.endpoint("crm").await;
    let (_, id) = app.delivery().await;
    let dead = Settlement::Dead { reason: DeadReason::Exhausted, detail: None, blocks: false };
    app.settle(id, dead, 503).await;
    (id, format!("/deliveries/{id}/replay"))
}

async fn is_dead(app: &App, id: ringback::id::DeliveryId) -> bool {
    app.engine.delivery(id).await.unwrap().unwrap().due_at.is_none()
}

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
        assert!(page.contains("All is well") && page.contains("<b>0 s</b>"), "{page}");
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

//! The stream by which an open page is told to look again is bounded, is nobody else's, and ends with its session.

use std::time::{Duration, Instant};

use reqwest::{Client, Response, redirect};
use ringback::store::Subject;
use ringback_tests::{
    api::id_of,
    command::ringback,
    database::Database,
    embedded::Embedded,
    on_both_stores,
    server::{Serve, Server, TOKEN},
    stores::Store,
    until::until,
};
use serde_json::{Value, json};

use crate::{
    dashboard::logged_in,
    live::{mark, was_not_reloaded},
};

/// A window without a screen: it keeps the cookies that it is told to.
struct Window {
    http: Client,
    base: String,
    cookie: String,
}

impl Window {
    fn at(server: &Server) -> Self {
        let http = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().expect("a client");
        Self { http, base: server.api.base().to_owned(), cookie: String::new() }
    }

    async fn logged_in(server: &Server, token: &str) -> Self {
        let mut window = Self::at(server);
        let answer = window.send("/login", "/login", &format!("to=/&token={token}")).await;
        window.keep(&answer);
        window
    }

    fn keep(&mut self, answer: &Response) {
        let cookie = answer.headers()["set-cookie"].to_str().expect("a text");
        cookie.split(';').next().expect("a pair").clone_into(&mut self.cookie);
    }

    async fn get(&self, path: &str) -> Response {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        self.http.get(url).header("cookie", &self.cookie).send().await.expect("an answer")
    }

    /// Sends a form with the token of the page on which it stands.
    async fn send(&self, from: &str, to: &str, fields: &str) -> Response {
        let page = self.get(from).await.text().await.expect("a page");
        let token = page.split("name=\"form\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("");
        let request = self.http.post(format!("{}{to}", self.base)).header("cookie", &self.cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(format!("form={token}&{fields}")).send().await.expect("an answer")
    }

    async fn stream(&self, path: &str) -> Stream {
        let answer = self.get(path).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (200, &"text/event-stream".parse().expect("a value"))
        );
        let mut stream = Stream(answer);
        assert!(stream.says("data: changed").await, "a page may have been rendered before its stream began");
        stream
    }
}

/// A stream that is open.
struct Stream(Response);

impl Stream {
    /// Whether it says this before it ends.
    async fn says(&mut self, wanted: &str) -> bool {
        let said = async {
            while let Ok(Some(chunk)) = self.0.chunk().await {
                if String::from_utf8_lossy(&chunk).contains(wanted) {
                    return true;
                }
            }
            false
        };
        tokio::time::timeout(Duration::from_secs(60), said).await.expect("it says something, or ends")
    }

    async fn ends(&mut self) {
        assert!(!self.says("a word that nobody says").await);
    }
}

on_both_stores! {
    async fn a_stream_is_nobody_elses_and_ends_with_its_session(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let link = json!({"tenant": "acme", "scope": "view", "expires_in": "1h"});
        let link = server.api.post("/v1/portal-links", &link).await.expect(201);
        let mut tenant = Window::at(&server);
        let opened = tenant.get(link["url"].as_str().expect("a URL")).await;
        tenant.keep(&opened);
        let bound = ["token", "create", "--scope", "read", "--tenant", "acme"];
        let bound = ringback(&database, &bound).await.done().trim().to_owned();
        let emit = ["token", "create", "--scope", "emit"];
        let emit = ringback(&database, &emit).await.done().trim().to_owned();
        let (admin, reader) = (Window::logged_in(&server, TOKEN).await, Window::logged_in(&server, &bound).await);

        // Who has no session of the pages hears nothing, and a session is worth nothing on others' pages.
        let stranger = Window::at(&server);
        for (window, path) in [(&stranger, "/live"), (&stranger, "/portal/live"), (&tenant, "/live"), (&admin, "/portal/live")] {
            assert_eq!(window.get(path).await.status(), 401, "{path}");
        }
        for token in [TOKEN, &emit, &bound] {
            let url = format!("{}/live", server.api.base());
            let answer = stranger.http.get(url).bearer_auth(token).send().await.expect("an answer");
            assert_eq!(answer.status(), 401, "the API's tokens open no page");
        }
        let foreign = stranger.http.get(format!("{}/live", server.api.base())).header("cookie", &admin.cookie);
        assert_eq!(foreign.header("sec-fetch-site", "cross-site").send().await.expect("an answer").status(), 403);

        let (mut of_admin, mut of_reader, mut of_tenant) =
            (admin.stream("/live").await, reader.stream("/live").await, tenant.stream("/portal/live").await);
        server.api.emit("call.ended", b"{}", json!({"tenant": "acme"})).await;
        for stream in [&mut of_admin, &mut of_reader, &mut of_tenant] {
            assert!(stream.says("data: changed").await);
        }

        // A session has a few streams; what is closed makes room.
        let mut more = Vec::new();
        loop {
            let answer = admin.get("/live").await;
            if answer.status() != 200 {
                assert_eq!(answer.status(), 503);
                break;
            }
            more.push(answer);
            assert!(more.len() < 50, "a session has any number of streams");
        }
        drop(reader.stream("/live").await);
        more.pop();
        until("a place is given back", async || (admin.get("/live").await.status() == 200).then_some(())).await;
        drop(more);

        // Each ends with its session, and no other does.
        assert_eq!(admin.send("/", "/logout", "").await.status(), 303);
        of_admin.ends().await;
        assert_eq!(admin.get("/live").await.status(), 401);
        let (id, _) = bound.trim_start_matches("rbk_").split_at(32);
        let told = ringback(&database, &["token", "revoke", &format!("tok_{id}")]).await.done();
        assert!(told.contains(id), "{told}");
        of_reader.ends().await;
        server.api.emit("call.ended", b"{}", json!({"tenant": "acme"})).await;
        assert!(of_tenant.says("data: changed").await);
        assert_eq!(tenant.send("/portal", "/portal/logout", "").await.status(), 200);
        of_tenant.ends().await;
    }

    async fn a_stream_does_not_keep_the_server_from_stopping(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let window = Window::logged_in(&server, TOKEN).await;
        let mut stream = window.stream("/live").await;
        let (log, begun) = (server.kept_log(), Instant::now());
        assert_eq!(server.terminate().await.code(), Some(0));
        stream.ends().await;
        assert!(!log.text().contains("still open when the time to stop was over"), "{}", log.text());
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }

    async fn a_stamp_differs_when_something_of_its_subject_has_changed(store: Store) {
        let database = Database::fresh(store).await;
        let host = Embedded::idle(&database).await;
        let wants = |tenant: &str| json!({"url": "https://receiver.acme-voice.com/hook", "event_types": ["*"], "tenant": tenant});
        let endpoint = id_of(&host.api.endpoint(wants("acme")).await);
        let stamp = async || {
            let subjects = [Subject::All, Subject::Tenant("acme".to_owned()), Subject::Tenant("other".to_owned())];
            let mut stamps = Vec::new();
            for subject in &subjects {
                stamps.push(host.engine.stamp(subject).await.expect("an answer"));
            }
            stamps
        };
        let pause = format!("/v1/endpoints/{endpoint}/pause");
        let changes: [(&str, &str, Value); 3] = [
            ("an event is accepted", "/v1/events", json!({"type": "x", "payload": 1, "tenant": "acme"})),
            ("an endpoint is changed", &pause, json!({})),
            ("an endpoint is made", "/v1/endpoints", wants("acme")),
        ];
        for (what, path, body) in changes {
            // Every minute has its own stamps: what is compared must be of one.
            let (before, again, after) = loop {
                let minute = || ringback::time::Timestamp::now().micros() / 60_000_000;
                let (begun, before, again) = (minute(), stamp().await, stamp().await);
                assert!(host.api.post(path, &body).await.status.is_success(), "{what}");
                let after = stamp().await;
                if minute() == begun {
                    break (before, again, after);
                }
            };
            assert_eq!(before, again, "{what}: nothing had happened yet");
            assert!(before[0] != after[0] && before[1] != after[1], "{what}");
            assert_eq!(before[2], after[2], "{what}: it is none of another tenant's business");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_nobody_sees_holds_no_stream() {
    let database = Database::fresh(Store::Sqlite).await;
    let server = Serve::on(&database).start().await;
    let browser = logged_in(&server).await;
    browser.text_with("Log out").await;
    let cookies = browser.devtools("Network.getCookies", json!({})).await;
    let cookie = &cookies["cookies"][0];
    let mut window = Window::at(&server);
    window.cookie =
        format!("{}={}", cookie["name"].as_str().expect("a name"), cookie["value"].as_str().expect("a value"));
    // The window's own stream is one of those that the session may have.
    let mut all = Vec::new();
    until("the session has no place left", async || {
        let answer = window.get("/live").await;
        if answer.status() == 503 {
            return Some(());
        }
        all.push(answer);
        None
    })
    .await;
    let own = all.len();
    let hidden = "Object.defineProperty(document, 'hidden', {value: arguments[0], configurable: true}); \
                  document.dispatchEvent(new Event('visibilitychange'))";
    browser.run(&hidden.replace("arguments[0]", "true")).await;
    until("its place is free", async || {
        let answer = window.get("/live").await;
        (answer.status() == 200).then(|| all.push(answer))
    })
    .await;
    assert_eq!(all.len(), own + 1);
    all.clear();
    browser.run(&hidden.replace("arguments[0]", "false")).await;
    mark(&browser).await;
    server.api.emit("call.ended", b"{}", json!({})).await;
    browser.text_with("Unmatched\n1").await;
    was_not_reloaded(&browser).await;
}

//! Pages that are open follow what happens, without being loaded again, and lose nothing of what their reader does there. The
//! stream by which they are told is bounded, is nobody else's, and ends with its session.

use std::time::{Duration, Instant};

use reqwest::{Client, Response, redirect};
use ringback::store::Subject;
use ringback_tests::{
    api::id_of,
    browser::Browser,
    database::Database,
    embedded::Embedded,
    on_both_stores,
    receiver::{Gate, Receiver, Reply},
    server::{Serve, Server, TOKEN},
    stores::Store,
    until::until,
};
use serde_json::{Value, json};

use crate::dashboard::{is_harmless, logged_in};

/// The endpoint of a receiver that answers once its gate is opened, and its event's delivery.
async fn pending(server: &Server) -> (Receiver, Gate, String, String) {
    let gate = Gate::closed();
    let closed = gate.clone();
    let receiver = Receiver::scripted(move |_| Reply::status(204).behind(&closed)).await;
    let wants = json!({"url": receiver.url(), "event_types": ["*"], "timeout_ms": 60_000});
    let endpoint = id_of(&server.api.endpoint(wants).await);
    let event = server.api.emit("call.ended", b"{\"a\": 1}", json!({"key": "call-42"})).await;
    receiver.wait_for(1).await;
    let delivery = server.api.delivery_of(&event).await;
    (receiver, gate, endpoint, delivery)
}

/// The page is the one that was loaded, if this is there.
async fn mark(browser: &Browser) {
    browser.run("window.loaded = 1").await;
}

async fn was_not_reloaded(browser: &Browser) {
    assert_eq!(browser.run("return window.loaded || 0").await, 1, "{} was loaded again", browser.address().await);
}

on_both_stores! {
    async fn a_row_changes_while_its_page_is_open(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let (receiver, gate, endpoint, delivery) = pending(&server).await;
        let mut browser = logged_in(&server).await;
        browser.text_with("Log out").await;
        let base = server.api.base();

        // What its reader does on the page stays: an opened part, a text that is being written, where it is scrolled to.
        browser.resize(390).await;
        browser.go(&format!("{base}/deliveries/{delivery}")).await;
        browser.text_with("it is being sent, or about to be").await;
        mark(&browser).await;
        browser.click("#signature summary").await;
        browser.write("#signature textarea", "webhook-signature: v1,half a").await;
        browser.run("scrollTo(0, 150)").await;
        drop(gate);
        browser.text_with("Nothing: the receiver has it.").await;
        was_not_reloaded(&browser).await;
        let kept = "const text = document.querySelector('#signature textarea'); return [text.value, \
                    document.activeElement === text, text.closest('details').open, scrollY]";
        assert_eq!(browser.run(kept).await, json!(["webhook-signature: v1,half a", true, true, 150]));
        let title = browser.run("return document.title").await;
        assert!(title.as_str().is_some_and(|title| title.starts_with("delivered")), "{title}");
        browser.text_with("204").await;
        browser.resize(1_280).await;

        // New rows come on top of the old ones, which stay the same elements, with the focus that they have.
        for (page, told) in [
            ("/deliveries".to_owned(), "call-43"),
            ("/tail".to_owned(), "call-44"),
            ("/events".to_owned(), "call-45"),
            (format!("/endpoints/{endpoint}"), "2 attempts delivered"),
            ("/".to_owned(), "3 attempts delivered"),
        ] {
            browser.go(&format!("{base}{page}")).await;
            browser.text_with("Log out").await;
            assert!(!browser.text().await.contains(told), "{page} says {told} before it happens");
            mark(&browser).await;
            let is_list = told.starts_with("call");
            if is_list {
                browser.run("document.querySelector('tbody a.key').focus()").await;
            }
            if told.ends_with("delivered") {
                receiver.answer(|_| Reply::status(204));
            }
            server.api.emit("call.ended", b"{}", json!({"key": if is_list { told } else { "one-more" }})).await;
            browser.text_with(told).await;
            was_not_reloaded(&browser).await;
            if is_list {
                let focus = browser.run("return [...document.querySelectorAll('tbody a.key')].indexOf(document.activeElement)").await;
                assert_eq!(focus, 1, "{page}: the focus went down with its row");
                receiver.wait_for(1).await;
            }
        }
        is_harmless(&mut browser).await;
    }

    async fn a_replay_that_runs_is_followed(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::answering(503).await;
        server.api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "retry": {"max_attempts": 1}})).await;
        for _ in 0..4 {
            let event = server.api.emit("call.ended", b"{}", json!({})).await;
            server.api.delivery_with_status(&server.api.delivery_of(&event).await, "dead").await;
        }
        receiver.answer(|_| Reply::status(204));
        let replay = json!({"filter": {"status": "dead"}, "rate_per_second": 1});
        let replay = id_of(&server.api.post("/v1/replays", &replay).await.expect(202));
        let browser = logged_in(&server).await;
        browser.text_with("Log out").await;
        browser.go(&format!("{}/replays/{replay}", server.api.base())).await;
        browser.text_with("Replay running").await;
        mark(&browser).await;
        browser.text_with("Replay completed").await;
        browser.text_with("Delivered\n4").await;
        was_not_reloaded(&browser).await;
    }
}

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
        assert_eq!((answer.status().as_u16(), &answer.headers()["content-type"]), (200, &"text/event-stream".parse().expect("a value")));
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
        let bound = ringback_tests::command::ringback(&database, &bound).await.done().trim().to_owned();
        let emit = ["token", "create", "--scope", "emit"];
        let emit = ringback_tests::command::ringback(&database, &emit).await.done().trim().to_owned();
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
        ringback_tests::command::ringback(&database, &["token", "revoke", &format!("tok_{id}")]).await.done();
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_logged_out_elsewhere_is_sent_to_the_login() {
    let database = Database::fresh(Store::Sqlite).await;
    let server = Serve::on(&database).start().await;
    let made = ["token", "create", "--scope", "read"];
    let token = ringback_tests::command::ringback(&database, &made).await.done().trim().to_owned();
    let browser = Browser::open().await;
    browser.go(server.api.base()).await;
    browser.text_with("Log in").await;
    browser.write("#token", &token).await;
    browser.click("main button").await;
    browser.text_with("All is well").await;
    let (id, _) = token.trim_start_matches("rbk_").split_at(32);
    ringback_tests::command::ringback(&database, &["token", "revoke", &format!("tok_{id}")]).await.done();
    browser.text_with("Your session has ended").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_commands_headers_and_links_are_copied_by_a_click() {
    let database = Database::fresh(Store::Sqlite).await;
    let server = Serve::on(&database).start().await;
    let (_receiver, gate, _, delivery) = pending(&server).await;
    drop(gate);
    server.api.delivery_with_status(&delivery, "delivered").await;
    let mut browser = logged_in(&server).await;
    browser.text_with("Log out").await;
    let may = json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]});
    browser.devtools("Browser.grantPermissions", may).await;
    browser.go(&format!("{}/deliveries/{delivery}", server.api.base())).await;
    browser.text_with("204").await;
    browser.run("document.querySelectorAll('details').forEach(it => it.open = true)").await;
    let holds = "const done = arguments[0]; navigator.clipboard.readText().then(done, done)";
    for (button, begins) in [
        ("[data-copy='id of the delivery'] + .copy", delivery.as_str()),
        ("[data-copy='id of the event'] + .copy", "evt_"),
        ("[data-copy='webhook-signature'] + .copy", "v1,"),
        ("[data-copy='command'] + .copy", "curl -i 'http://"),
    ] {
        browser.click(button).await;
        until("it says so", async || {
            let label = browser.run(&format!("return document.querySelector(\"{button}\").textContent")).await;
            (label == "Copied").then_some(())
        })
        .await;
        let copied = browser.run_until_done(holds).await;
        let copied = copied.as_str().expect("a text").to_owned();
        assert!(copied.starts_with(begins) && !copied.contains("Copy"), "{copied}");
    }
    browser.click("#share summary").await;
    browser.click("#share form button").await;
    browser.text_with("The link").await;
    browser.click("#link + .copy").await;
    until("the link is copied", async || {
        let copied = browser.run_until_done(holds).await;
        copied.as_str().is_some_and(|copied| copied.contains("/share/")).then_some(())
    })
    .await;

    // Where the browser gives no clipboard, as over plain HTTP, what is selected is copied.
    browser.go(&format!("{}/deliveries/{delivery}", server.api.base())).await;
    browser.text_with("204").await;
    let refuse = "Object.defineProperty(navigator.clipboard, 'writeText', {value: () => Promise.reject(new Error('no'))})";
    browser.run(refuse).await;
    browser.click("[data-copy='id of the event'] + .copy").await;
    until("it is copied in the other way", async || {
        let copied = browser.run_until_done(holds).await;
        copied.as_str().is_some_and(|copied| copied.starts_with("evt_")).then_some(())
    })
    .await;
    is_harmless(&mut browser).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_are_those_of_the_reader() {
    let database = Database::fresh(Store::Sqlite).await;
    let server = Serve::on(&database).start().await;
    let (_receiver, _gate, _, delivery) = pending(&server).await;
    let browser = logged_in(&server).await;
    browser.text_with("Log out").await;
    let page = format!("{}/deliveries/{delivery}", server.api.base());
    let times = "return [...document.querySelectorAll('main dl time')].map(it => [it.dateTime, it.textContent, it.title])";
    let accepted = async || {
        browser.go(&page).await;
        browser.text_with("Accepted").await;
        let all = browser.run(times).await;
        let at = |index: usize| all[0][index].as_str().expect("a text").to_owned();
        (at(0), at(1), at(2))
    };
    let (exact, utc, title) = accepted().await;
    assert!(utc.ends_with(" UTC") && title == utc, "{utc}");
    assert_eq!(utc.trim_end_matches(" UTC"), exact[..19].replace('T', " "));
    browser.devtools("Emulation.setTimezoneOverride", json!({"timezoneId": "Asia/Kolkata"})).await;
    let (exact, local, title) = accepted().await;
    let offset = i64::from((5 * 60 + 30) * 60) * 1_000_000;
    let at: ringback::time::Timestamp = exact.parse().expect("a time");
    let there = ringback::time::Timestamp::from_micros(at.micros() + offset).to_string();
    assert_eq!((local.as_str(), title), (format!("{} GMT+5:30", there[..19].replace('T', " ")).as_str(), utc.clone()));
    // What says how long ago something was has both in its title, also after the page was brought up to date.
    browser.go(&format!("{}/deliveries", server.api.base())).await;
    browser.text_with("call-42").await;
    mark(&browser).await;
    server.api.emit("call.ended", b"{}", json!({"key": "call-43"})).await;
    browser.text_with("call-43").await;
    let title = browser.run("return [...document.querySelectorAll('tbody time')].at(-1).title").await;
    assert_eq!(title, format!("{local} ({utc})"));
    was_not_reloaded(&browser).await;
}

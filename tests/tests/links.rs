//! Links that open pages without a login: the evidence of one call, and a tenant's portal. Each shows one tenant's things
//! alone, for as long as it lasts.

use reqwest::{StatusCode, header, redirect::Policy};
use ringback_tests::{
    api::id_of,
    browser::Browser,
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::{Serve, Server},
    stores::Store,
};
use serde_json::{Value, json};

/// What must not be seen by whoever holds a link of another tenant: a key, a type, a payload, a name, a tenant.
const CANARY: &str = "canary-of-other";

/// What must not be seen by whoever holds a link to evidence.
const SECRETS: [&str; 5] = ["a-secret-value", "a-secret-header", "a-secret-answer", "secret-path", "tenant-secret"];

/// A browser without a screen: it follows nothing, and keeps the cookies that it is told to.
struct Person {
    http: reqwest::Client,
    base: String,
    cookie: String,
}

struct Page {
    status: StatusCode,
    headers: header::HeaderMap,
    text: String,
}

impl Person {
    fn at(server: &Server) -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().expect("a client");
        Self { http, base: server.api.base().to_owned(), cookie: String::new() }
    }

    async fn read(&self, request: reqwest::RequestBuilder) -> Page {
        let answer = request.header(header::COOKIE, &self.cookie).send().await.expect("an answer");
        let (status, headers) = (answer.status(), answer.headers().clone());
        Page { status, headers, text: answer.text().await.expect("a text") }
    }

    async fn get(&self, page: &str) -> Page {
        let url = if page.starts_with("http") { page.to_owned() } else { format!("{}{page}", self.base) };
        self.read(self.http.get(url)).await
    }

    /// Sends a form with the token of the page on which it stands.
    async fn send(&self, from: &str, to: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.get(from).await.text;
        let token = page.split("name=\"form\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("");
        let fields = [&[("form", token)], fields].concat();
        let form = reqwest::Url::parse_with_params("http://form.invalid", fields).expect("a URL");
        let form = form.query().unwrap_or_default().to_owned();
        let request = self.http.post(format!("{}{to}", self.base)).body(form);
        self.read(request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")).await
    }

    /// Opens a link to a portal.
    async fn open(&mut self, url: &str) -> Page {
        let page = self.get(url).await;
        if let Some(cookie) = page.headers.get(header::SET_COOKIE) {
            let cookie = cookie.to_str().expect("a text").split(';').next().expect("a pair");
            cookie.clone_into(&mut self.cookie);
        }
        page
    }
}

async fn link(server: &Server, route: &str, body: Value) -> Value {
    let answer = server.api.post(route, &body).await;
    assert!(answer.status.is_success(), "{answer:?}");
    serde_json::from_slice(&answer.bytes).expect("JSON")
}

fn url_of(link: &Value) -> &str {
    link["url"].as_str().expect("a URL")
}

/// A dead letter with secrets in every place that has any.
async fn dead(server: &Server, receiver: &Receiver, tenant: &str, key: &str) -> String {
    let endpoint = json!({
        "url": format!("{}/secret-path?t=tenant-secret", receiver.url()), "tenant": tenant, "event_types": ["*"],
        "headers": {"x-own": "a-secret-header"}, "retry": {"max_attempts": 1}, "key": format!("{tenant}-{key}"),
    });
    server.api.endpoint(endpoint).await;
    let event =
        server.api.emit("call.ended", b"{\"name\": \"a-secret-value\"}", json!({"tenant": tenant, "key": key})).await;
    let delivery = server.api.delivery_of(&event).await;
    server.api.delivery_with_status(&delivery, "dead").await;
    delivery
}

async fn refusing() -> Receiver {
    Receiver::scripted(|_| {
        Reply::status(500).header("x-trace", "a-secret-header").body("{\"why\": \"a-secret-answer\"}")
    })
    .await
}

on_both_stores! {
    async fn a_share_shows_one_call_without_its_contents_until_it_is_revoked(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = refusing().await;
        let delivery = dead(&server, &receiver, "acme", "call-42").await;
        dead(&server, &receiver, CANARY, "call-42").await;
        let person = Person::at(&server);

        let by_id = link(&server, "/v1/share", json!({"delivery_id": delivery, "expires_in": "1h"})).await;
        let by_key = json!({"key": "call-42", "tenant": "acme", "expires_in": 3600});
        let by_key = link(&server, "/v1/share", by_key).await;
        for shared in [&by_id, &by_key] {
            let page = person.get(url_of(shared)).await;
            assert_eq!(page.status, 200);
            let host = receiver.address().to_string();
            for told in ["call-42", "call.ended", &delivery, &host, "500", "dead", "&#34;name&#34;", "SHA-256"] {
                assert!(page.text.contains(told), "{told} is missing from {}", page.text);
            }
            for hidden in SECRETS.iter().chain([&CANARY]) {
                assert!(!page.text.contains(hidden), "{hidden} is in {}", page.text);
            }
            let says = |name: &str| page.headers[name].to_str().expect("a text").to_owned();
            assert_eq!((says("cache-control"), says("referrer-policy")), ("no-store".to_owned(), "no-referrer".to_owned()));
            assert!(says("x-robots-tag").contains("noindex") && page.headers.get(header::SET_COOKIE).is_none());
            assert!(says("content-security-policy").contains("frame-ancestors 'none'"));
        }
        // Several tenants have the key: which is meant must be said.
        let refused = server.api.post("/v1/share", &json!({"key": "call-42", "expires_in": "1h"})).await;
        assert_eq!(refused.expect_problem(422, "required")["errors"][0]["pointer"], "/tenant");

        let (id, short) = (id_of(&by_id), link(&server, "/v1/share", json!({"delivery_id": delivery, "expires_in": "1s"})).await);
        assert_eq!(server.api.delete(&format!("/v1/portal-links/{id}")).await.status, 404, "it is of another kind");
        assert_eq!(server.api.delete(&format!("/v1/share/{id}")).await.status, 204);
        assert_eq!(server.api.delete(&format!("/v1/share/{id}")).await.status, 404, "there is none any more");
        ringback_tests::until::until("it expires", async || (person.get(url_of(&short)).await.status == 404).then_some(())).await;
        let wrong = format!("{}/share/{}", server.api.base(), "A".repeat(64));
        let ended = person.get(url_of(&by_id)).await;
        assert_eq!(ended.status, 404);
        for nothing in [url_of(&short), &wrong, &format!("{}x", url_of(&by_key))] {
            let page = person.get(nothing).await;
            assert_eq!((page.status, &page.text), (ended.status, &ended.text), "it cannot be told what is wrong");
        }
        // Who guesses is told to wait; a right link opens all the same.
        let mut tried = 0;
        while person.get(&wrong).await.status != 429 {
            tried += 1;
            assert!(tried < 30, "guesses are bounded");
        }
        assert_eq!(person.get(url_of(&by_key)).await.status, 200);
        let audit = server.api.get("/v1/audit?action=share.create").await.expect(200).to_string();
        assert!(audit.contains(&id) && !audit.contains(url_of(&by_key).rsplit('/').next().expect("a text")), "{audit}");
        assert!(!audit.contains("call-42"), "the log outlives what is erased: {audit}");
        assert!(!server.log().contains(url_of(&by_key).rsplit('/').next().expect("a text")), "no link is logged");

        // What is erased is not shown either.
        server.api.post("/v1/expunge?key=true", &json!({"tenant": "acme", "key": "call-42"})).await.expect(202);
        ringback_tests::until::until("it is erased", async || {
            let page = person.get(url_of(&by_key)).await;
            (page.status == 200 && !page.text.contains("call-42") && page.text.contains("no longer kept")).then_some(())
        })
        .await;
    }

    async fn a_portal_is_its_tenants_alone_and_ends_with_its_link(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).set("portal.name", "Acme Voice").set("portal.accent", "#ffcc00").start().await;
        let receiver = refusing().await;
        let own = dead(&server, &receiver, "acme", "call-42").await;
        let foreign = dead(&server, &receiver, CANARY, "call-of-canary-of-other").await;
        let endpoint = |tenant: &str| format!("/v1/endpoints?tenant={tenant}");
        let own_endpoint = id_of(&server.api.get(&endpoint("acme")).await.expect(200)["items"][0]);
        let foreign_endpoint = id_of(&server.api.get(&endpoint(CANARY)).await.expect(200)["items"][0]);
        let replay = json!({"filter": {"status": "dead", "tenant": CANARY}, "rate_per_second": 0.001});
        let replay = id_of(&server.api.post("/v1/replays", &replay).await.expect(202));
        let event = |delivery: &str| format!("evt_{}0000", &delivery[4..32]);

        let (mut viewer, mut manager, stranger) = (Person::at(&server), Person::at(&server), Person::at(&server));
        let ask = async |scope: &str| {
            let body = json!({"tenant": "acme", "scope": scope, "expires_in": "1h"});
            link(&server, "/v1/portal-links", body).await
        };
        let (view, manage) = (ask("view").await, ask("manage").await);
        assert!(!url_of(&view).contains('#'));
        assert_eq!(stranger.get("/portal").await.status, 401);
        for (person, link) in [(&mut viewer, &view), (&mut manager, &manage)] {
            let opened = person.open(url_of(link)).await;
            assert_eq!((opened.status, &opened.headers[header::LOCATION]), (StatusCode::SEE_OTHER, &"/portal".parse().expect("a value")));
            assert_eq!(person.get(url_of(link)).await.status, 303, "the same browser is in already");
            assert_eq!(stranger.get(url_of(link)).await.status, 404, "it opens once");
        }

        // Every page, and every page about something of the other tenant.
        let lists = ["", "/find?q=call-42", "/events", "/deliveries", "/endpoints", "/endpoints/new", "/dead-letters", "/gaps", "/replays", "/replays/new?status=dead", "/tail"];
        for list in lists {
            for person in [&viewer, &manager] {
                let page = person.get(&format!("/portal{list}")).await;
                assert!(page.status.is_success() || page.status == 303, "{list}: {}", page.text);
                assert!(!page.text.contains(CANARY), "{list}: {}", page.text);
                assert!(page.text.is_empty() || page.text.contains("Acme Voice"), "{list}");
            }
        }
        let request = json!({"tenant": CANARY, "idempotency_key": "request-of-another"});
        server.api.emit("call.ended", b"{}", request).await;
        let sought = ["request-of-another".to_owned(), event(&foreign), foreign.clone(), foreign_endpoint.clone(), replay.clone(), "call-of-canary-of-other".to_owned(), "call-of".to_owned()];
        for sought in sought {
            let page = manager.get(&format!("/portal/find?q={sought}")).await;
            assert_eq!(page.status, 200, "{sought}: it leads nowhere");
            assert!(!page.text.replace(&sought, "").contains(CANARY), "{sought}: {}", page.text);
        }
        for narrowed in ["events", "deliveries", "endpoints", "dead-letters", "replays", "tail"] {
            let page = manager.get(&format!("/portal/{narrowed}?tenant={CANARY}")).await;
            assert_eq!(page.status, 404, "{narrowed}");
        }
        let foreigners = [
            format!("/events/{}", event(&foreign)), format!("/events/{}/payload", event(&foreign)),
            format!("/deliveries/{foreign}"), format!("/endpoints/{foreign_endpoint}"), format!("/replays/{replay}"),
        ];
        for page in &foreigners {
            let (foreign, nothing) = (manager.get(&format!("/portal{page}")).await, manager.get("/portal/events/evt_0").await);
            assert_eq!((foreign.status, foreign.text), (StatusCode::NOT_FOUND, nothing.text), "{page}");
        }
        let acts = ["test", "pause", "resume", "enable", "rotate", "edit", "delete"];
        let mut posts: Vec<_> = acts.iter().map(|act| format!("/endpoints/{foreign_endpoint}/{act}")).collect();
        posts.extend([format!("/deliveries/{foreign}/replay"), format!("/replays/{replay}/cancel")]);
        let before = server.api.get(&format!("/v1/endpoints/{foreign_endpoint}")).await.expect(200);
        for post in &posts {
            let page = manager.send("/portal/endpoints/new", &format!("/portal{post}"), &[("patch", "{\"name\": \"x\"}")]).await;
            assert_eq!(page.status, 404, "{post}: {}", page.text);
            assert!(!page.text.contains(CANARY), "{post}");
        }
        let made = [("url", "https://receiver.acme-voice.com/h"), ("tenant", CANARY), ("event_types", "*")];
        assert_eq!(manager.send("/portal/endpoints/new", "/portal/endpoints", &made).await.status, 404);
        let many = [("status", "dead"), ("tenant", CANARY)];
        assert_eq!(manager.send("/portal/endpoints/new", "/portal/replays", &many).await.status, 404);
        let now = server.api.get(&format!("/v1/endpoints/{foreign_endpoint}")).await.expect(200);
        assert_eq!(now["updated_at"], before["updated_at"], "nothing of the other tenant has changed");

        // What is of operators is not there, and the session is worth nothing elsewhere.
        for absent in ["/portal/audit", "/portal/tokens", "/portal/nodes", "/portal/login", "/portal/v1/events"] {
            assert_eq!(manager.get(absent).await.status, 404, "{absent}");
        }
        assert_eq!(manager.get("/deliveries").await.status, 303, "it is no session of the dashboard");
        assert_eq!(manager.get("/v1/events").await.status, 401);

        // Looking is not acting.
        for post in [format!("/endpoints/{own_endpoint}/pause"), format!("/endpoints/{own_endpoint}/rotate"), format!("/deliveries/{own}/replay")] {
            let page = viewer.send("/portal/endpoints/new", &format!("/portal{post}"), &[]).await;
            assert_eq!(page.status, 403, "{post}: {}", page.text);
        }
        receiver.answer(|_| Reply::status(204));
        let page = manager.send("/portal/endpoints/new", &format!("/portal/deliveries/{own}/replay"), &[]).await;
        assert_eq!(page.status, 303, "{}", page.text);
        server.api.delivery_with_status(&own, "delivered").await;
        let page = manager.send("/portal/endpoints/new", &format!("/portal/endpoints/{own_endpoint}/rotate"), &[]).await;
        assert!(page.text.contains("whsec_"), "a secret is told to who may manage: {}", page.text);

        // A customer sends again, and nowhere else.
        let (first, second) = (Receiver::answering(500).await, Receiver::healthy().await);
        let inline = json!({"tenant": "acme", "destination": {"url": first.url(), "scheme": "none", "retry": {"max_attempts": 1}}});
        let inline = server.api.delivery_of(&server.api.emit("call.ended", b"{}", inline).await).await;
        server.api.delivery_with_status(&inline, "dead").await;
        let post = format!("/portal/deliveries/{inline}/replay");
        assert_eq!(manager.send("/portal/endpoints/new", &post, &[("url", &second.url())]).await.status, 303);
        first.wait_for(2).await;
        assert_eq!(second.count(), 0);

        let who = id_of(&manage);
        let audit = server.api.get(&format!("/v1/audit?who={who}")).await.expect(200).to_string();
        assert!(audit.contains("portal_link.open") && audit.contains("delivery.replay"), "{audit}");

        assert_eq!(server.api.delete(&format!("/v1/portal-links/{who}")).await.status, 204);
        assert_eq!(manager.get("/portal").await.status, 401, "the session ends with its link");
        assert_eq!(viewer.get("/portal").await.status, 200);
    }
}

/// The portal in a frame of another site, as an account page shows it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_portal_in_a_frame_works_has_no_barriers_and_may_be_framed_by_its_sites_alone() {
    let database = Database::fresh(Store::Sqlite).await;
    let site = Receiver::healthy().await;
    let framing = format!("http://localhost:{}", site.address().port());
    let server = Serve::on(&database)
        .set("portal.frame_ancestors", &framing)
        .set("portal.name", "Acme Voice")
        .set("portal.accent", "#ffcc00")
        .start()
        .await;
    let receiver = refusing().await;
    let delivery = dead(&server, &receiver, "acme", "call-42").await;
    let ask = async || {
        let body = json!({"tenant": "acme", "scope": "manage", "expires_in": "1h"});
        url_of(&link(&server, "/v1/portal-links", body).await).to_owned()
    };
    let url = ask().await;
    site.answer(move |_| {
        let page = format!("<!doctype html><title>Account</title><iframe width=900 height=900 src=\"{url}\"></iframe>");
        Reply::status(200).header("content-type", "text/html").body(page)
    });
    let mut browser = Browser::open().await;
    browser.go(&framing).await;
    browser.enter_frame("iframe").await;
    browser.text_with("1 dead letter").await;
    browser.click("a.key[href*='/deliveries/']").await;
    browser.text_with("Given up").await;
    receiver.answer(|_| Reply::status(204));
    browser.click(".headline form button").await;
    browser.text_with("was delivered").await;
    browser.leave_frame().await;
    // Another site shows nothing of it.
    browser.go(&format!("http://127.0.0.1:{}", site.address().port())).await;
    browser.enter_frame("iframe").await;
    assert!(!browser.text().await.contains("Acme Voice"));
    browser.leave_frame().await;
    // Whatever browsers say of the frame that is refused.
    let expected = browser.complaints().await.len();

    browser.go(&ask().await).await;
    browser.text_with("Acme Voice").await;
    let shared = link(&server, "/v1/share", json!({"delivery_id": delivery, "expires_in": "1h"})).await;
    let pages = ["/portal", "/portal/deliveries", "/portal/endpoints", "/portal/endpoints/new", "/portal/dead-letters"];
    let pages = pages.map(|page| format!("{}{page}", server.api.base()));
    let own = [format!("{}/portal/deliveries/{delivery}", server.api.base()), url_of(&shared).to_owned()];
    for width in [1_280, 390] {
        browser.resize(width).await;
        for page in pages.iter().chain(&own) {
            browser.go(page).await;
            assert_eq!(browser.barriers().await, [""; 0], "{page} at {width}");
            let outside =
                browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth").await;
            assert!(outside.as_i64().is_some_and(|outside| outside <= 0), "{page} at {width}: {outside} too wide");
            if let Ok(folder) = std::env::var("RINGBACK_TEST_PICTURES") {
                let name = page.split("://").nth(1).and_then(|rest| rest.split('/').nth(1)).unwrap_or("page");
                let last = page.rsplit('/').next().unwrap_or_default().get(..8).unwrap_or("start");
                std::fs::write(format!("{folder}/{width}-{name}-{last}.png"), browser.picture().await)
                    .expect("it is kept");
            }
        }
    }
    let complaints = browser.complaints().await;
    let serious: Vec<_> =
        complaints.iter().skip(expected).filter(|it| it.contains("SEVERE") || it.contains("WARNING")).collect();
    assert!(serious.is_empty(), "{serious:?}");
}

/// An operator makes the link by a click, and takes it back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_shared_by_a_click() {
    let database = Database::fresh(Store::Sqlite).await;
    let server = Serve::on(&database).start().await;
    let receiver = refusing().await;
    let delivery = dead(&server, &receiver, "acme", "call-42").await;
    let browser = crate::dashboard::logged_in(&server).await;
    browser.text_with("1 dead letter").await;
    browser.go(&format!("{}/deliveries/{delivery}", server.api.base())).await;
    browser.text_with("Given up").await;
    browser.click("#share summary").await;
    browser.click("#share button").await;
    browser.text_with("The link").await;
    let url = browser.run("return document.querySelector('#link').textContent").await;
    let url = url.as_str().expect("a text").to_owned();
    let person = Person::at(&server);
    assert_eq!(person.get(&url).await.status, 200);
    browser.click("form[action$='/revoke'] button").await;
    browser.text_with("The link is revoked").await;
    assert_eq!(person.get(&url).await.status, 404);
}

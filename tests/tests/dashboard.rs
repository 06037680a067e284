//! The dashboard in a real browser: what is wrong is seen, a click puts it right, and nothing that callers or receivers
//! say becomes a script.

use ringback::{endpoint::Destination, event::NewEvent};
use ringback_tests::{
    api::id_of,
    browser::Browser,
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::{Serve, Server, TOKEN},
    stores::Store,
    until::until,
};
use serde_json::json;

pub(crate) async fn logged_in(server: &Server) -> Browser {
    let browser = Browser::open().await;
    browser.go(server.api.base()).await;
    log_in(&browser, TOKEN).await;
    browser
}

async fn log_in(browser: &Browser, token: &str) {
    browser.text_with("Log in").await;
    browser.write("#token", token).await;
    browser.click("main button").await;
}

on_both_stores! {
    async fn a_dead_letter_is_sent_again_by_a_click(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::answering(503).await;
        let once = json!({"url": receiver.url(), "event_types": ["*"], "retry": {"max_attempts": 1}});
        server.api.endpoint(once).await;
        let event = server.api.emit("call.ended", b"{}", json!({"key": "call-4711"})).await;
        let delivery = server.api.delivery_of(&event).await;
        server.api.delivery_with_status(&delivery, "dead").await;

        let browser = Browser::open().await;
        browser.go(server.api.base()).await;
        log_in(&browser, "a-token-that-nobody-made").await;
        browser.text_with("That is not a token of this server").await;
        log_in(&browser, TOKEN).await;
        let page = browser.text_with("1 dead letter").await;
        for told in ["call-4711", "call.ended", "default", &receiver.address().to_string(), "503", "exhausted"] {
            assert!(page.contains(told), "{told} is missing from:\n{page}");
        }
        browser.click("a.key[href*='/deliveries/']").await;
        browser.text_with("Given up: every try failed (last: 503)").await;
        browser.run("history.back()").await;
        browser.text_with("1 dead letter").await;

        receiver.answer(|_| Reply::status(204));
        browser.click(&format!("#{delivery} button")).await;
        let requests = receiver.wait_for(2).await;
        assert_eq!((requests[1].id(), requests[1].header("ringback-replay")), (event.as_str(), "1"));
        let page = browser.text_with("was delivered").await;
        assert!(page.contains("All is well"), "{page}");

        browser.click(".who button").await;
        browser.text_with("Log in").await;
        browser.go(server.api.base()).await;
        browser.text_with("Log in").await;
    }

    async fn the_first_page_tells_this_side_from_receivers_and_shows_every_group(store: Store) {
        const ANSWERS: [u16; 11] = [400, 401, 402, 403, 404, 405, 406, 409, 411, 412, 500];
        const DEAD: usize = 1_585;
        const ALL: usize = 3_000;
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::scripted(|request| {
            let answer = request.header("ringback-event-type").rsplit('.').next().and_then(|code| code.parse().ok());
            Reply::status(answer.expect("the type ends with the answer"))
        })
        .await;
        let once = json!({"url": receiver.url(), "event_types": ["*"], "max_in_flight": 64, "retry": {"max_attempts": 1}});
        server.api.endpoint(once).await;
        let event = |number: usize| {
            let answer = if number < DEAD { ANSWERS[number % ANSWERS.len()] } else { 204 };
            json!({"type": format!("call.{answer}"), "payload": {}})
        };
        let events: Vec<_> = (0..ALL).map(event).collect();
        for batch in events.chunks(500) {
            server.api.post("/v1/events/batch", &json!({"events": batch})).await.expect(202);
        }
        until("all are done", async || {
            let ledger = server.api.get("/v1/ledger").await.expect(200);
            let is = |what: &str, count: usize| ledger["deliveries"][what] == count;
            (is("dead", DEAD) && is("delivered", ALL - DEAD)).then_some(())
        })
        .await;

        let browser = logged_in(&server).await;
        let page = browser.text_with("1\u{202f}585 dead letters").await;
        for answer in ANSWERS {
            assert!(page.contains(&format!("call.{answer}")), "{answer} is missing from:\n{page}");
        }
        let rows = browser.run("return document.querySelectorAll('#dead-letters tbody tr').length").await;
        assert_eq!(rows, 11, "{page}");
        let ours = browser.run("return document.querySelector('#ours').innerText").await;
        let ours = ours.as_str().expect("a text");
        for told in ["Nodes", "1 alive", "every shard is served", "Lag", "of what is not held", "Accepted", "Attempts", "failed"] {
            assert!(ours.contains(told), "{told} is missing from:\n{ours}");
        }
        for rate in ["Accepted", "Attempts"] {
            let told = ours.lines().skip_while(|line| *line != rate).nth(1).expect("the number stands below");
            let rate: u32 = told.trim_end_matches("/min").replace('\u{202f}', "").parse().expect("a number");
            // Of some five minutes, if this began just now.
            assert!((450..=3_000).contains(&rate), "3,000 came in, and went out:\n{ours}");
        }
        let theirs = browser.run("return document.querySelector('#theirs').innerText").await;
        assert!(theirs.as_str().is_some_and(|text| text.contains("Dead letters") && text.contains("1\u{202f}585")), "{theirs}");
    }

    async fn a_session_survives_a_restart_and_ends_with_its_token(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let bind = server.api.base().trim_start_matches("http://").to_owned();
        let browser = logged_in(&server).await;
        browser.text_with("All is well").await;
        server.terminate().await;

        let server = Serve::on(&database).set("bind", &bind).start().await;
        browser.go(server.api.base()).await;
        browser.text_with("All is well").await;
        server.terminate().await;

        let server = Serve::on(&database).set("bind", &bind).set("admin_token", "another-token-by-now").start().await;
        browser.go(server.api.base()).await;
        browser.text_with("Your session has ended").await;
    }
}

/// Would run, break out, mislead or be calculated wherever somebody forgot what a text is.
pub(crate) const HOSTILE: &str =
    "\"'><svg/onload=window.ran=1></script><script>window.ran=1</script>{{7*7}}${7*7}\u{2028}\u{202e}gnp";

/// The same for places that take only what a URL or a header may hold.
pub(crate) const HOSTILE_ASCII: &str = "\"'><svg/onload=window.ran=1></script><script>window.ran=1</script>{{7*7}}";

/// Dead letters with hostile texts in every field that takes them; the ids of their deliveries.
pub(crate) async fn hostile_dead_letters(database: &Database, server: &Server, receiver: &Receiver) -> Vec<String> {
    let endpoint = json!({
        "key": HOSTILE, "name": HOSTILE, "description": HOSTILE, "tenant": "tenant.with:every-sign_",
        "url": format!("{}/{HOSTILE_ASCII}?q={HOSTILE_ASCII}", receiver.url()), "event_types": ["*"],
        "headers": {"x-customer": HOSTILE_ASCII}, "retry": {"max_attempts": 1},
    });
    let endpoint = id_of(&server.api.endpoint(endpoint).await);
    let fields = json!({"key": HOSTILE, "ordering_key": HOSTILE, "tenant": "tenant.with:every-sign_"});
    let registered = server.api.emit("javascript.alert-1_", b"{}", fields).await;
    // SQL and Rust take any text for a destination: what cannot be used is dead at once, and shown.
    let script = Destination::to("javascript:window.ran=1//\"><svg/onload=window.ran=1>");
    let unusable = NewEvent { destination: Some(script), ..NewEvent::new("call.ended", "{}").key(HOSTILE) };
    let unusable = database.emit(&unusable).await;
    let mut deliveries = Vec::new();
    for event in [registered, unusable] {
        let delivery = server.api.delivery_of(&event).await;
        server.api.delivery_with_status(&delivery, "dead").await;
        deliveries.push(delivery);
    }
    server.api.post(&format!("/v1/endpoints/{endpoint}/pause"), &json!({})).await.expect(200);
    server.api.emit("call.ended", b"{}", json!({"key": HOSTILE, "tenant": "tenant.with:every-sign_"})).await;
    deliveries
}

/// Nothing of it ran, and nothing of it became part of the page.
pub(crate) async fn is_harmless(browser: &mut Browser) {
    let found = "return [window.ran || 0, document.querySelectorAll('script:not(head > [src*=\"/assets/dashboard.\"]), iframe, main svg:not(.strip), main img, [onload], [onerror]').length]";
    let address = browser.address().await;
    assert_eq!(browser.run(found).await, json!([0, 0]), "{address}: {}", browser.text().await);
    let links = "return [...document.querySelectorAll('a, form')].map(it => new URL(it.getAttribute('href') || it.getAttribute('action'), location)).filter(it => it.origin !== location.origin).length";
    assert_eq!(browser.run(links).await, 0, "{address} leads elsewhere");
    let complaints = browser.complaints().await;
    assert!(!complaints.iter().any(|it| it.contains("Content Security Policy")), "{address}: {complaints:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_texts_run_nowhere() {
    let database = Database::fresh(Store::Sqlite).await;
    let server = Serve::on(&database).start().await;
    let receiver = Receiver::scripted(|_| {
        let page = Reply::status(500).header("content-type", "text/html").header("x-hostile", HOSTILE_ASCII);
        page.body(format!("<!doctype html><body onload=window.ran=1>{HOSTILE}\u{0}\u{1b}[31m"))
    })
    .await;
    let deliveries = hostile_dead_letters(&database, &server, &receiver).await;
    let mut browser = logged_in(&server).await;

    let page = browser.text_with("2 dead letters, 1 destination held").await;
    assert!(page.contains("{{7*7}}${7*7}\\u{2028}\\u{202e}gnp"), "it is shown as it is:\n{page}");
    is_harmless(&mut browser).await;
    for delivery in &deliveries {
        browser.go(&format!("{}/deliveries/{delivery}", server.api.base())).await;
        browser.run("document.querySelectorAll('details').forEach(it => it.open = true)").await;
        browser.text_with("Given up").await;
        is_harmless(&mut browser).await;
    }
    let encoded = "%22%27%3E%3Csvg%2Fonload%3Dwindow.ran%3D1%3E";
    let replayed = format!("/?replayed={}", deliveries[0]);
    for page in [
        &format!("/deliveries/{encoded}"),
        &format!("/?replayed={encoded}"),
        &replayed,
        &format!("/login?to={encoded}"),
    ] {
        browser.go(&format!("{}{page}", server.api.base())).await;
        is_harmless(&mut browser).await;
    }
    browser.click("nav a").await;
    browser.click(&format!("#{} button", deliveries[0])).await;
    browser.text_with("waits: its destination is held").await;
    is_harmless(&mut browser).await;
    browser.click(".who button").await;
    browser.go(&format!("{}/login?to={encoded}", server.api.base())).await;
    is_harmless(&mut browser).await;

    // What this test looks for would be seen if it were there.
    browser.run("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=window.ran=1>')").await;
    browser.run("document.body.insertAdjacentHTML('beforeend', '<svg onload=window.ran=1></svg>')").await;
    let complaints = browser.complaints().await;
    assert!(complaints.iter().any(|it| it.contains("Content Security Policy")), "{complaints:?}");
    assert_eq!(browser.run("return window.ran || 0").await, 0, "the policy keeps it from running");
}

//! Every page of the dashboard in a real browser: what is asked at night is found by clicking, and put right; pages fit a
//! phone, have no barrier that axe knows of, and show what callers and receivers say without believing it.

use ringback_tests::{
    api::id_of,
    browser::Browser,
    command::ringback,
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::{Serve, Server},
    stores::Store,
    until::until,
};
use serde_json::{Value, json};

use crate::dashboard::{HOSTILE_ASCII, hostile_dead_letters, is_harmless, logged_in};

/// Widths of windows, in CSS pixels: a desk and a phone.
pub(crate) const WIDTHS: [u32; 2] = [1_280, 390];

async fn go(browser: &Browser, server: &Server, page: &str) {
    browser.go(&format!("{}{page}", server.api.base())).await;
}

/// A window in which somebody has logged in, and sees the first page.
async fn opened(server: &Server) -> Browser {
    let browser = logged_in(server).await;
    browser.text_with("Log out").await;
    browser
}

/// Nothing of the page lies outside of the window.
pub(crate) async fn fits(browser: &Browser) {
    let outside =
        browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth").await;
    assert!(outside.as_i64().is_some_and(|outside| outside <= 0), "{}: {outside} too wide", browser.address().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_fits_has_no_barriers_and_is_harmless() {
    let database = Database::fresh(Store::Sqlite).await;
    let server = Serve::on(&database).start().await;
    let receiver = Receiver::scripted(|_| Reply::status(500).body(HOSTILE_ASCII)).await;
    let deliveries = hostile_dead_letters(&database, &server, &receiver).await;
    let events = server.api.get("/v1/events").await.expect(200);
    let endpoint = id_of(&server.api.get("/v1/endpoints").await.expect(200)["items"][0]);
    let replay = json!({"filter": {"status": "dead", "tenant": "tenant.with:every-sign_"}, "note": HOSTILE_ASCII});
    let replay = id_of(&server.api.post("/v1/replays", &replay).await.expect(202));
    let mut browser = opened(&server).await;
    let pages = [
        "/".to_owned(),
        "/find".to_owned(),
        "/find?q=nobody%3Cscript%3E".to_owned(),
        "/events".to_owned(),
        format!("/events/{}", id_of(&events["items"][0])),
        "/deliveries?status=dead".to_owned(),
        format!("/deliveries/{}", deliveries[0]),
        "/endpoints".to_owned(),
        "/endpoints/new".to_owned(),
        format!("/endpoints/{endpoint}"),
        "/dead-letters".to_owned(),
        "/dead-letters?key=%3Cscript%3E".to_owned(),
        "/gaps".to_owned(),
        "/replays".to_owned(),
        "/replays/new".to_owned(),
        "/replays/new?status=dead".to_owned(),
        format!("/replays/{replay}"),
        "/audit".to_owned(),
        "/tail?status=dead".to_owned(),
        "/tokens".to_owned(),
        "/nodes".to_owned(),
        "/alerts".to_owned(),
        "/events?since=yesterday".to_owned(),
    ];
    for width in WIDTHS {
        browser.resize(width).await;
        for page in &pages {
            go(&browser, &server, page).await;
            is_harmless(&mut browser).await;
            fits(&browser).await;
            assert_eq!(browser.barriers().await, [""; 0], "{page} at {width}");
            if let Ok(folder) = std::env::var("RINGBACK_TEST_PICTURES") {
                let name = page.split(['?', '_']).next().unwrap_or_default().replace('/', "-");
                std::fs::write(format!("{folder}/{width}{name}.png"), browser.picture().await).expect("it is kept");
            }
        }
    }
    // Pages that were refused complain of their status, and of nothing else.
    let complaints = browser.complaints().await;
    let is_error = |it: &&String| it.contains("SEVERE") || it.contains("WARNING");
    let others: Vec<_> = complaints.iter().filter(is_error).filter(|it| !it.contains("status of 400")).collect();
    assert!(others.is_empty(), "{others:?}");
}

/// Ten deaths of one cause, and one of another.
pub(crate) async fn two_causes(server: &Server, receiver: &Receiver) -> Value {
    let endpoint = json!({"url": receiver.url(), "key": "crm", "event_types": ["*"], "retry": {"max_attempts": 1}});
    let endpoint = server.api.endpoint(endpoint).await;
    for call in 0..11 {
        receiver.answer(move |_| Reply::status(if call == 0 { 500 } else { 503 }));
        let event = server.api.emit("call.ended", b"{\"a\": 3.0}", json!({"key": format!("call-{call}")})).await;
        server.api.delivery_with_status(&server.api.delivery_of(&event).await, "dead").await;
    }
    endpoint
}

on_both_stores! {
    async fn a_group_is_looked_at_previewed_and_sent_again(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        two_causes(&server, &receiver).await;
        let browser = opened(&server).await;

        // The few are not hidden by the many.
        let page = browser.text_with("11 dead letters").await;
        assert!(page.contains("call-0") && page.contains("503") && page.contains("500"), "{page}");
        browser.click("#dead-letters a.key[href*='/dead-letters?']").await;
        browser.text_with("One by one").await;
        browser.click("#groups td.act a[href*='last_status_code=503']").await;
        let page = browser.text_with("10 deliveries").await;
        assert!(page.contains("last answer 503"), "{page}");
        assert_eq!(receiver.count(), 11, "nothing is sent before somebody says so");

        receiver.answer(|_| Reply::status(204));
        browser.write("input[name=rate_per_second]", "50").await;
        browser.write("input[name=note]", "the receiver is well again").await;
        browser.click("#preview button").await;
        browser.text_with("Replay completed").await;
        receiver.wait_for(21).await;
        browser.text_with("Delivered\n10").await;
        browser.click("nav a[href$='/replays']").await;
        browser.text_with("the receiver is well again").await;
        browser.click("nav a").await;
        browser.text_with("1 dead letter").await;
        assert_eq!(receiver.count(), 21);
    }

    async fn a_call_is_found_and_its_event_says_who_got_it(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let wants = json!({"url": receiver.url(), "key": "crm", "event_types": ["call.*"]});
        server.api.endpoint(wants).await;
        let other = json!({"url": receiver.url(), "key": "billing", "event_types": ["agent.*"]});
        server.api.endpoint(other).await;
        let event = server.api.emit("call.ended", b"{\"minutes\": 3.0}", json!({"key": "call-42", "idempotency_key": "request-7"})).await;
        server.api.delivery_with_status(&server.api.delivery_of(&event).await, "delivered").await;
        let browser = opened(&server).await;

        browser.write(".find input", "call-42").await;
        browser.click(".find button").await;
        let page = browser.text_with("Routing").await;
        for told in ["call-42", "delivered", "crm", "billing", "type_not_selected", "{\"minutes\": 3.0}", "SHA-256"] {
            assert!(page.contains(told), "{told} is missing from:\n{page}");
        }
        browser.click("#deliveries a.key").await;
        browser.text_with("Nothing: the receiver has it.").await;
        // What was delivered is sent again only by somebody who has read that it was.
        browser.click(".headline summary").await;
        browser.click(".headline details button").await;
        receiver.wait_for(2).await;
        for (sought, told) in [(event.as_str(), "Routing"), ("call-4", "Routing"), ("request-7", "Routing"), ("call-43", "Keys that stand beside it")] {
            // A page that says none of it.
            go(&browser, &server, "/tokens").await;
            browser.text_with("They are made with").await;
            browser.write(".find input", sought).await;
            browser.click(".find button").await;
            browser.text_with(told).await;
        }
    }

    async fn an_endpoint_is_made_tested_paused_changed_rotated_and_deleted(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let browser = opened(&server).await;

        go(&browser, &server, "/endpoints/new").await;
        browser.write("input[name=url]", &receiver.url()).await;
        browser.write("input[name=event_types]", "call.ended, agent.*").await;
        browser.write("input[name=name]", "Billing").await;
        browser.click("main button").await;
        let page = browser.text_with("The endpoint is made.").await;
        assert!(page.contains("whsec_"), "the secret is told once:\n{page}");
        let made = server.api.get("/v1/endpoints").await.expect(200)["items"][0].clone();
        assert_eq!(made["event_types"], json!(["call.ended", "agent.*"]));
        let id = id_of(&made);

        go(&browser, &server, &format!("/endpoints/{id}")).await;
        assert!(!browser.text_with("Billing").await.contains("whsec_"));
        browser.click(".headline form button").await;
        browser.text_with("Attempts").await;
        receiver.wait_for(1).await;

        let press = async |act: &str, told: &str| {
            go(&browser, &server, &format!("/endpoints/{id}")).await;
            browser.run("document.querySelectorAll('details').forEach(it => it.open = true)").await;
            browser.click(&format!("form[action$='/{act}'] button")).await;
            browser.text_with(told).await
        };
        assert!(press("pause", "It is paused").await.contains("paused"));
        server.api.emit("call.ended", b"{}", json!({})).await;
        go(&browser, &server, "/endpoints").await;
        browser.text_with("the oldest fell due").await;
        press("resume", "It is resumed").await;
        receiver.wait_for(2).await;
        assert!(press("rotate", "The secret is rotated").await.contains("whsec_"));
        go(&browser, &server, &format!("/endpoints/{id}")).await;
        browser.run("document.querySelectorAll('details').forEach(it => it.open = true)").await;
        browser.write("textarea", "{\"timeout_ms\": 5000, \"name\": \"Invoices\"}").await;
        browser.click("form[action$='/edit'] button").await;
        browser.text_with("Invoices").await;
        browser.run("document.querySelectorAll('details').forEach(it => it.open = true)").await;
        browser.write("textarea", "{\"timeout\": 5000}").await;
        browser.click("form[action$='/edit'] button").await;
        browser.text_with("timeout").await;
        let now = server.api.get(&format!("/v1/endpoints/{id}")).await.expect(200);
        assert_eq!((&now["timeout_ms"], &now["name"]), (&json!(5000), &json!("Invoices")));

        go(&browser, &server, &format!("/endpoints/{id}")).await;
        browser.run("document.querySelectorAll('details').forEach(it => it.open = true)").await;
        browser.write("textarea[name=filter]", "payload.n > 1").await;
        browser.write("textarea[name=sample]", "{\"n\": 1}").await;
        browser.click("form[action*='/filter'] button[value=try]").await;
        browser.text_with("It leaves this event out.").await;
        let filter = async || server.api.get(&format!("/v1/endpoints/{id}")).await.expect(200)["filter"].clone();
        assert_eq!(filter().await, json!(null), "trying keeps nothing");
        browser.click("form[action*='/filter'] button[value=save]").await;
        browser.text_with("It is changed.").await;
        assert_eq!(filter().await, "payload.n > 1");
        press("delete", "No endpoint matches.").await;
        server.api.get(&format!("/v1/endpoints/{id}")).await.expect(404);
        let page = browser.text_with("Audit").await;
        assert!(page.contains("Endpoints"), "{page}");
        go(&browser, &server, "/audit?action=endpoint.delete").await;
        let page = browser.text_with("endpoint.delete").await;
        assert!(page.contains(&id) && !page.contains("endpoint.update"), "{page}");
    }

    async fn a_token_is_revoked_by_a_click(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let made = ringback(&database, &["token", "create", "--scope", "read", "--name", "reports", "--json"]).await.json();
        let reports = server.api.with_token(made["token"].as_str().expect("a text"));
        reports.get("/v1/events").await.expect(200);
        let browser = opened(&server).await;
        go(&browser, &server, "/tokens").await;
        browser.text_with("reports").await;
        browser.click("td.act button").await;
        until("the token is refused", async || (reports.get("/v1/events").await.status == 401).then_some(())).await;
    }
}

on_both_stores! {
    async fn calls_that_got_no_webhook_are_found_from_a_list(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let endpoint = id_of(&server.api.endpoint(json!({"url": receiver.url(), "event_types": ["call.*"]})).await);
        let event = server.api.emit("call.ended", b"{}", json!({"key": "call,42"})).await;
        server.api.delivery_with_status(&server.api.delivery_of(&event).await, "delivered").await;
        server.api.emit("agent.left", b"{}", json!({"key": "call-43"})).await;
        let browser = opened(&server).await;
        browser.click("nav a[href$='/gaps']").await;
        browser.text_with("Which of your calls got no webhook?").await;
        browser.write("textarea", "key,at\n\"call,42\",12:00\ncall-43,12:01\ncall-44,12:02\n").await;
        browser.write("input[name=endpoint_id]", &endpoint).await;
        browser.click("main button").await;
        let page = browser.text_with("What became of them").await;
        for told in ["delivered 1", "unmatched 1", "never_emitted 1", "call,42", "call-44"] {
            assert!(page.contains(told), "{told} is missing from:\n{page}");
        }
        browser.click("#answer a[href*='status=missing']").await;
        // The endpoint does not select the type of the other one.
        browser.text_with("0 deliveries").await;
    }

    async fn a_signature_that_is_refused_is_explained(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        server.api.endpoint(json!({"url": receiver.url(), "event_types": ["*"]})).await;
        let event = server.api.emit("call.ended", b"{\"minutes\": 3.0}", json!({})).await;
        let delivery = server.api.delivery_of(&event).await;
        server.api.delivery_with_status(&delivery, "delivered").await;
        let request = receiver.wait_for(1).await[0].clone();
        let named = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        let headers: String = named.map(|name| format!("{name}: {}\n", request.header(name))).concat();
        let browser = opened(&server).await;
        let says = async |text: &str, told: &str| {
            go(&browser, &server, &format!("/deliveries/{delivery}")).await;
            browser.text_with("Signature").await;
            browser.click("#signature summary").await;
            browser.write("#signature textarea", text).await;
            browser.click("#signature button").await;
            let page = browser.text_with(told).await;
            assert!(!page.contains("whsec_"), "no secret is told: {page}");
            page
        };
        says(&headers, "The signature is right.").await;
        // A framework that parses the body and writes it again writes another one.
        let page = says(&format!("POST /hook HTTP/1.1\n{headers}\n{{\"minutes\":3}}"), "The signature is wrong").await;
        assert!(page.contains("body"), "{page}");
        says(&headers.replace("webhook-id: evt_", "webhook-id: evt_0"), "It would be right, were it not for this").await;
        says("x: y", "webhook-signature is missing").await;
    }
}

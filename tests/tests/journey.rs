//! The way of somebody who is woken at night, by clicks alone, with the dashboard's script and without any; and that of a
//! tenant's people in their portal. What callers and receivers say stays a text on every page on the way.

use ringback_tests::{
    browser::Browser,
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::{Serve, Server, TOKEN},
    stores::Store,
};
use serde_json::json;

use crate::{
    console::{WIDTHS, fits, two_causes},
    dashboard::{HOSTILE_ASCII, hostile_dead_letters, is_harmless},
};

/// Whether pages may run the dashboard's script.
const SCRIPTS: [bool; 2] = [true, false];

async fn opened(with_script: bool) -> Browser {
    let browser = Browser::open().await;
    if !with_script {
        browser.without_scripts().await;
    }
    browser
}

/// A page shows the script's buttons if it may run, and none otherwise.
async fn has_buttons_that_copy(browser: &Browser, with_script: bool) {
    let buttons = browser.run("return document.querySelectorAll('button.copy').length").await;
    assert_eq!(buttons.as_u64().is_some_and(|count| count > 0), with_script, "{buttons}");
}

async fn portal_of(server: &Server, tenant: &str) -> String {
    let link = json!({"tenant": tenant, "scope": "manage", "expires_in": "1h"});
    let link = server.api.post("/v1/portal-links", &link).await.expect(201);
    link["url"].as_str().expect("a URL").to_owned()
}

on_both_stores! {
    async fn a_call_is_found_its_group_previewed_sent_again_and_delivered(store: Store) {
        for with_script in SCRIPTS {
            let database = Database::fresh(store).await;
            let server = Serve::on(&database).start().await;
            let receiver = Receiver::healthy().await;
            two_causes(&server, &receiver).await;
            let mut browser = opened(with_script).await;
            browser.go(server.api.base()).await;
            browser.text_with("Log in").await;
            browser.write("#token", TOKEN).await;
            browser.click("main button").await;
            browser.text_with("11 dead letters").await;

            // A customer asks for one call.
            browser.write(".find input", "call-7").await;
            browser.click(".find button").await;
            browser.text_with("Routing").await;
            has_buttons_that_copy(&browser, with_script).await;
            browser.click("#deliveries a.key").await;
            browser.text_with("Given up: every try failed (last: 503)").await;
            browser.click(".tries summary").await;
            browser.text_with("webhook-signature").await;

            // It is one of ten.
            browser.click("nav a").await;
            browser.text_with("11 dead letters").await;
            browser.click("#dead-letters a.key[href*='/dead-letters?']").await;
            browser.text_with("One by one").await;
            browser.click("#groups td.act a[href*='last_status_code=503']").await;
            browser.text_with("10 deliveries").await;
            assert_eq!(receiver.count(), 11, "nothing is sent before somebody says so");
            receiver.answer(|_| Reply::status(204));
            browser.write("input[name=rate_per_second]", "20").await;
            browser.write("input[name=note]", "the receiver is well again").await;
            browser.click("#preview button").await;
            browser.text_with("Replay completed").await;
            browser.text_with("Delivered\n10").await;

            // The last one alone.
            browser.click("nav a").await;
            browser.text_with("1 dead letter").await;
            browser.click("#dead-letters td.act button").await;
            browser.text_with("was delivered").await;
            browser.text_with("All is well").await;
            assert_eq!(receiver.count(), 22);
            is_harmless(&mut browser).await;
            browser.click(".who button").await;
            browser.text_with("Log in").await;
        }
    }

    async fn a_tenant_repairs_its_own_and_logs_out(store: Store) {
        for with_script in SCRIPTS {
            let database = Database::fresh(store).await;
            let server = Serve::on(&database).start().await;
            let receiver = Receiver::answering(503).await;
            let once = json!({"url": receiver.url(), "event_types": ["*"], "tenant": "acme", "retry": {"max_attempts": 1}});
            server.api.endpoint(once).await;
            let event = server.api.emit("call.ended", b"{\"a\": 3.0}", json!({"tenant": "acme", "key": "call-42"})).await;
            server.api.delivery_with_status(&server.api.delivery_of(&event).await, "dead").await;
            let url = portal_of(&server, "acme").await;
            let mut browser = opened(with_script).await;
            browser.go(&url).await;
            browser.text_with("1 dead letter").await;
            browser.click("a.key[href*='/deliveries/']").await;
            browser.text_with("Given up").await;
            has_buttons_that_copy(&browser, with_script).await;
            receiver.answer(|_| Reply::status(204));
            browser.click(".headline form button").await;
            browser.text_with("was delivered").await;
            browser.text_with("All is well").await;
            browser.click("nav a[href$='/endpoints']").await;
            browser.text_with("Endpoints").await;
            browser.go(&format!("{}/portal/endpoints/new", server.api.base())).await;
            browser.text_with("New endpoint").await;
            browser.write("input[name=url]", &receiver.url()).await;
            browser.write("input[name=event_types]", "agent.*").await;
            browser.click("main form button").await;
            let page = browser.text_with("The endpoint is made.").await;
            assert!(page.contains("whsec_"), "the secret is told once:\n{page}");
            is_harmless(&mut browser).await;

            // The session ends here and everywhere, not only its cookie.
            let cookies = browser.devtools("Network.getAllCookies", json!({})).await["cookies"].clone();
            let cookie = cookies.as_array().expect("a list").iter().find(|it| {
                it["name"].as_str().is_some_and(|name| name.contains("portal"))
            }).expect("a session").clone();
            browser.click(".who button").await;
            browser.text_with("You are logged out").await;
            browser.go(&format!("{}/portal", server.api.base())).await;
            browser.text_with("Nobody is let in here").await;
            let copy = format!("{}={}", cookie["name"].as_str().expect("a name"), cookie["value"].as_str().expect("a value"));
            let request = reqwest::Client::new().get(format!("{}/portal", server.api.base())).header("cookie", copy);
            assert_eq!(request.send().await.expect("an answer").status(), 401, "a copy of the cookie is worth nothing");
            browser.go(&url).await;
            browser.text_with("This link opens nothing").await;
            let audit = server.api.get("/v1/audit?action=portal_link.revoke").await.expect(200);
            assert!(audit["items"][0]["who"].as_str().is_some_and(|who| who.starts_with("lnk_")), "{audit}");
        }
    }
}

/// The portal and the shared pages, with hostile texts in every field of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_texts_run_neither_in_the_portal_nor_in_what_is_shared() {
    let database = Database::fresh(Store::Sqlite).await;
    let server = Serve::on(&database).set("portal.name", "\"'><svg/onload=window.ran=1>{{7*7}}").start().await;
    let receiver = Receiver::scripted(|_| {
        let page = Reply::status(500).header("content-type", "text/html").header("x-hostile", HOSTILE_ASCII);
        page.body(format!("{{\"{{{{7*7}}}}<svg/onload=window.ran=1>\": \"{}\"}}", HOSTILE_ASCII.replace('"', "\\\"")))
    })
    .await;
    let deliveries = hostile_dead_letters(&database, &server, &receiver).await;
    let tenant = "tenant.with:every-sign_";
    let first = async |list: String| ringback_tests::api::id_of(&server.api.get(&list).await.expect(200)["items"][0]);
    let (event, endpoint) =
        (first(format!("/v1/events?tenant={tenant}")).await, first(format!("/v1/endpoints?tenant={tenant}")).await);
    let note = json!({"filter": {"status": "dead", "tenant": tenant}, "note": HOSTILE_ASCII, "rate_per_second": 0.001});
    let replay = ringback_tests::api::id_of(&server.api.post("/v1/replays", &note).await.expect(202));
    let mut shared = Vec::new();
    for delivery in &deliveries {
        let link = json!({"delivery_id": delivery, "expires_in": "1h"});
        shared.push(server.api.post("/v1/share", &link).await.expect(200)["url"].as_str().expect("a URL").to_owned());
    }
    let by_key = json!({"key": crate::dashboard::HOSTILE, "tenant": tenant, "expires_in": "1h"});
    shared.push(server.api.post("/v1/share", &by_key).await.expect(200)["url"].as_str().expect("a URL").to_owned());

    let mut browser = Browser::open().await;
    browser.go(&portal_of(&server, tenant).await).await;
    browser.text_with("destination held").await;
    let encoded = "%22%27%3E%3Csvg%2Fonload%3Dwindow.ran%3D1%3E";
    let pages = [
        String::new(),
        format!("/find?q={encoded}"),
        "/events".to_owned(),
        format!("/events/{event}"),
        "/deliveries".to_owned(),
        format!("/deliveries?key={encoded}"),
        format!("/deliveries/{}", deliveries[0]),
        format!("/deliveries/{encoded}"),
        "/endpoints".to_owned(),
        format!("/endpoints/{endpoint}"),
        "/endpoints/new".to_owned(),
        "/dead-letters".to_owned(),
        "/replays".to_owned(),
        format!("/replays/{replay}"),
        format!("/replays/new?status=dead&key={encoded}"),
        "/gaps".to_owned(),
        "/tail".to_owned(),
        format!("/open/{encoded}"),
    ];
    let pages = pages.map(|page| format!("{}/portal{page}", server.api.base()));
    let others = [format!("{}/share/{encoded}", server.api.base())];
    for width in WIDTHS {
        browser.resize(width).await;
        for page in pages.iter().chain(&shared).chain(&others) {
            browser.go(page).await;
            browser.run("document.querySelectorAll('details').forEach(it => it.open = true)").await;
            is_harmless(&mut browser).await;
            fits(&browser).await;
        }
    }
    // The texts are there, and the page that is brought up to date brings them as texts, too.
    browser.go(&shared[2]).await;
    browser.text_with("{{7*7}}").await;
    browser.go(&pages[4]).await;
    browser.text_with("{{7*7}}").await;
    browser.run("window.loaded = 1").await;
    let more = json!({"tenant": tenant, "key": format!("{HOSTILE_ASCII}-one-more")});
    server.api.emit("call.ended", b"{}", more).await;
    browser.text_with("-one-more").await;
    assert_eq!(browser.run("return window.loaded || 0").await, 1);
    is_harmless(&mut browser).await;
    // Its people cannot write anything that runs, either.
    browser.go(&pages[10]).await;
    browser.text_with("New endpoint").await;
    browser.write("input[name=url]", &format!("{}/{encoded}", receiver.url())).await;
    browser.write("input[name=event_types]", HOSTILE_ASCII).await;
    browser.write("input[name=name]", HOSTILE_ASCII).await;
    browser.click("main form button").await;
    browser.text_with("event_types").await;
    is_harmless(&mut browser).await;
    browser.go(&pages[15]).await;
    browser.write("textarea", HOSTILE_ASCII).await;
    browser.click("main form button").await;
    browser.text_with("What became of them").await;
    is_harmless(&mut browser).await;
}

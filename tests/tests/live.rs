//! Pages that are open follow what happens, without being loaded again, and lose nothing of what their reader does there.

use ringback_tests::{
    api::id_of,
    browser::Browser,
    command::ringback,
    database::Database,
    on_both_stores,
    receiver::{Gate, Receiver, Reply},
    server::{Serve, Server},
    stores::Store,
};
use serde_json::json;

use crate::dashboard::{is_harmless, logged_in};

/// The endpoint of a receiver that answers once its gate is opened, and its event's delivery.
pub(crate) async fn pending(server: &Server) -> (Receiver, Gate, String, String) {
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
pub(crate) async fn mark(browser: &Browser) {
    browser.run("window.loaded = 1").await;
}

pub(crate) async fn was_not_reloaded(browser: &Browser) {
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
        gate.open();
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
            (format!("/endpoints/{endpoint}"), "5 attempts delivered"),
            ("/".to_owned(), "6 attempts delivered"),
        ] {
            browser.go(&format!("{base}{page}")).await;
            browser.text_with("Log out").await;
            assert!(!browser.text().await.contains(told), "{page} says {told} before it happens");
            mark(&browser).await;
            let is_list = told.starts_with("call");
            if is_list {
                browser.run("document.querySelector('tbody a.key').focus()").await;
            }
            server.api.emit("call.ended", b"{}", json!({"key": if is_list { told } else { "one-more" }})).await;
            browser.text_with(told).await;
            was_not_reloaded(&browser).await;
            if is_list {
                let focus = browser.run("return [...document.querySelectorAll('tbody a.key')].indexOf(document.activeElement)").await;
                assert_eq!(focus, 1, "{page}: the focus went down with its row");
            }
        }
        receiver.wait_for(6).await;
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
        let browser = logged_in(&server).await;
        browser.text_with("Log out").await;
        let replay = json!({"filter": {"status": "dead"}, "rate_per_second": 0.5});
        let replay = id_of(&server.api.post("/v1/replays", &replay).await.expect(202));
        browser.go(&format!("{}/replays/{replay}", server.api.base())).await;
        browser.text_with("Replay running").await;
        mark(&browser).await;
        browser.text_with("Replay completed").await;
        browser.text_with("Delivered\n4").await;
        was_not_reloaded(&browser).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_logged_out_elsewhere_is_sent_to_the_login() {
    let database = Database::fresh(Store::Sqlite).await;
    let server = Serve::on(&database).start().await;
    let made = ["token", "create", "--scope", "read"];
    let token = ringback(&database, &made).await.done().trim().to_owned();
    let browser = Browser::open().await;
    browser.go(server.api.base()).await;
    browser.text_with("Log in").await;
    browser.write("#token", &token).await;
    browser.click("main button").await;
    browser.text_with("All is well").await;
    let (id, _) = token.trim_start_matches("rbk_").split_at(32);
    let told = ringback(&database, &["token", "revoke", &format!("tok_{id}")]).await.done();
    assert!(told.contains(id), "{told}");
    browser.text_with("Your session has ended").await;
}

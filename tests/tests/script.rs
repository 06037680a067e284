//! What the dashboard's script does on every page: it copies by a click, and shows times in the reader's zone.

use ringback_tests::{database::Database, server::Serve, stores::Store, until::until};
use serde_json::json;

use crate::{
    dashboard::{is_harmless, logged_in},
    live::{mark, pending, was_not_reloaded},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_commands_headers_and_links_are_copied_by_a_click() {
    let database = Database::fresh(Store::Sqlite).await;
    let server = Serve::on(&database).start().await;
    let (_receiver, gate, _, delivery) = pending(&server).await;
    gate.open();
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
    let refuse =
        "Object.defineProperty(navigator.clipboard, 'writeText', {value: () => Promise.reject(new Error('no'))})";
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
    let times =
        "return [...document.querySelectorAll('main dl time')].map(it => [it.dateTime, it.textContent, it.title])";
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

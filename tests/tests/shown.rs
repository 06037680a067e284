//! What people are shown of one story, as it is now: pages, and what the main commands print. A change of it is to be seen in
//! review; `RINGBACK_TEST_BLESS=1 tests/run -p ringback-tests shown` writes the files of `tests/snapshots/` anew.

use std::collections::HashMap;

use regex_lite::{Captures, Regex};
use ringback_tests::{
    browser::Browser,
    command::ringback,
    database::Database,
    receiver::{Receiver, Reply},
    server::{Serve, Server, TOKEN},
    snapshot::hold,
    stores::Store,
};
use serde_json::json;

/// One call was delivered, one was given up, and one event was for nobody. The dead delivery.
async fn story(server: &Server, receiver: &Receiver) -> String {
    let once = json!({"max_attempts": 1, "delays_ms": [50], "jitter": 0.0});
    let endpoint =
        json!({"key": "crm", "name": "Acme's CRM", "url": receiver.url(), "event_types": ["call.*"], "retry": once});
    server.api.endpoint(endpoint).await;
    let delivered = server.api.emit("call.ended", b"{}", json!({"key": "call-1"})).await;
    server.api.delivery_with_status(&server.api.delivery_of(&delivered).await, "delivered").await;
    receiver.answer(|_| Reply::status(503));
    let dead = server.api.emit("call.ended", b"{}", json!({"key": "call-2"})).await;
    let dead = server.api.delivery_of(&dead).await;
    server.api.delivery_with_status(&dead, "dead").await;
    server.api.emit("invoice.paid", b"{}", json!({"key": "invoice-1"})).await;
    dead
}

/// What differs from run to run is named by what it is: ids by their order, times, spans, ports, tokens of forms.
fn settled(text: &str) -> String {
    let pattern = |pattern: &str| Regex::new(pattern).expect("a pattern");
    let mut ids: HashMap<String, String> = HashMap::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    let named = pattern(r"\b(evt|dlv|ep|rpl|tok)_[0-9a-f]{32}").replace_all(text, |found: &Captures<'_>| {
        let kind = found[1].to_owned();
        let name = ids.entry(found[0].to_owned()).or_insert_with(|| {
            let number = seen.entry(kind.clone()).and_modify(|number| *number += 1).or_insert(1);
            format!("{kind}_{number}")
        });
        name.clone()
    });
    let mut text = named.into_owned();
    for (what, name) in [
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( UTC|Z)?", "TIME"),
        (r"\b\d\d:\d\d:\d\d(\.\d+)?\b", "TIME"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r#"value="[^"]{32,}""#, r#"value="TOKEN""#),
        (r"\b\d+(\.\d+)?/min\b", "RATE/min"),
        (r"\b\d+(\.\d+)? ?(µs|ms|s|min|h)\b( ago)?", "SPAN"),
        (">now</time>", ">SPAN</time>"),
        (r"v1,[A-Za-z0-9+/]{43}=", "v1,SIGNATURE"),
        (r"\b1\d{9}\b", "SECONDS"),
        (r"\w{3}, \d\d \w{3} \d{4} TIME( GMT)?", "DATE"),
        (r"<span>(dns|connect|tls|head|body) SPAN</span>\n", ""),
        (" {2,}", "  "),
    ] {
        text = pattern(what).replace_all(&text, name).into_owned();
    }
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_commands_of_one_story() {
    let database = Database::fresh(Store::Sqlite).await;
    let server = Serve::on(&database).start().await;
    let receiver = Receiver::answering(204).await;
    let dead = story(&server, &receiver).await;

    let browser = Browser::open().await;
    // What the server renders, and not what the script makes of it.
    browser.without_scripts().await;
    let page = async || {
        let html = browser.run("return document.querySelector('main').outerHTML").await;
        settled(&html.as_str().expect("a page").replace("><", ">\n<"))
    };
    browser.go(server.api.base()).await;
    browser.text_with("Log in").await;
    hold("pages/login.html", &page().await);
    browser.write("#token", TOKEN).await;
    browser.click("main button").await;
    browser.text_with("1 dead letter").await;
    hold("pages/overview.html", &page().await);
    browser.go(&format!("{}/deliveries/{dead}", server.api.base())).await;
    browser.text_with("Given up").await;
    hold("pages/delivery.html", &page().await);

    let mut told = String::new();
    for command in [
        &["find", "call-1"][..],
        &["find", "call-2"],
        &["find", "invoice-1"],
        &["deliveries"],
        &["deliveries", &dead],
        &["dead-letters"],
        &["events"],
        &["ledger"],
        &["audit"],
        &["endpoints", "list"],
        &["replay", "--status", "dead", "--dry-run"],
        &["replays"],
        &["discard", &dead],
    ] {
        let finished = ringback(&database, command).await;
        told += &format!("$ ringback {}\n{}[{}]\n\n", command.join(" "), finished.out, finished.code);
    }
    hold("told.txt", &settled(&told));
}

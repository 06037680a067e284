//! With a long history every list answers quickly, whatever it filters by and wherever its page lies. By hand and with
//! two million events it is a tenth of what is allowed here.

use std::time::{Duration, Instant};

use reqwest::Method;
use ringback_tests::{
    api::{Api, id_of},
    database::Database,
    history, on_both_stores,
    receiver::Receiver,
    server::Serve,
    stores::Store,
};
use serde_json::{Value, json};

const EVENTS: u32 = 200_000;

/// Tens of times what a page takes on a quiet machine.
const BOUND: Duration = Duration::from_secs(2);

/// A page takes at most so many times as long as one row of a list of two takes at the same moment, if that is more.
const TIMES: u32 = 40;

async fn timed(api: &Api, path: &str) -> (Value, Duration) {
    let asked = Instant::now();
    let answer = api.ask(Method::GET, path, None).await.expect("the server answers").expect(200);
    (answer, asked.elapsed())
}

/// The answer, which came in time. One that did not is asked for once more: others use the machine, too.
async fn quick(api: &Api, path: &str) -> Value {
    for _ in 0..3 {
        let (answer, took) = timed(api, path).await;
        if took < BOUND || took < timed(api, "/v1/endpoints?limit=1").await.1 * TIMES {
            return answer;
        }
    }
    panic!("{path} took longer than {BOUND:?} three times");
}

fn items(page: &Value) -> &Vec<Value> {
    page["items"].as_array().expect("a page")
}

/// All items, page after page, and how many pages they took.
async fn all(api: &Api, path: &str) -> (Vec<Value>, usize) {
    let (mut found, mut pages, mut next) = (Vec::new(), 0, path.to_owned());
    loop {
        let page = quick(api, &next).await;
        found.extend(items(&page).iter().cloned());
        pages += 1;
        let Some(cursor) = page["next_cursor"].as_str() else { return (found, pages) };
        next = format!("{path}&cursor={cursor}");
    }
}

on_both_stores! {
    async fn every_page_of_every_list_comes_quickly(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::healthy().await;
        let server = Serve::on(&database).start().await;
        let mut endpoints = Vec::new();
        for tenant in ["default", "acme"] {
            let endpoint = json!({"tenant": tenant, "url": receiver.url(), "event_types": ["*"], "enabled": false});
            endpoints.push(id_of(&server.api.endpoint(endpoint).await));
        }
        server.terminate().await;
        history::fill(&database, EVENTS).await;
        let server = Serve::on(&database).start().await;
        let api = &server.api;

        let middle = quick(api, "/v1/events?key=call-100000").await["items"][0]["accepted_at"].clone();
        let middle = middle.as_str().expect("a time");
        let endpoint = format!("endpoint_id={}", endpoints[1]);
        let filters = [
            "", "tenant=acme", "tenant=lost", "tenant=nobody", "type=rare", "type=none", "tenant=acme&type=rare",
            "key=call-100000", "key=none",
        ];
        let of_deliveries = [
            "status=pending", "status=dead", "status=delivered", "status=cancelled", "status=dead&type=rare",
            "host=127.0.0.1", "host=nowhere.example", "tenant=lost&status=pending", &endpoint,
        ];
        let of_dead_letters = ["reason=exhausted", "reason=gone", "tenant=acme&reason=gone", &endpoint];
        for (list, more) in [("events", &[] as &[&str]), ("deliveries", &of_deliveries), ("dead-letters", &of_dead_letters)] {
            for filter in filters.iter().chain(more) {
                for span in ["", &format!("&until={middle}"), &format!("&since={middle}")] {
                    let path = format!("/v1/{list}?{filter}{span}");
                    let page = quick(api, &path).await;
                    if let Some(cursor) = page["next_cursor"].as_str() {
                        quick(api, &format!("{path}&cursor={cursor}")).await;
                    }
                }
            }
        }
        quick(api, "/v1/ledger").await;

        assert_eq!(items(&quick(api, "/v1/dead-letters?key=call-21").await).len(), 1);
        assert_eq!(items(&quick(api, "/v1/deliveries?key=call-100000").await).len(), 1);
        // The rarest is found, too: at the end of a walk whose every step is bounded.
        let (lost, pages) = all(api, "/v1/events?tenant=lost").await;
        assert_eq!(lost.len(), 2);
        assert!(pages <= 30, "{pages} pages");
        let (lost, _) = all(api, "/v1/deliveries?tenant=lost").await;
        assert_eq!(lost.len(), 2);
        let (dead, _) = all(api, "/v1/dead-letters?limit=1000&tenant=default").await;
        assert_eq!(dead.len(), EVENTS as usize / 40);
    }
}

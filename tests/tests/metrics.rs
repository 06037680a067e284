//! `/metrics`: what it says is true, in both formats, also while the database is away; and what is written about it, for
//! people and for Prometheus and Grafana, names what there is.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use regex_lite::Regex;
use ringback::{
    attempt::{Conclusion, ErrorClass},
    delivery::{DeadReason, HoldReason, Status},
    event::NewEvent,
};
use ringback_tests::{
    api::{Api, id_of},
    cluster::{Cluster, Stop},
    command::ringback,
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    scraper::{Format, Page, page, scrape, yaml},
    server::Serve,
    stores::Store,
    until::until,
};
use serde_json::{Value, json};

/// What is asked of the database.
const OF_ALL: [&str; 7] = [
    "ringback_deliveries_pending",
    "ringback_dead_letters",
    "ringback_oldest_due_age_seconds",
    "ringback_oldest_due_unheld_age_seconds",
    "ringback_deliveries_held",
    "ringback_lanes_held",
    "ringback_replays_running",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The page, once the store was asked again after what happened before: it is asked at most once a second.
async fn page_when(api: &Api, what: &str, holds: impl Fn(&Page) -> bool) -> Page {
    until(what, async || {
        let page = page(api, Format::Prometheus).await;
        holds(&page).then_some(page)
    })
    .await
}

/// The names of `docs/METRICS.md`, each with its type and its labels.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let text = std::fs::read_to_string(root().join("docs/METRICS.md")).expect("it is there");
    let row = Regex::new(r"(?m)^\| `([a-z_]+)` \| ([a-z]+) \| ([^|]*)\|").expect("a pattern");
    let rows = row.captures_iter(&text).map(|row| {
        let labels = row[3].split(',').map(|label| label.trim().trim_matches('`').to_owned());
        (row[1].to_owned(), (row[2].to_owned(), labels.filter(|label| !label.is_empty()).collect()))
    });
    rows.collect()
}

/// The same of a page.
fn shown(page: &Page) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let families = page.types.iter().map(|(family, kind)| {
        // This parser takes the end of a counter's name off in both formats.
        let name = match kind.as_str() {
            "counter" => format!("{family}_total"),
            "info" => format!("{family}_info"),
            _ => family.clone(),
        };
        let of_family = page.samples.iter().filter(|sample| match kind.as_str() {
            "histogram" => sample.name == format!("{family}_count"),
            _ => sample.name == name,
        });
        let labels = of_family.flat_map(|sample| sample.labels.keys().cloned()).collect();
        (name, (kind.clone(), labels))
    });
    families.collect()
}

on_both_stores! {
    async fn every_metric_is_in_the_documentation_and_both_formats_are_what_they_say(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).set("metrics.per_endpoint", "1").start().await;
        let (receiver, down) = (Receiver::healthy().await, Receiver::answering(500).await);
        server.api.endpoint_at(&receiver.url()).await;
        let once = json!({"max_attempts": 1, "delays_ms": [50]});
        let failing = id_of(&server.api.endpoint(json!({"url": down.url(), "event_types": ["*"], "retry": once})).await);
        server.api.emit("call.ended", b"{}", json!({})).await;
        server.api.settled().await;
        let open = page(&server.api, Format::OpenMetrics).await;
        assert_eq!(shown(&open), documented());
        let of_failing = [("endpoint", failing.as_str()), ("outcome", "failed")];
        assert_eq!(open.value("ringback_endpoint_attempts_total", &of_failing), Some(1.0));
        assert_eq!(open.value("ringback_endpoint_dead_total", &of_failing[..1]), Some(1.0));
        let plain = page(&server.api, Format::Prometheus).await;
        // The older format has no such type.
        let of_older = |(kind, labels): (String, BTreeSet<String>)| {
            (if kind == "info" { "gauge".to_owned() } else { kind }, labels)
        };
        let expected: BTreeMap<_, _> = documented().into_iter().map(|(name, of)| (name, of_older(of))).collect();
        assert_eq!(shown(&plain), expected);
        let text = scrape(&server.api, Format::Prometheus).await.bytes;
        let text = String::from_utf8_lossy(&text);
        assert!(text.contains("# TYPE ringback_events_accepted_total counter\n"), "named as its samples");
        assert_eq!(plain.value("ringback_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), Some(1.0));
        assert_eq!(plain.value("ringback_shards_owned", &[]), Some(64.0));
        assert!(plain.value("process_resident_memory_bytes", &[]).is_some_and(|bytes| bytes > 1e6));
        assert!(plain.value("process_start_time_seconds", &[]).is_some_and(|start| start > 1.6e9));
    }

    async fn what_became_of_events_and_deliveries_is_counted(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let (healthy, down) = (Receiver::healthy().await, Receiver::scripted(|_| Reply::status(500)).await);
        let once = json!({"max_attempts": 1, "delays_ms": [50]});
        let endpoint = |url: String, types: &str| json!({"url": url, "event_types": [types], "retry": once});
        server.api.endpoint(endpoint(healthy.url(), "good")).await;
        let failing = id_of(&server.api.endpoint(endpoint(down.url(), "bad")).await);
        let bad = server.api.emit("bad", b"{}", json!({})).await;
        server.api.emit("good", b"{}", json!({})).await;
        server.api.emit("nobody", b"{}", json!({})).await;
        for _ in 0..2 {
            database.emit(&NewEvent::new("good", "{}").idempotency_key("once")).await;
        }
        let dead = server.api.delivery_of(&bad).await;
        server.api.delivery_with_status(&dead, "dead").await;
        server.api.post(&format!("/v1/endpoints/{failing}/pause"), &json!({})).await.expect(200);
        server.api.emit("bad", b"{}", json!({})).await;
        server.api.delete(&format!("/v1/endpoints/{failing}")).await.expect(204);
        server.api.delete(&format!("/v1/dead-letters/{dead}")).await.expect(204);
        server.api.settled().await;

        let page = page(&server.api, Format::OpenMetrics).await;
        let count = |name: &str, labels: &[(&str, &str)]| page.value(name, labels).unwrap_or(0.0);
        assert_eq!(count("ringback_events_accepted_total", &[]), 6.0);
        let states = ["routed", "unmatched", "duplicate"].map(|state| count("ringback_events_total", &[("state", state)]));
        assert_eq!(states, [4.0, 1.0, 1.0]);
        let statuses = Status::ALL.iter().map(|status| count("ringback_deliveries_total", &[("status", status.name())]));
        assert_eq!(statuses.collect::<Vec<_>>(), [4.0, 2.0, 1.0, 2.0], "{:?}", Status::NAMES);
        assert_eq!(count("ringback_dead_total", &[("reason", "exhausted")]), 1.0);
        assert_eq!(count("ringback_attempts_total", &[("outcome", "failed"), ("error", "status")]), 1.0);
        assert_eq!(count("ringback_attempt_duration_seconds_count", &[("outcome", "delivered")]), 2.0);
        assert_eq!(count("ringback_first_attempt_delay_seconds_count", &[]), 3.0);
        assert_eq!(count("ringback_delivery_duration_seconds_count", &[]), 2.0);
        assert!(count("ringback_store_duration_seconds_count", &[("statement", "record")]) >= 1.0);
        let emits = [("route", "/v1/events"), ("status", "202")];
        assert_eq!(count("ringback_http_request_duration_seconds_count", &emits), 4.0);
        server.api.get("/no/such/page").await.expect(404);
        let page = ringback_tests::scraper::page(&server.api, Format::OpenMetrics).await;
        let strange = [("route", "unmatched"), ("status", "404")];
        assert_eq!(page.value("ringback_http_request_duration_seconds_count", &strange), Some(1.0));
    }

    async fn what_waits_for_somebody_else_is_told_apart(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let endpoint = server.api.endpoint_at(&receiver.url()).await;
        server.api.post(&format!("/v1/endpoints/{endpoint}/pause"), &json!({})).await.expect(200);
        for _ in 0..3 {
            server.api.emit("call.ended", b"{}", json!({})).await;
        }
        let paused = [("reason", "paused")];
        let page = page_when(&server.api, "the paused ones are told", |page| {
            page.value("ringback_deliveries_held", &paused) == Some(3.0)
        })
        .await;
        assert_eq!(page.value("ringback_lanes_held", &paused), Some(1.0));
        assert_eq!(page.value("ringback_lanes_held", &[("reason", "failing")]), Some(0.0));
        assert_eq!(page.value("ringback_deliveries_pending", &[]), Some(3.0));
        assert!(page.value("ringback_oldest_due_age_seconds", &[]).is_some_and(|age| age > 0.0));
        assert_eq!(page.value("ringback_oldest_due_unheld_age_seconds", &[]), Some(0.0), "a paused endpoint pages nobody");
    }

    async fn alerts_and_the_dashboard_ask_for_what_there_is(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        server.api.get("/healthz").await.expect(200);
        let page = page(&server.api, Format::Prometheus).await;
        let mut asked = 0;
        for query in queries().await {
            asked += 1;
            check(&query, &page);
        }
        assert!(asked > 30, "{asked} queries");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_outlives_the_database() {
    let mut cluster = Cluster::start().await;
    let database = Database::of(&cluster);
    let server = Serve::on(&database).start().await;
    let token = ringback(&database, &["token", "create", "--scope", "read"]).await.done();
    let stored = server.api.with_token(token.trim());
    let receiver = Receiver::healthy().await;
    server.api.endpoint_at(&receiver.url()).await;
    server.api.emit("call.ended", b"{}", json!({})).await;
    server.api.settled().await;
    for api in [&server.api, &stored] {
        let page = page_when(api, "the store answers", |page| page.value("ringback_store_up", &[]) == Some(1.0)).await;
        for name in OF_ALL {
            assert!(page.samples.iter().any(|sample| sample.name == name), "{name}");
        }
    }

    cluster.stop(Stop::Fast);
    for api in [&server.api, &stored] {
        let page =
            page_when(api, "its absence is told", |page| page.value("ringback_store_up", &[]) == Some(0.0)).await;
        for name in OF_ALL {
            assert!(page.samples.iter().all(|sample| sample.name != name), "nobody knows {name}");
        }
        assert_eq!(page.value("ringback_deliveries_total", &[("status", "delivered")]), Some(1.0));
    }
    stored.get("/v1/ledger").await.expect(503);

    cluster.go_on().await;
    page_when(&stored, "the store is back", |page| page.value("ringback_store_up", &[]) == Some(1.0)).await;
}

/// Every query of the alert rules and of the dashboard.
async fn queries() -> Vec<String> {
    let alerts = yaml(&root().join("deploy/prometheus/alerts.yml")).await;
    let groups = alerts["groups"].as_array().expect("groups");
    let rules: Vec<_> = groups.iter().flat_map(|group| group["rules"].as_array().expect("rules")).collect();
    let mut names = BTreeSet::new();
    for rule in &rules {
        assert!(names.insert(rule["alert"].as_str().expect("a name")), "{rule}");
        assert!(["critical", "warning", "info"].contains(&rule["labels"]["severity"].as_str().expect("a severity")));
        let (side, severity) = (&rule["labels"]["side"], &rule["labels"]["severity"]);
        assert!(side == "us" || (side == "them" && severity != "critical"), "receivers page nobody: {rule}");
        assert!(rule["annotations"]["summary"].is_string(), "{rule}");
    }
    let of_rules = rules.iter().map(|rule| rule["expr"].clone());
    let dashboard = std::fs::read_to_string(root().join("deploy/grafana/ringback.json")).expect("it is there");
    let dashboard: Value = serde_json::from_str(&dashboard).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let of_panels =
        panels.filter_map(|panel| panel["targets"].as_array()).flatten().map(|target| target["expr"].clone());
    let all: Vec<_> = of_rules.chain(of_panels).collect();
    all.into_iter().map(|query| query.as_str().expect("a query").to_owned()).collect()
}

/// Labels that Prometheus adds to what it scrapes.
const ADDED: [&str; 2] = ["job", "instance"];

/// Holds the names, labels and values of labels in a query against a page.
fn check(query: &str, page: &Page) {
    let pattern = |pattern| Regex::new(pattern).expect("a pattern");
    let mut known: BTreeSet<&str> = ADDED.into();
    let name = pattern(r"\b((?:ringback|process)_[a-z_]+)(?:\{([^}]*)\})?");
    let matcher = pattern(r#"([a-z_]+)\s*(?:=~|!~|!=|=)\s*"([^"]*)""#);
    for found in name.captures_iter(query) {
        let labels = page.labels_of(found.get(1).expect("a name").as_str());
        assert!(page.samples.iter().any(|sample| sample.name == found[1]), "{} in {query}", &found[1]);
        let matchers = found.get(2).map_or("", |it| it.as_str());
        for found in matcher.captures_iter(matchers) {
            assert!(labels.contains(&found[1]) || ADDED.contains(&&found[1]), "{} in {query}", &found[1]);
            if !found[2].starts_with('$') {
                found[2].split('|').for_each(|value| assert!(is_value(&found[1], value), "{value} in {query}"));
            }
        }
        known.extend(labels);
    }
    for grouped in pattern(r"\bby \(([^)]*)\)").captures_iter(query) {
        for label in grouped[1].split(',').map(str::trim) {
            assert!(known.contains(label), "{label} in {query}");
        }
    }
}

fn is_value(label: &str, value: &str) -> bool {
    match label {
        "outcome" => Conclusion::NAMES.contains(&value),
        "error" => ErrorClass::NAMES.contains(&value),
        "status" => Status::NAMES.contains(&value),
        "reason" => DeadReason::NAMES.contains(&value) || HoldReason::NAMES.contains(&value),
        _ => false,
    }
}

/// A check that cannot fail is no check.
#[test]
fn a_query_for_what_there_is_not_is_found() {
    let labels = BTreeMap::from([("outcome".to_owned(), "failed".to_owned())]);
    let sample = ringback_tests::scraper::Sample { name: "ringback_attempts_total".to_owned(), labels, value: 1.0 };
    let page = Page { types: BTreeMap::new(), samples: vec![sample] };
    check(r#"sum by (job, outcome) (rate(ringback_attempts_total{job=~"$job", outcome="failed"}[5m])) > 0"#, &page);
    for wrong in [
        "rate(ringback_attempt_total[5m])",
        r#"ringback_attempts_total{result="failed"}"#,
        r#"ringback_attempts_total{outcome="broken"}"#,
        "sum by (tenant) (ringback_attempts_total)",
    ] {
        assert!(std::panic::catch_unwind(|| check(wrong, &page)).is_err(), "{wrong}");
    }
}

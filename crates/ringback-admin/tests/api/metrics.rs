//! Figures: of the whole, and of one endpoint.

use std::{collections::BTreeMap, time::Duration};

use http::{Method, StatusCode, header};
use ringback::{delivery::DeadReason, store::Settlement};
use serde_json::json;

use crate::app::{App, BOUND_TOKEN, EMIT_TOKEN, READ_TOKEN};

/// Every sample by its name and labels.
async fn figures(app: &App) -> BTreeMap<String, f64> {
    let answer = app.call_as(READ_TOKEN, Method::GET, "/metrics", "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.header(header::CONTENT_TYPE).starts_with("text/plain; version=0.0.4"));
    let text = std::str::from_utf8(&answer.body).unwrap();
    let mut samples = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        let family = name.split('{').next().unwrap();
        assert!(text.contains(&format!("# TYPE {family} ")), "{family}");
        assert!(samples.insert(name.to_owned(), value.parse().unwrap()).is_none(), "{name}");
    }
    samples
}

#[tokio::test]
async fn what_waits_is_told() {
    let app = App::new().await;
    let empty = figures(&app).await;
    let zeros: Vec<_> = [
        "ringback_deliveries_pending",
        "ringback_events_accepted_total",
        "ringback_lanes_held",
        "ringback_oldest_due_age_seconds",
        "ringback_requests_open",
    ]
    .map(|name| (name.to_owned(), 0.0))
    .to_vec();
    assert_eq!(empty.into_iter().collect::<Vec<_>>(), zeros);
    let id = app.endpoint("a").await;
    app.endpoint("b").await;
    app.event("x").await;
    app.post(&format!("/v1/endpoints/{id}/pause"), json!({})).await.is(StatusCode::OK);
    let same = json!({"type": "x", "payload": 1, "idempotency_key": "once"});
    for _ in 0..2 {
        app.post("/v1/events", same.clone()).await;
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    let figures = figures(&app).await;
    assert_eq!(figures["ringback_events_accepted_total"], 2.0, "a duplicate stores nothing");
    assert_eq!(figures["ringback_deliveries_pending"], 4.0);
    assert_eq!(figures["ringback_lanes_held"], 1.0);
    let age = figures["ringback_oldest_due_age_seconds"];
    assert!((0.01..600.0).contains(&age), "{age}");
}

#[tokio::test]
async fn figures_of_all_are_for_readers_of_all() {
    let app = App::new().await;
    for token in [EMIT_TOKEN, BOUND_TOKEN] {
        app.call_as(token, Method::GET, "/metrics", "").await.refused(StatusCode::FORBIDDEN);
    }
    app.call_as("nobody's", Method::GET, "/metrics", "").await.refused(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_endpoint_tells_how_its_receiver_has_done_lately() {
    let app = App::new().await;
    let id = app.endpoint("a").await;
    let outcomes = [
        (Settlement::Delivered, 200),
        (Settlement::Retry { after: Duration::from_secs(60) }, 503),
        (Settlement::Dead { reason: DeadReason::Exhausted, detail: None, blocks: false }, 500),
    ];
    for (settlement, status) in outcomes {
        let (_, delivery) = app.delivery().await;
        app.settle(delivery, settlement, status).await;
    }
    let shown = app.get(&format!("/v1/endpoints/{id}")).await.is(StatusCode::OK);
    assert_eq!(shown["last_24h"], json!({"delivered": 1, "failed": 2, "p50_ms": 1.5, "p99_ms": 1.5}));
}

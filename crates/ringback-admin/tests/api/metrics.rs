//! Figures: of the whole, and of one endpoint.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use axum::{Router, body::Body};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use ringback::{
    Engine,
    audit::{Actor, Who},
    operate::tokens::NewToken,
    store::SharedStore,
};
use ringback_admin::Scope;
use ringback_testkit::{Fault, Faulty};
use serde_json::json;
use tower::ServiceExt as _;

use crate::app::{App, BOUND_TOKEN, EMIT_TOKEN, READ_TOKEN, options};

/// Every sample by its name and labels.
async fn figures(app: &App) -> BTreeMap<String, f64> {
    let answer = app.call_as(READ_TOKEN, Method::GET, "/metrics", "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.header(header::CONTENT_TYPE).starts_with("text/plain; version=0.0.4"));
    let text = std::str::from_utf8(&answer.body).unwrap();
    let mut samples = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(samples.insert(name.to_owned(), value.parse().unwrap()).is_none(), "{name}");
    }
    samples
}

/// After this long the store is asked again.
const A_SECOND: Duration = Duration::from_millis(1_050);

/// The figures after what happened until now: the store is asked at most once a second.
async fn figures_a_second_later(app: &App) -> BTreeMap<String, f64> {
    tokio::time::sleep(A_SECOND).await;
    figures(app).await
}

#[tokio::test]
async fn what_waits_is_told() {
    let app = App::new().await;
    let empty = figures(&app).await;
    for name in [
        "ringback_deliveries_pending",
        "ringback_dead_letters",
        "ringback_events_accepted_total",
        "ringback_lanes_held{reason=\"paused\"}",
        "ringback_oldest_due_age_seconds",
        "ringback_oldest_due_unheld_age_seconds",
        "ringback_replays_running",
        "ringback_requests_open",
        "ringback_shards_owned",
    ] {
        assert_eq!(empty[name], 0.0, "{name}");
    }
    let id = app.endpoint("a").await;
    app.endpoint("b").await;
    app.event("x").await;
    app.post(&format!("/v1/endpoints/{id}/pause"), json!({})).await.is(StatusCode::OK);
    let same = json!({"type": "x", "payload": 1, "idempotency_key": "once"});
    for _ in 0..2 {
        app.post("/v1/events", same.clone()).await;
    }
    let figures = figures_a_second_later(&app).await;
    assert_eq!(figures["ringback_events_accepted_total"], 2.0, "a duplicate stores nothing");
    assert_eq!(figures["ringback_deliveries_total{status=\"pending\"}"], 4.0);
    assert_eq!(figures["ringback_deliveries_pending"], 4.0);
    assert_eq!(figures["ringback_lanes_held{reason=\"paused\"}"], 1.0);
    assert_eq!(figures["ringback_deliveries_held{reason=\"paused\"}"], 2.0);
    for age in ["ringback_oldest_due_age_seconds", "ringback_oldest_due_unheld_age_seconds"] {
        assert!((0.01..600.0).contains(&figures[age]), "nothing is sent here: {age} {}", figures[age]);
    }
}

/// An engine whose store fails as a test wants it to, and its router.
async fn on_faulty_store(app: &App) -> (std::sync::Arc<Faulty>, Router) {
    let faulty = Faulty::around(SharedStore::clone(&app.store));
    let engine = Engine::open(faulty.clone(), app.engine.settings().clone()).await.unwrap();
    (faulty, ringback_admin::router(engine, options()))
}

async fn scrape(router: &Router, token: &str) -> (StatusCode, String) {
    let request = Request::get("/metrics").header(header::AUTHORIZATION, format!("Bearer {token}"));
    let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = answer.status();
    (status, String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().into()).unwrap())
}

/// Far beyond the half second that a page waits, and far below the deadline of a question.
const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_database_that_never_answers_costs_the_gauges_and_not_the_page() {
    let app = App::new().await;
    let (faulty, router) = on_faulty_store(&app).await;
    assert!(scrape(&router, READ_TOKEN).await.1.contains("\nringback_store_up 1\n"));
    tokio::time::sleep(A_SECOND).await;
    faulty.next("oldest_due", [Fault::Hangs]);
    let begun = Instant::now();
    for _ in 0..3 {
        let (status, page) = scrape(&router, READ_TOKEN).await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("\nringback_store_up 0\n") && page.contains("\nringback_events_accepted_total 0\n"));
        assert!(!page.contains("ringback_deliveries_pending"), "nobody knows");
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!(faulty.count("backlog"), 2, "the store is not asked again while it has not answered");
}

#[tokio::test]
async fn the_store_is_asked_at_most_once_a_second_by_however_many() {
    let app = App::new().await;
    let (faulty, router) = on_faulty_store(&app).await;
    let begun = Instant::now();
    for _ in 0..4 {
        let pages = futures_util::future::join_all((0..25).map(|_| scrape(&router, READ_TOKEN))).await;
        for (_, page) in pages {
            assert!(page.contains("\nringback_store_up 1\n"), "{page}");
        }
    }
    let looks = faulty.count("backlog");
    assert!(looks <= 1 + begun.elapsed().as_secs(), "{looks} looks within {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_store_that_fails_is_told_and_asked_again() {
    let app = App::new().await;
    let (faulty, router) = on_faulty_store(&app).await;
    for (up, fault) in [(1, None), (0, Some(Fault::Unreached)), (0, Some(Fault::Panics)), (1, None)] {
        faulty.next("backlog", fault);
        let (_, page) = scrape(&router, READ_TOKEN).await;
        assert!(page.contains(&format!("\nringback_store_up {up}\n")), "{page}");
        tokio::time::sleep(A_SECOND).await;
    }
}

#[tokio::test]
async fn a_stored_token_that_was_valid_lately_opens_the_page_while_the_store_is_away() {
    let app = App::new().await;
    let (faulty, router) = on_faulty_store(&app).await;
    let by = Actor::from(Who::Host(None));
    let mut made = Vec::new();
    for expires_in in [None, Some(Duration::from_secs(2)), None] {
        let new = NewToken { scope: Scope::Read, tenant: None, name: None, expires_in };
        made.push(app.engine.create_token(new, &by).await.unwrap().1.expose());
    }
    for token in &made[..2] {
        assert_eq!(scrape(&router, token).await.0, StatusCode::OK);
    }
    // Until the first look-ups are used no longer, and the second token has expired.
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let begun = Instant::now();
    for fault in [Fault::Hangs, Fault::Unreached] {
        let mut statuses = Vec::new();
        for token in &made {
            faulty.next("valid_token", [fault]);
            statuses.push(scrape(&router, token).await.0.as_u16());
        }
        assert_eq!(statuses, [200, 503, 503], "valid, expired, never seen");
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    faulty.next("valid_token", [Fault::Unreached]);
    let request = Request::get("/v1/ledger").header(header::AUTHORIZATION, format!("Bearer {}", made[0]));
    let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "nothing else believes an older word");
}

#[tokio::test]
async fn requests_are_told_by_route_whatever_path_they_ask_for_and_wherever_the_router_is() {
    let app = App::new().await;
    let options = options().base_path("/hooks").unwrap().alone();
    let router = ringback_admin::router(app.engine.clone(), options);
    let ask = async |path: &str| {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {READ_TOKEN}"));
        let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
    };
    for path in ["/hooks/v1/events/evt_1", "/hooks/v1/events/evt_2", "/hooks/a", "/hooks/b/c", "/elsewhere"] {
        ask(path).await;
    }
    let page = ask("/hooks/metrics").await;
    for (route, count) in [("/v1/events/{id}", 2), ("unmatched", 3)] {
        let sample =
            format!("ringback_http_request_duration_seconds_count{{route=\"{route}\",status=\"404\"}} {count}");
        assert!(page.lines().any(|line| line == sample), "{sample}\n{page}");
    }
    assert!(!page.contains("evt_") && !page.contains("elsewhere"), "{page}");
}

#[tokio::test]
async fn figures_of_all_are_for_readers_of_all() {
    let app = App::new().await;
    for token in [EMIT_TOKEN, BOUND_TOKEN] {
        app.call_as(token, Method::GET, "/metrics", "").await.refused(StatusCode::FORBIDDEN);
    }
    app.call_as("nobody's", Method::GET, "/metrics", "").await.refused(StatusCode::UNAUTHORIZED);
}

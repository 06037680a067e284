//! Health, readiness and the ledger.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;

use crate::app::App;

#[tokio::test]
async fn health_and_readiness_need_no_token() {
    let app = App::new().await;
    for path in ["/healthz", "/readyz"] {
        app.send(Request::get(path).body(Body::empty()).unwrap()).await.is(StatusCode::OK);
    }
}

#[tokio::test]
async fn the_ledger_balances() {
    let app = App::new().await;
    app.event("nobody-wants-it").await;
    app.endpoint("a").await;
    app.endpoint("b").await;
    app.event("x").await;
    let ledger = app.get("/v1/ledger").await.is(StatusCode::OK);
    assert_eq!(
        ledger.0,
        json!({
            "events": {"accepted": 2, "unrouted": 0, "duplicate": 0, "unmatched": 1, "routed": 1},
            "deliveries": {"owed": 2, "pending": 2, "delivered": 0, "dead": 0, "cancelled": 0},
        })
    );
    let other = app.get("/v1/ledger?tenant=acme").await.is(StatusCode::OK);
    assert_eq!(other["events"]["accepted"], 0);
}

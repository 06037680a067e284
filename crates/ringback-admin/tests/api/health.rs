//! Health, readiness and the ledger.

use axum::body::Body;
use http::{Request, StatusCode, header};
use ringback::event::NewEvent;
use serde_json::json;
use tokio::sync::oneshot;

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

#[tokio::test]
async fn while_another_process_holds_the_database_a_write_is_a_503_and_later_succeeds() {
    let app = App::new().await;
    let other = app.other_process().await;
    let (held, is_held) = oneshot::channel();
    let (release, released) = oneshot::channel::<()>();
    let holder = tokio::spawn(async move {
        other
            .write(|tx| {
                Box::pin(async move {
                    ringback_sqlite::emit(tx, &NewEvent::new("x", "1")).await?;
                    held.send(()).unwrap();
                    released.await.unwrap();
                    Ok::<_, ringback::store::Error>(())
                })
            })
            .await
    });
    is_held.await.unwrap();
    let event = || app.post("/v1/events", json!({"type": "x", "payload": 1}));
    let answer = event().await;
    assert_eq!(answer.refused(StatusCode::SERVICE_UNAVAILABLE).0, "store_unavailable");
    assert_eq!(answer.header(header::RETRY_AFTER), "1");
    app.get("/v1/events").await.is(StatusCode::OK);
    release.send(()).unwrap();
    holder.await.unwrap().unwrap();
    event().await.is(StatusCode::ACCEPTED);
}

//! Clocks that are wrong: what is too old goes by the database's, and nothing goes while one of them may be wrong.

use std::time::Duration;

use ringback::{Engine, Settings, id::EventId, operate::clocks::ClockDoubt, store::SharedStore, time::Timestamp};
use ringback_tests::{
    api::{count, id_of},
    database::Database,
    embedded::Embedded,
    on_both_stores,
    stores::Store,
    until::until,
};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Where the engine notes down when somebody last kept house.
const NOTE: &str = "upkeep_clock";

/// A note of a round, so long ago.
async fn note(store: &SharedStore, ago: Duration) {
    let seen = (store.clock().await.expect("it answers") - ago).micros();
    let text = json!({"seen": seen, "believed_from": null}).to_string();
    store.put_setting(NOTE, text.as_bytes()).await.expect("it is noted");
}

/// What is held expires as soon as somebody keeps house.
fn impatient(settings: &mut Settings) {
    settings.retention.expires_after = Duration::ZERO;
}

/// A delivery that is held, because its endpoint is paused.
async fn held(host: &Embedded) -> String {
    let endpoint = json!({"url": "https://hooks.example.com/a", "event_types": ["*"]});
    let endpoint = id_of(&host.api.post("/v1/endpoints", &endpoint).await.expect(201));
    host.api.post(&format!("/v1/endpoints/{endpoint}/pause"), &json!({})).await;
    let event = host.api.emit("call.ended", b"{}", json!({})).await;
    host.api.delivery_of(&event).await
}

async fn doubt(engine: &Engine) -> ClockDoubt {
    until("the clocks are doubted", async || engine.clock_doubt()).await
}

/// Waits until the engine has looked at the clocks twice more, so that one whole round lies between.
async fn two_more_looks(engine: &Engine) {
    for _ in 0..2 {
        let before = engine.clock_doubt();
        until("the engine looks again", async || (engine.clock_doubt() != before).then_some(())).await;
    }
}

async fn status(host: &Embedded, delivery: &str) -> Value {
    host.api.get(&format!("/v1/deliveries/{delivery}")).await.expect(200)["status"].clone()
}

on_both_stores! {
    async fn a_clock_that_has_jumped_by_days_drops_nothing_until_it_is_believed(store: Store) {
        let database = Database::fresh(store).await;
        let host = Embedded::start(&database, impatient).await;
        until("somebody has kept house", async || host.store.setting(NOTE).await.expect("it answers")).await;
        note(&host.store, DAY * 3).await;
        match doubt(&host.engine).await {
            ClockDoubt::Jumped { database, until } => assert_eq!(until.since(database), DAY),
            other => panic!("{other:?}"),
        }
        let delivery = held(&host).await;
        two_more_looks(&host.engine).await;
        assert_eq!(status(&host, &delivery).await, "pending");
        // Somebody has kept house since: it has not jumped.
        note(&host.store, Duration::ZERO).await;
        host.api.delivery_with_status(&delivery, "dead").await;
        assert_eq!(host.engine.clock_doubt(), None);
    }

    async fn a_step_of_housekeeping_that_fails_keeps_no_other_from_being_done(store: Store) {
        let database = Database::fresh(store).await;
        let host = Embedded::start(&database, |settings| settings.retention.events = Duration::ZERO).await;
        // Long before the audit log's turn, what is to be forgotten is away.
        let (table, away) = match store {
            Store::Postgres => ("ringback.idempotency", "away"),
            Store::Sqlite => ("ringback_idempotency", "ringback_away"),
        };
        let rename = sqlx::AssertSqlSafe(format!("alter table {table} rename to {away}"));
        match store {
            Store::Postgres => drop(sqlx::query(rename).execute(&mut database.postgres().await).await.expect("renamed")),
            Store::Sqlite => drop(sqlx::query(rename).execute(&mut database.sqlite().await).await.expect("renamed")),
        }
        held(&host).await;
        until("what was changed is forgotten", async || {
            let audit = host.api.get("/v1/audit").await.expect(200);
            audit["items"].as_array().is_some_and(Vec::is_empty).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_clock_is_100_days_ahead_drops_nothing_and_its_events_are_of_today() {
    let database = Database::fresh(Store::Postgres).await;
    drop(Embedded::idle(&database).await);
    sqlx::query("delete from ringback.setting").execute(&mut database.postgres().await).await.expect("a new key");
    database.set_clock("- interval '100 days'").await;
    let host = Embedded::start(&database, impatient).await;
    match doubt(&host.engine).await {
        ClockDoubt::Apart { node, database } => assert_eq!((node.since(database) + DAY / 2).as_secs() / 86_400, 100),
        other => panic!("{other:?}"),
    }
    let delivery = held(&host).await;
    let event = host.api.get(&format!("/v1/deliveries/{delivery}")).await.expect(200)["event_id"].clone();
    let event: EventId = event.as_str().expect("an id").parse().expect("an id");
    let today = host.store.clock().await.expect("it answers");
    assert!(today.since(event.accepted_at()) < DAY / 2, "{} is of {}", event, event.accepted_at());
    assert!(Timestamp::now().since(event.accepted_at()) > DAY * 99);
    two_more_looks(&host.engine).await;
    assert_eq!(status(&host, &delivery).await, "pending");
    let ledger = host.api.get("/v1/ledger").await.expect(200);
    assert_eq!(count(&ledger["deliveries"]["pending"]), 1);
    database.set_clock("").await;
    host.api.delivery_with_status(&delivery, "dead").await;
    assert_eq!(host.engine.clock_doubt(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_whose_clock_is_set_back_refuses_one_event_at_most() {
    let database = Database::fresh(Store::Postgres).await;
    let host = Embedded::start(&database, |_| {}).await;
    host.api.emit("call.ended", b"1", json!({})).await;
    database.set_clock("- interval '1 hour'").await;
    // An id of this one's time would lie ahead of the database's clock.
    let answer = host.api.post("/v1/events", &json!({"type": "call.ended", "payload": 2})).await;
    // Unless the engine has looked at the clocks just now. The same request succeeds later, and its caller is told so.
    if answer.status != 202 {
        answer.expect_problem(503, "store_unavailable");
    }
    host.api.emit("call.ended", b"3", json!({})).await;
}

//! Promise 4: nothing vanishes, also after `kill -9` and when the database drops every connection.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use reqwest::Method;
use ringback::event::NewEvent;
use ringback_tests::{
    api::Api,
    crashed::seen_but_not_recorded,
    database::Database,
    on_both_stores,
    receiver::{Arrived, Receiver, Reply},
    server::Serve,
    stores::Store,
    until::{until, until_within},
};
use serde_json::json;
use tokio::sync::watch;

/// As many as issue after issue is measured by.
const EVENTS: usize = 5_000;
/// Of those, emitted inside a transaction of the platform's own rather than by HTTP.
const BY_TRANSACTION: usize = 500;
const KILLS: usize = 3;
const BATCH: usize = 30;

/// A debug build on a busy machine of two cores, three restarts and three leases that have to run out.
const PATIENCE: Duration = Duration::from_secs(240);

/// Posts the events numbered `from..to`, each until some server has accepted it. The number is payload and
/// idempotency key, so that a request whose answer was lost can be asked again.
async fn post(mut servers: watch::Receiver<Api>, from: usize, to: usize) {
    for start in (from..to).step_by(BATCH) {
        let event =
            |number: usize| json!({"type": "call.ended", "payload": number, "idempotency_key": number.to_string()});
        let batch = json!({"events": (start..to.min(start + BATCH)).map(event).collect::<Vec<_>>()}).to_string();
        loop {
            let api = servers.borrow_and_update().clone();
            match api.ask(Method::POST, "/v1/events/batch", Some(batch.clone().into())).await {
                Ok(answer) if answer.status.is_success() => break,
                Ok(answer) if answer.status.is_server_error() => {}
                Ok(answer) => panic!("{}: {}", answer.status, String::from_utf8_lossy(&answer.bytes)),
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Emits the events numbered `from..to` past the server, whether one runs or not.
async fn emit(database: &Database, from: usize, to: usize) {
    for number in from..to {
        database.emit(&NewEvent::new("call.ended", number.to_string())).await;
    }
}

on_both_stores! {
    async fn of_five_thousand_events_with_three_kills_in_the_middle_none_is_lost(store: Store) {
        let database = Database::fresh(store).await;
        let serve = || Serve::on(&database).set("lease", "3s").start();
        let mut server = serve().await;
        let receiver = Receiver::scripted(|_| Reply::status(204).after(Duration::from_millis(4))).await;
        let endpoint = json!({"url": receiver.url(), "event_types": ["*"], "max_in_flight": 32});
        server.api.endpoint(endpoint).await;

        let (current, servers) = watch::channel(server.api.clone());
        let by_http = EVENTS - BY_TRANSACTION;
        let posters = [0, 1, 2].map(|part| {
            tokio::spawn(post(servers.clone(), by_http * part / 3, by_http * (part + 1) / 3))
        });
        let mut may_repeat: HashMap<String, usize> = HashMap::new();
        let crashing = async {
            for kill in 1..=KILLS {
                receiver.wait_within(PATIENCE, EVENTS * kill / (KILLS + 1)).await;
                server.kill().await;
                assert!(receiver.count() < EVENTS, "the kill must come in the middle");
                until("the receiver is done with it", async || (receiver.open() == 0).then_some(())).await;
                for event in seen_but_not_recorded(&database, &receiver).await {
                    *may_repeat.entry(event).or_default() += 1;
                }
                server = serve().await;
                current.send_replace(server.api.clone());
            }
            server
        };
        let (server, ()) = tokio::join!(crashing, emit(&database, by_http, EVENTS));
        for poster in posters {
            poster.await.expect("no panic");
        }

        until_within(PATIENCE, "everything is delivered", async || {
            let ledger = server.api.balanced_ledger().await;
            (ledger["deliveries"]["delivered"] == EVENTS).then_some(())
        })
        .await;
        let arrived = receiver.arrived_when_settled(&server.api).await;
        let numbers: HashSet<_> = arrived.iter().map(|request| request.body.clone()).collect();
        assert_eq!(numbers.len(), EVENTS, "every event has arrived");
        let ledger = server.api.balanced_ledger().await;
        assert_eq!(ledger["events"]["accepted"], EVENTS, "and none was made twice: {ledger}");

        let mut sent: HashMap<String, usize> = HashMap::new();
        for request in &arrived {
            *sent.entry(request.id().to_owned()).or_default() += 1;
        }
        assert_eq!(sent.len(), EVENTS);
        for (event, times) in sent {
            let allowed = 1 + may_repeat.get(&event).copied().unwrap_or_default();
            assert!(times <= allowed, "{event} was sent {times} times; a crash explains {allowed}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_drops_every_connection_again_and_again_loses_nothing() {
    const ALL: usize = 600;
    let database = Database::fresh(Store::Postgres).await;
    let server = Serve::on(&database).start().await;
    let receiver = Receiver::scripted(|_| Reply::status(204).after(Duration::from_millis(20))).await;
    server.api.endpoint_at(&receiver.url()).await;
    let (_current, servers) = watch::channel(server.api.clone());
    let posting = tokio::spawn(post(servers, 0, ALL));
    for part in 1..=5 {
        receiver.wait_within(PATIENCE, ALL * part / 6).await;
        let cut = "select pg_terminate_backend(pid) from pg_stat_activity
                   where datname = current_database() and pid <> pg_backend_pid()";
        sqlx::raw_sql(cut).execute(&mut database.postgres().await).await.expect("cut");
    }
    posting.await.expect("no panic");
    until_within(PATIENCE, "everything is delivered", async || {
        let answer = server.api.get("/v1/ledger").await;
        (answer.status == 200 && answer.expect(200)["deliveries"]["delivered"] == ALL).then_some(())
    })
    .await;
    let numbers: HashSet<_> = receiver.arrived().iter().map(|request| request.body.clone()).collect();
    assert_eq!(numbers.len(), ALL);
    assert_eq!(server.api.balanced_ledger().await["events"]["accepted"], ALL);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_the_server_says_so_and_afterwards_goes_on() {
    let database = Database::fresh(Store::Postgres).await;
    let server = Serve::on(&database).start().await;
    let receiver = Receiver::healthy().await;
    server.api.endpoint_at(&receiver.url()).await;
    let name = database.url().rsplit('/').next().expect("a name").to_owned();
    let mut elsewhere = database.another_database().await;
    let allow = |on: bool| sqlx::AssertSqlSafe(format!("alter database {name} allow_connections {on}"));
    sqlx::raw_sql(allow(false)).execute(&mut elsewhere).await.expect("closed");
    let cut = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
    sqlx::raw_sql(sqlx::AssertSqlSafe(cut)).execute(&mut elsewhere).await.expect("cut");

    until("it is not ready", async || (server.api.get("/readyz").await.status == 503).then_some(())).await;
    server.api.get("/healthz").await.expect(200);
    let refused = server.api.post("/v1/events", &json!({"type": "t", "payload": 1})).await;
    assert_eq!(refused.status, 503, "{}", String::from_utf8_lossy(&refused.bytes));

    sqlx::raw_sql(allow(true)).execute(&mut elsewhere).await.expect("opened");
    until("it is ready again", async || (server.api.get("/readyz").await.status == 200).then_some(())).await;
    let event = server.api.emit("t", b"2", json!({})).await;
    let requests = receiver.arrived_when_settled(&server.api).await;
    assert_eq!(requests.iter().map(Arrived::id).collect::<Vec<_>>(), [event]);
}

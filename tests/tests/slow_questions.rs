//! Promises 12 and 15, while one node's API is asked more slow questions than it has connections for: it obeys what was
//! changed through another node, and takes what is emitted. Only PostgreSQL has connections that could be used up.

use std::time::Duration;

use futures_util::future::join_all;
use ringback_tests::{
    api::Api,
    command::ringback,
    database::Database,
    fleet::{Fleet, PROMISED, is_probe},
    receiver::{Receiver, Reply},
    server::Serve,
    stores::Store,
    until::until,
};
use serde_json::json;
use sqlx::{Connection as _, Executor as _};
use tokio::time::Instant;

/// More questions than a node has connections for them.
const QUESTIONS: usize = 12;

/// Between two tries of the same delivery: what should have stopped shows itself at this rate.
const AGAIN_MS: u64 = 150;

/// For how long receivers are watched after a pause must have been obeyed: some tries.
const WATCHED: Duration = Duration::from_millis(700);

/// For how long events are emitted while the questions wait: longer than a question waits for a lock.
const EMITTED_FOR: Duration = Duration::from_secs(5);

/// How many statements wait for a lock in the database.
async fn waiting(database: &Database) -> i64 {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    sqlx::query_scalar(count).fetch_one(&mut database.postgres().await).await.expect("its user may")
}

/// As many questions as wait at a time, each asked again when it was answered.
fn ask_for_ever(api: &Api, path: &'static str) -> tokio::task::JoinSet<()> {
    let mut questions = tokio::task::JoinSet::new();
    for _ in 0..QUESTIONS {
        let api = api.clone();
        questions.spawn(async move {
            loop {
                let status = api.get(path).await.status;
                assert!(status == 200 || status == 503, "{status}");
            }
        });
    }
    questions
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_questions_keep_no_emits_waiting() {
    let database = Database::fresh(Store::Postgres).await;
    let server = Serve::on(&database).start().await;
    let receiver = Receiver::healthy().await;
    server.api.endpoint_at(&receiver.url()).await;
    let token = ringback(&database, &["token", "create", "--scope", "emit", "--json"]).await.json();
    let platform = server.api.with_token(token["token"].as_str().expect("a token"));
    let mut connection = database.postgres().await;
    let mut transaction = connection.begin().await.expect("it begins");
    transaction.execute("LOCK ringback.audit IN ACCESS EXCLUSIVE MODE").await.expect("its user may");

    let mut questions = tokio::task::JoinSet::new();
    for _ in 0..QUESTIONS {
        let api = server.api.clone();
        questions.spawn(async move { api.get("/v1/audit").await.status });
    }
    until("all that there are connections for wait", async || (waiting(&database).await >= 6).then_some(())).await;
    platform.emit("call.ended", b"{}", json!({})).await;
    assert!(questions.try_join_next().is_none(), "the questions wait, and nobody waits for them");
    transaction.rollback().await.expect("it ends");
    receiver.wait_for(1).await;
    while let Some(status) = questions.join_next().await {
        let status = status.expect("asked");
        assert!(status == 200 || status == 503, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_asked_slow_questions_obeys_a_pause_made_through_another_and_takes_emits() {
    let database = Database::fresh(Store::Postgres).await;
    let fleet = Fleet::on(&database).await;
    let receiver = Receiver::healthy().await;
    let retry = json!({"max_attempts": 100, "delays_ms": [AGAIN_MS], "jitter": 0.0});
    let lanes = fleet.lanes_at(&receiver, &json!({"event_types": ["again"], "retry": retry})).await;
    let healthy = Receiver::healthy().await;
    fleet.first().endpoint(json!({"url": healthy.url(), "event_types": ["call.ended"]})).await;
    receiver.answer(|_| Reply::status(500));
    fleet.first().emit("again", b"{}", json!({})).await;
    until("every lane sends", async || {
        let arrived = receiver.arrived();
        let sends = |path: &str| arrived.iter().filter(|it| it.path == path && !is_probe(it)).count() >= 2;
        lanes.iter().all(|lane| sends(&lane.path)).then_some(())
    })
    .await;
    // Before anybody is made to wait: what this machine takes to answer.
    let slack = fleet.slack().await;

    let mut connection = database.postgres().await;
    let mut transaction = connection.begin().await.expect("it begins");
    // Neither a pause nor an emit has anything to do with it.
    transaction.execute("LOCK ringback.replay IN ACCESS EXCLUSIVE MODE").await.expect("its user may");
    let mut questions = ask_for_ever(fleet.last(), "/v1/replays");
    until("all that there are connections for wait", async || (waiting(&database).await >= 6).then_some(())).await;
    let pauses = lanes.iter().map(async |lane| (lane, pause(&fleet, &lane.id).await));
    let answered = join_all(pauses).await;
    let last = answered.iter().map(|(_, answered)| *answered).max().expect("some lanes");
    // Nothing is emitted meanwhile: that would read the changes, too.
    tokio::time::sleep_until(last + PROMISED + slack + WATCHED).await;
    let arrived = receiver.arrived();
    for (lane, answered) in answered {
        let late = arrived.iter().filter(|it| it.path == lane.path && it.at > answered + PROMISED + slack).count();
        assert_eq!(late, 0, "{} is sent to although it is paused", lane.path);
    }
    let begun = Instant::now();
    let mut emitted = 0;
    while begun.elapsed() < EMITTED_FOR {
        fleet.last().emit("call.ended", b"{}", json!({})).await;
        emitted += 1;
    }
    // Those that have waited for too long were told so, and were asked again.
    until("the questions wait on", async || (waiting(&database).await >= 6).then_some(())).await;
    assert!(questions.try_join_next().is_none(), "each was answered as it should be");
    questions.abort_all();
    transaction.rollback().await.expect("it ends");
    healthy.wait_for(emitted).await;
}

/// Pauses an endpoint through the node that nobody asks anything else; when that was answered.
async fn pause(fleet: &Fleet, endpoint: &str) -> Instant {
    fleet.first().post(&format!("/v1/endpoints/{endpoint}/pause"), &json!({})).await.expect(200);
    Instant::now()
}

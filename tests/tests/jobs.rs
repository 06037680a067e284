//! Expunges and replays of many are carried out beside each other: one that cannot be carried out keeps no other, and
//! whoever waits for one that does not move is told so.

use std::{sync::Arc, time::Duration};

use ringback::store::SharedStore;
use ringback_testkit::{Fault, Faulty};
use ringback_tests::{
    api::id_of,
    command::ringback,
    database::Database,
    embedded::Embedded,
    on_both_stores,
    receiver::Receiver,
    server::{Serve, Server},
    stores::Store,
    until::{until, until_within},
};
use serde_json::{Value, json};

/// A command of which each run begins a job, and does not wait for it.
async fn begun(database: &Database, arguments: &[&str]) -> String {
    let begun = ringback(database, &[arguments, &["--json"]].concat()).await.json();
    begun["id"].as_str().expect("the id of a job").to_owned()
}

/// Makes a job one that fails with every step.
async fn spoil(database: &Database, table: &str, id: &str) {
    database.tamper(table, &format!("set filter = 'nonsense' where id = {}", database.id_literal(id))).await;
}

/// Waits until a job has ended and another one, which was begun before, has failed.
async fn completed(server: &Server, path: &str, failing: &str) -> Value {
    let job = until("it is carried out", async || {
        let job = server.api.get(path).await.expect(200);
        (job["state"] == "completed").then_some(job)
    })
    .await;
    assert!(server.log().contains(failing), "the log tells which one failed: {}", server.log());
    job
}

on_both_stores! {
    async fn an_expunge_that_fails_keeps_no_other(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        for key in ["a", "b"] {
            let _ = server.api.emit("x", b"1", json!({"key": key})).await;
        }
        assert!(server.terminate().await.success());
        let failing = begun(&database, &["expunge", "--tenant", "default", "--key", "a"]).await;
        spoil(&database, "expunge", &failing).await;
        let other = begun(&database, &["expunge", "--tenant", "default", "--key", "b"]).await;
        let server = Serve::on(&database).start().await;
        let done = completed(&server, &format!("/v1/expunges/{other}"), &failing).await;
        assert_eq!(done["receipt"]["events"], 1, "{done}");
    }

    async fn a_replay_that_fails_keeps_no_other(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::answering(500).await;
        let server = Serve::on(&database).start().await;
        server.api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "retry": {"max_attempts": 1}})).await;
        for key in ["a", "b"] {
            let event = server.api.emit("x", b"1", json!({"key": key})).await;
            let delivery = server.api.delivery_of(&event).await;
            server.api.delivery_with_status(&delivery, "dead").await;
        }
        assert!(server.terminate().await.success());
        let failing = begun(&database, &["replay", "--key", "a"]).await;
        spoil(&database, "replay", &failing).await;
        let other = begun(&database, &["replay", "--key", "b"]).await;
        let server = Serve::on(&database).start().await;
        let done = completed(&server, &format!("/v1/replays/{other}"), &failing).await;
        assert_eq!(done["released"], 1, "{done}");
        receiver.wait_for(3).await;
    }

    async fn whoever_waits_for_a_job_that_nobody_carries_out_is_told_so(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let _ = server.api.emit("x", b"1", json!({"key": "a"})).await;
        assert!(server.terminate().await.success());
        let waited = ringback(&database, &["expunge", "--tenant", "default", "--key", "a"]).await;
        assert_eq!(waited.code, 1, "nothing is erased: {}{}", waited.out, waited.err);
        assert!(waited.err.contains("1 of 1 events") && waited.err.contains("ringback serve"), "{}", waited.err);
    }

    async fn whoever_waits_for_a_replay_that_nobody_carries_out_is_told_so(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::answering(500).await;
        let server = Serve::on(&database).start().await;
        server.api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "retry": {"max_attempts": 1}})).await;
        let event = server.api.emit("x", b"1", json!({"key": "a"})).await;
        let delivery = server.api.delivery_of(&event).await;
        server.api.delivery_with_status(&delivery, "dead").await;
        assert!(server.terminate().await.success());
        let waited = ringback(&database, &["replay", "--key", "a"]).await;
        assert_eq!(waited.code, 1, "nothing is released: {}{}", waited.out, waited.err);
        assert!(waited.err.contains("1 of 1 deliveries") && waited.err.contains("ringback serve"), "{}", waited.err);
        // And whoever looks at it later, too.
        let id = waited.out.split_whitespace().chain(waited.err.split_whitespace()).find(|word| word.starts_with("rpl_"));
        let id = id.expect("its id is told").trim_end_matches(|letter: char| !letter.is_ascii_hexdigit());
        let followed = ringback(&database, &["replay", "--follow", id]).await;
        assert_eq!(followed.code, 1, "{}{}", followed.out, followed.err);
    }
}

/// Longer than an answer to a question may take.
const SLOW: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread")]
async fn a_step_of_an_expunge_that_takes_long_is_not_begun_anew() {
    let database = Database::fresh(Store::Postgres).await;
    let mut faulty = None;
    let around = |store: SharedStore| -> SharedStore {
        let around = Faulty::around(store);
        faulty = Some(Arc::clone(&around));
        around
    };
    let host = Embedded::around(&database, around, |_| {}).await;
    let faulty = faulty.expect("it was put around the store");
    let mut steps = Vec::new();
    for (key, faults) in [("quick", vec![]), ("slow", vec![Fault::Late(SLOW)])] {
        let _ = host.api.emit("x", b"1", json!({"key": key})).await;
        let before = faulty.count("expunge_next");
        faulty.next("expunge_next", faults);
        let begun = host.api.post("/v1/expunge", &json!({"tenant": "default", "key": key})).await.expect(202);
        let path = format!("/v1/expunges/{}", id_of(&begun));
        let done = until_within(SLOW * 3, "it is carried out", async || {
            let job = host.api.get(&path).await.expect(200);
            (job["state"] == "completed").then_some(job)
        })
        .await;
        assert_eq!(done["receipt"]["events"], 1, "{done}");
        steps.push(faulty.count("expunge_next") - before);
    }
    assert_eq!(steps[0], steps[1], "each step was taken once");
}

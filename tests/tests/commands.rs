//! The command line, as an operator at 3 a.m. has it: on the store itself, beside a running server or without one.

use ringback_tests::{
    command::ringback,
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    samples,
    server::Serve,
    stores::Store,
};
use serde_json::{Value, json};

on_both_stores! {
    async fn an_event_is_emitted_found_seen_dead_and_replayed_from_the_command_line(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::answering(500).await;
        let once = json!({"max_attempts": 1, "delays_ms": [50], "jitter": 0.0});
        server.api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "retry": once})).await;

        let sample = samples::levrage_non_ascii();
        let file = database.folder().join("payload.json");
        std::fs::write(&file, &sample.body).expect("the folder is writable");
        let file = file.to_str().expect("a plain name");
        let event = ringback(&database, &["emit", "CALL_ENDED", file, "--key", "call-9"]).await.done();
        let event = event.trim();
        assert_eq!(receiver.wait_for(1).await[0].body, sample.body);
        let id = server.api.delivery_of(event).await;
        server.api.delivery_with_status(&id, "dead").await;

        let found = ringback(&database, &["find", "call-9", "--json"]).await.json();
        assert!(found.to_string().contains(event), "{found}");
        let told = ringback(&database, &["find", "call-9"]).await.done();
        assert!(told.contains(event) && told.contains("dead"), "{told}");
        assert_eq!(ringback(&database, &["find", "call-10"]).await.code, 3, "nothing found has a status of its own");

        let letters: Value = ringback(&database, &["dead-letters", "--json"]).await.json();
        assert_eq!(letters["items"][0]["id"], json!(id), "{letters}");
        let by_http = server.api.get("/v1/dead-letters").await.expect(200);
        assert_eq!(letters["items"][0]["reason"], by_http["items"][0]["reason"]);

        receiver.answer(|_| Reply::status(204));
        let _ = ringback(&database, &["replay", &id]).await.done();
        server.api.delivery_with_status(&id, "delivered").await;
        let requests = receiver.arrived_when_settled(&server.api).await;
        let numbers: Vec<_> = requests.iter().map(|request| request.header("ringback-attempt")).collect();
        assert_eq!(numbers, ["1", "2"]);
    }

    async fn commands_need_no_server(store: Store) {
        let database = Database::bare(store).await;
        let _ = ringback(&database, &["migrate"]).await.done();
        let file = database.folder().join("payload.json");
        std::fs::write(&file, "{}").expect("the folder is writable");
        let event = ringback(&database, &["emit", "t", file.to_str().expect("a plain name")]).await.done();
        assert!(event.trim().starts_with("evt_"), "{event}");
        let server = Serve::on(&database).start().await;
        assert_eq!(server.api.balanced_ledger().await["events"]["accepted"], 1);
    }

    async fn mistakes_in_configuration_end_with_status_two_and_name_the_key(store: Store) {
        let database = Database::fresh(store).await;
        let unknown = ringback(&database, &["serve", "--no-such-flag"]).await;
        assert_eq!(unknown.code, 2, "{}", unknown.err);
        assert!(unknown.err.contains("no-such-flag"), "{}", unknown.err);
        std::fs::write(database.folder().join("ringback.toml"), "colour = \"red\"\n").expect("writable");
        let unknown = ringback(&database, &["serve"]).await;
        assert_eq!(unknown.code, 2, "{}", unknown.err);
        assert!(unknown.err.contains("colour"), "{}", unknown.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_through_http_do_the_same() {
    let database = Database::fresh(Store::Sqlite).await;
    let server = Serve::on(&database).start().await;
    let receiver = Receiver::healthy().await;
    server.api.endpoint_at(&receiver.url()).await;
    let elsewhere = Database::fresh(Store::Sqlite).await;
    let file = elsewhere.folder().join("payload.json");
    std::fs::write(&file, "{}").expect("the folder is writable");
    let base = server.api.base();
    let remote = ["--url", base, "--token", ringback_tests::server::TOKEN];
    let emit = [["emit", "t", file.to_str().expect("a plain name"), "--key", "k"].as_slice(), &remote].concat();
    let event = ringback(&elsewhere, &emit).await.done();
    assert_eq!(receiver.wait_for(1).await[0].id(), event.trim());
    let found = ringback(&elsewhere, &[["find", "k", "--json"].as_slice(), &remote].concat()).await.json();
    assert!(found.to_string().contains(event.trim()), "{found}");
}

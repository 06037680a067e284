//! Promise 1: an event is owed if and only if the caller's transaction committed, and emitting never makes that
//! transaction fail, wait or conflict because of Ringback's own state.

use ringback::event::NewEvent;
use ringback_tests::{
    database::Database,
    on_both_stores,
    receiver::{Arrived, Receiver},
    server::Serve,
    stores::Store,
    until::until,
};
use serde_json::json;
use sqlx::{Connection as _, postgres::PgConnection};

async fn emit(connection: &mut PgConnection, arguments: &str) -> Result<String, sqlx::Error> {
    let statement = format!("select ringback.emit({arguments})");
    sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).fetch_one(connection).await
}

on_both_stores! {
    async fn an_event_is_sent_if_and_only_if_the_transaction_of_its_caller_committed(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        server.api.endpoint_at(&receiver.url()).await;

        let new = NewEvent::new("call.ended", "1");
        let (rolled_back, committed) = match store {
            Store::Postgres => {
                let mut connection = database.postgres().await;
                let mut lost = connection.begin().await.expect("begun");
                let rolled_back = ringback_postgres::emit(&mut lost, &new).await.expect("emitted");
                lost.rollback().await.expect("rolled back");
                let mut kept = connection.begin().await.expect("begun");
                let committed = ringback_postgres::emit(&mut kept, &new).await.expect("emitted");
                kept.commit().await.expect("committed");
                (rolled_back, committed)
            }
            Store::Sqlite => {
                let mut connection = database.sqlite().await;
                let mut lost = connection.begin_with("begin immediate").await.expect("begun");
                let rolled_back = ringback_sqlite::emit(&mut lost, &new).await.expect("emitted");
                lost.rollback().await.expect("rolled back");
                let mut kept = connection.begin_with("begin immediate").await.expect("begun");
                let committed = ringback_sqlite::emit(&mut kept, &new).await.expect("emitted");
                kept.commit().await.expect("committed");
                (rolled_back, committed)
            }
        };

        let requests = receiver.wait_for(1).await;
        assert_eq!(requests[0].id(), committed.to_string());
        server.api.get(&format!("/v1/events/{rolled_back}")).await.expect(404);
        // Whatever was emitted before this one has been routed once this one is delivered.
        let last = server.api.emit("call.ended", b"2", json!({})).await;
        let ids: Vec<_> = receiver.arrived_when_settled(&server.api).await.iter().map(|it| it.id().to_owned()).collect();
        assert_eq!(ids, [committed.to_string(), last], "nothing else was ever sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_row_of_the_call_and_the_event_commit_together_in_plain_sql() {
    let database = Database::fresh(Store::Postgres).await;
    let server = Serve::on(&database).start().await;
    let receiver = Receiver::healthy().await;
    server.api.endpoint_at(&receiver.url()).await;
    let mut connection = database.postgres().await;
    sqlx::raw_sql("create table call (id text primary key)").execute(&mut connection).await.expect("made");

    let lost = r#"begin; insert into call values ('a'); select ringback.emit('call.ended', '{"call":"a"}'); rollback;"#;
    sqlx::raw_sql(lost).execute(&mut connection).await.expect("rolled back");
    let kept = r#"
        begin;
        insert into call values ('b');
        select ringback.emit('call.ended', '{"call":"b"}', '{"key":"b","tenant":"default"}');
        commit;"#;
    sqlx::raw_sql(kept).execute(&mut connection).await.expect("committed");

    receiver.wait_for(1).await;
    let requests = receiver.arrived_when_settled(&server.api).await;
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].body, br#"{"call":"b"}"#.as_slice());
    let events = server.api.get("/v1/events").await.expect(200);
    assert_eq!(events["items"].as_array().map(Vec::len), Some(1), "{events}");
    assert_eq!(events["items"][0]["key"], "b");
    let calls: Vec<String> = sqlx::query_scalar("select id from call").fetch_all(&mut connection).await.expect("read");
    assert_eq!(calls, ["b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_an_sql_emit_is_said_by_name_and_with_one_state() {
    let database = Database::fresh(Store::Postgres).await;
    let server = Serve::on(&database).start().await;
    let mut connection = database.postgres().await;
    for (arguments, named) in [
        ("'', '{}'", "type"),
        ("'no spaces', '{}'", "type"),
        ("null, '{}'", "type"),
        ("repeat('t', 129), '{}'", "type"),
        ("'t', null", "payload"),
        ("'t', repeat('x', 1024 * 1024 + 1)", "payload"),
        ("'t', '{}', '[]'", "options"),
        (r#"'t', '{}', '{"colour":"red"}'"#, "colour"),
        (r#"'t', '{}', '{"tenant":"no spaces"}'"#, "tenant"),
        (r#"'t', '{}', '{"key":""}'"#, "key"),
        (r#"'t', '{}', '{"key":7}'"#, "key"),
        (r#"'t', '{}', jsonb_build_object('ordering_key', repeat('k', 257))"#, "ordering_key"),
        (r#"'t', '{}', '{"idempotency_key":"a\u0001b"}'"#, "idempotency_key"),
        (r#"'t', '{}', '{"occurred_at":"yesterday"}'"#, "occurred_at"),
        (r#"'t', '{}', '{"endpoint_keys":"a"}'"#, "endpoint_keys"),
        (r#"'t', '{}', '{"destination":"https://example.com"}'"#, "destination"),
        (r#"'t', '{}', '{"destination":{"url":"https://example.com","secret":"s"}}'"#, "secret"),
        (r#"'t', '{}', '{"destination":{"url":"https://example.com"},"endpoint_keys":["a"]}'"#, "destination"),
    ] {
        let error = emit(&mut connection, arguments).await.expect_err(arguments);
        let error = error.as_database_error().unwrap_or_else(|| panic!("{arguments}: {error}"));
        assert_eq!(error.code().as_deref(), Some("22023"), "{arguments}: {error}");
        assert!(error.message().contains(named), "{arguments}: {}", error.message());
    }
    assert_eq!(server.api.balanced_ledger().await["events"]["accepted"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn emitting_waits_for_nobody_who_emits_the_same() {
    let database = Database::fresh(Store::Postgres).await;
    let server = Serve::on(&database).start().await;
    let receiver = Receiver::healthy().await;
    server.api.endpoint_at(&receiver.url()).await;

    let arguments = r#"'call.ended', '{}', '{"idempotency_key":"call-1"}'"#;
    let (mut slow, mut quick) = (database.postgres().await, database.postgres().await);
    let mut open = slow.begin().await.expect("begun");
    let first = emit(&mut open, arguments).await.expect("emitted");
    sqlx::raw_sql("set lock_timeout = 1").execute(&mut quick).await.expect("set");
    let second = emit(&mut quick, arguments).await.expect("no lock is waited for");
    open.commit().await.expect("committed");

    let state = async |id: &str| server.api.get(&format!("/v1/events/{id}")).await.expect(200)["state"].clone();
    until("both are decided", async || {
        let states = [state(&first).await, state(&second).await];
        (states.contains(&json!("routed")) && states.contains(&json!("duplicate"))).then_some(())
    })
    .await;
    assert_eq!(receiver.arrived_when_settled(&server.api).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn emitting_works_while_no_engine_runs_and_is_sent_once_one_does() {
    let database = Database::fresh(Store::Postgres).await;
    let server = Serve::on(&database).start().await;
    let receiver = Receiver::healthy().await;
    server.api.endpoint_at(&receiver.url()).await;
    server.kill().await;
    let event = emit(&mut database.postgres().await, "'call.ended', '{}'").await.expect("emitted");
    assert_eq!(receiver.count(), 0);
    let server = Serve::on(&database).start().await;
    let requests = receiver.arrived_when_settled(&server.api).await;
    assert_eq!(requests.iter().map(Arrived::id).collect::<Vec<_>>(), [event]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_only_emit_can_emit_and_read_nothing() {
    let database = Database::fresh(Store::Postgres).await;
    let _server = Serve::on(&database).start().await;
    let mut connection = database.postgres().await;
    let role = format!("ringback_test_{}", uuid::Uuid::new_v4().simple());
    let run = async |connection: &mut PgConnection, sql: String| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(connection).await.map(|_| ())
    };
    let grants = format!(
        "create role {role}; grant usage on schema ringback to {role};
         grant execute on function ringback.emit(text, text, jsonb) to {role}; set role {role}"
    );
    run(&mut connection, grants).await.expect("granted");
    let emitted = emit(&mut connection, "'call.ended', '{}'").await;
    let read = run(&mut connection, "select * from ringback.event".to_owned()).await;
    run(&mut connection, format!("reset role; drop owned by {role}; drop role {role}")).await.expect("dropped");

    assert!(emitted.is_ok(), "{emitted:?}");
    let refused = read.expect_err("the tables are not the platform's to read");
    assert_eq!(refused.as_database_error().and_then(|error| error.code()).as_deref(), Some("42501"));
}

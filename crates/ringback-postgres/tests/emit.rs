//! Emitting inside the caller's own transaction, from Rust and from SQL.

#![expect(clippy::unwrap_used, reason = "a test's own helpers fail with it")]

mod fresh;

use ringback::{
    endpoint::Destination,
    event::NewEvent,
    id::EventId,
    store::{Floor, Operations as _, Outbox as _, PayloadRead},
};
use ringback_postgres::{EmitError, Postgres, emit_in};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

async fn unrouted(store: &Postgres) -> usize {
    store.read_outbox(Floor::default(), 1_000).await.unwrap().events.len()
}

async fn run(connection: &mut PgConnection, statement: &str) -> Result<String, sqlx::Error> {
    sqlx::query(AssertSqlSafe(statement.to_owned())).fetch_one(connection).await.map(|row| row.get(0))
}

/// What a refusal says, which must be SQLSTATE 22023.
async fn refusal(connection: &mut PgConnection, statement: &str) -> String {
    match run(connection, statement).await {
        Err(sqlx::Error::Database(error)) => {
            assert_eq!(error.code().as_deref(), Some("22023"), "{statement}: {error}");
            error.message().to_owned()
        }
        other => panic!("{statement} was not refused: {other:?}"),
    }
}

#[tokio::test]
async fn an_event_is_owed_if_and_only_if_the_transaction_commits() {
    let (store, schema) = fresh::migrated().await;
    let mut connection = fresh::connection().await;
    let event = NewEvent::new("CALL_ENDED", "{}").key("call-1");
    for by_rust in [true, false] {
        let mut transaction = connection.begin().await.unwrap();
        if by_rust {
            emit_in(&mut transaction, &schema, &event).await.unwrap();
        } else {
            run(&mut transaction, &format!("SELECT {schema}.emit('CALL_ENDED', '{{}}')")).await.unwrap();
        }
        assert_eq!(unrouted(&store).await, 0, "not before the commit");
        transaction.rollback().await.unwrap();
        assert_eq!(unrouted(&store).await, 0);
    }
    let mut transaction = connection.begin().await.unwrap();
    let id = emit_in(&mut transaction, &schema, &event).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(store.read_outbox(Floor::default(), 9).await.unwrap().events[0].event.id, id);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn the_payload_is_kept_as_it_was_written() {
    let (store, schema) = fresh::migrated().await;
    let mut connection = fresh::connection().await;
    let payload = " {\"b\" : 3.0,\n\t\"a\":9007199254740993, \"a\":\"\\u00e9é😀\\/\"} ";
    for function in ["emit", "emit_bytes"] {
        let argument = if function == "emit" { "$1" } else { "convert_to($1, 'UTF8')" };
        let statement = format!("SELECT {schema}.{function}('call.ended', {argument})");
        let row = sqlx::query(AssertSqlSafe(statement)).bind(payload).fetch_one(&mut connection).await.unwrap();
        let id: EventId = row.get::<String, _>(0).parse().unwrap();
        assert_eq!(store.payload(id).await.unwrap(), PayloadRead::Bytes(payload.into()));
    }
    let bytes: Vec<u8> = (0..=255).collect();
    let id = emit_in(&mut connection, &schema, &NewEvent::new("x", bytes.clone())).await.unwrap();
    assert_eq!(store.payload(id).await.unwrap(), PayloadRead::Bytes(bytes.into()));
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn options_reach_the_event() {
    let (store, schema) = fresh::migrated().await;
    let mut connection = fresh::connection().await;
    let statement = format!(
        r#"SELECT {schema}.emit('call.ended', '{{}}', '{{"tenant": "acme:eu", "key": "call-1", "ordering_key": "é",
           "idempotency_key": "k", "occurred_at": "2026-01-31t12:00:00.5+01:00", "endpoint_keys": ["crm"],
           "destination": null}}')"#
    );
    run(&mut connection, &statement).await.unwrap();
    let event = &store.read_outbox(Floor::default(), 9).await.unwrap().events[0].event;
    assert_eq!((&*event.tenant, event.key.as_deref()), ("acme:eu", Some("call-1")));
    assert_eq!((event.ordering_key.as_deref(), event.idempotency_key.as_deref()), (Some("é"), Some("k")));
    assert_eq!(event.occurred_at.to_string(), "2026-01-31T11:00:00.5Z");
    assert_eq!(event.endpoint_keys.as_deref(), Some(&["crm".to_owned()][..]));
    run(&mut connection, &format!("SELECT {schema}.emit('x', '1', NULL)")).await.unwrap();
    run(&mut connection, &format!("SELECT {schema}.emit('x', '1', '{{\"key\": null}}')")).await.unwrap();
    run(&mut connection, &format!("SELECT {schema}.emit(type => 'x', payload => '1')")).await.unwrap();
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn each_wrong_argument_and_option_is_named() {
    let (store, schema) = fresh::migrated().await;
    let mut connection = fresh::connection().await;
    let long = "a".repeat(257);
    for (arguments, named) in [
        ("'', '{}'", "\"type\""),
        ("NULL, '{}'", "\"type\""),
        ("'a b', '{}'", "\"type\""),
        ("E'a\\n', '{}'", "\"type\""),
        ("repeat('a', 129), '{}'", "\"type\""),
        ("'x', NULL", "\"payload\""),
        ("'x', ''", "\"payload\""),
        ("'x', '{\"a\":'", "\"payload\""),
        ("'x', repeat('[', 100000)", "\"payload\""),
        ("'x', '\"' || repeat('a', 1048576) || '\"'", "\"payload\""),
        ("'x', '{}', '[]'", "\"options\""),
        ("'x', '{}', '{\"colour\": 1}'", "\"colour\""),
        ("'x', '{}', '{\"tenant\": \"a b\"}'", "\"tenant\""),
        ("'x', '{}', '{\"tenant\": \"\"}'", "\"tenant\""),
        ("'x', '{}', '{\"tenant\": 1}'", "\"tenant\""),
        ("'x', '{}', '{\"key\": \"\"}'", "\"key\""),
        ("'x', '{}', '{\"key\": 5}'", "\"key\""),
        ("'x', '{}', '{\"key\": {}}'", "\"key\""),
        ("'x', '{}', '{\"ordering_key\": \"a\\nb\"}'", "\"ordering_key\""),
        ("'x', '{}', '{\"idempotency_key\": \"a\\u0085b\"}'", "\"idempotency_key\""),
        (&format!("'x', '{{}}', '{{\"key\": \"{long}\"}}'"), "\"key\""),
        ("'x', '{}', '{\"occurred_at\": \"yesterday\"}'", "\"occurred_at\""),
        ("'x', '{}', '{\"occurred_at\": \"2026-02-30T12:00:00Z\"}'", "\"occurred_at\""),
        ("'x', '{}', '{\"occurred_at\": \"2026-02-20T12:00:00\"}'", "\"occurred_at\""),
        ("'x', '{}', '{\"occurred_at\": 1700000000}'", "\"occurred_at\""),
        ("'x', '{}', '{\"endpoint_keys\": \"crm\"}'", "\"endpoint_keys\""),
        ("'x', '{}', '{\"endpoint_keys\": [\"crm\", 5]}'", "\"endpoint_keys\""),
        ("'x', '{}', '{\"endpoint_keys\": [\"\"]}'", "\"endpoint_keys\""),
        ("'x', '{}', '{\"destination\": \"https://example.com\"}'", "\"destination\""),
        ("'x', '{}', '{\"destination\": {}}'", "\"destination\""),
        ("'x', '{}', '{\"destination\": {\"url\": 1}}'", "\"destination\""),
        ("'x', '{}', '{\"destination\": {\"url\": \"x.y\", \"secret\": \"s3cret\"}}'", "\"destination\""),
        ("'x', '{}', '{\"destination\": {\"url\": \"x.y\", \"endpoint_key\": 1}}'", "\"endpoint_key\""),
        ("'x', '{}', '{\"destination\": {\"url\": \"x.y\"}, \"endpoint_keys\": [\"crm\"]}'", "\"endpoint_keys\""),
    ] {
        let said = refusal(&mut connection, &format!("SELECT {schema}.emit({arguments})")).await;
        assert!(said.contains(named), "{arguments}: {said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
    refusal(&mut connection, &format!("SELECT {schema}.emit_bytes('x', NULL)")).await;
    assert_eq!(unrouted(&store).await, 0);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn what_rust_refuses_leaves_the_transaction_alone() {
    let (store, schema) = fresh::migrated().await;
    let mut connection = fresh::connection().await;
    let mut transaction = connection.begin().await.unwrap();
    let mut secret = Destination::to("https://example.com");
    secret.secret = Some("s3cret".to_owned());
    for event in [NewEvent::new("a b", "{}"), NewEvent::new("x", "{}").destination(secret)] {
        let refused = emit_in(&mut transaction, &schema, &event).await;
        assert!(matches!(refused, Err(EmitError::Invalid(_))), "{refused:?}");
    }
    emit_in(&mut transaction, &schema, &NewEvent::new("x", "{}")).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(unrouted(&store).await, 1);
    assert!(matches!(
        emit_in(&mut connection, "no; DROP TABLE", &NewEvent::new("x", "{}")).await,
        Err(EmitError::Invalid(_))
    ));
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn the_limit_of_payloads_is_one_for_every_language() {
    let (store, schema) = fresh::migrated().await;
    let mut connection = fresh::connection().await;
    store.set_emit_limit(10).await.unwrap();
    let event = NewEvent::new("x", "01234567890");
    assert!(matches!(emit_in(&mut connection, &schema, &event).await, Err(EmitError::Database(_))));
    refusal(&mut connection, &format!("SELECT {schema}.emit('x', '12345678901')")).await;
    run(&mut connection, &format!("SELECT {schema}.emit('x', '1234567890')")).await.unwrap();
    assert!(store.set_emit_limit(0).await.is_err());
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn a_role_needs_usage_and_execute_and_nothing_else() {
    let (store, schema) = fresh::migrated().await;
    let mut connection = fresh::connection().await;
    let role = format!("{schema}_app");
    let run_all = |statements: String| AssertSqlSafe(statements);
    connection.execute(run_all(format!("CREATE ROLE {role}; GRANT USAGE ON SCHEMA {schema} TO {role}"))).await.unwrap();
    connection.execute(run_all(format!("SET ROLE {role}"))).await.unwrap();
    let emit =
        format!("SELECT {schema}.emit('x', '{{}}', '{{\"key\":\"k\",\"occurred_at\":\"2026-01-31T12:00:00Z\"}}')");
    assert!(run(&mut connection, &emit).await.is_err(), "EXECUTE is not everyone's");
    connection.execute("RESET ROLE").await.unwrap();
    connection.execute(run_all(format!("GRANT EXECUTE ON FUNCTION {schema}.emit TO {role}"))).await.unwrap();
    connection.execute(run_all(format!("SET ROLE {role}"))).await.unwrap();
    run(&mut connection, &emit).await.unwrap();
    for table in ["event", "outbox", "endpoint", "kept_event", "setting", "delivery_anywhere"] {
        let read = format!("SELECT count(*)::text FROM {schema}.{table}");
        assert!(run(&mut connection, &read).await.is_err(), "{table} is not everyone's");
    }
    connection.execute("RESET ROLE").await.unwrap();
    connection.execute(run_all(format!("DROP OWNED BY {role}; DROP ROLE {role}"))).await.unwrap();
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn the_callers_search_path_and_temporary_objects_change_nothing() {
    let (store, schema) = fresh::migrated().await;
    let mut connection = fresh::connection().await;
    let lies = "CREATE FUNCTION pg_temp.lpad(text, integer, text) RETURNS text LANGUAGE sql AS 'SELECT ''hijacked''';
                CREATE TEMPORARY TABLE event (id uuid); CREATE TEMPORARY TABLE outbox (seq bigint);
                SET search_path = pg_temp, public";
    connection.execute(lies).await.unwrap();
    run(&mut connection, &format!("SELECT {schema}.emit('x', '{{}}')")).await.unwrap();
    assert_eq!(unrouted(&store).await, 1);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn emitting_works_whatever_the_callers_isolation() {
    let (store, schema) = fresh::migrated().await;
    let mut transactions = Vec::new();
    for _ in 0..2 {
        let mut connection = fresh::connection().await;
        connection.execute("BEGIN ISOLATION LEVEL SERIALIZABLE").await.unwrap();
        transactions.push(connection);
    }
    for connection in &mut transactions {
        for _ in 0..3 {
            run(connection, &format!("SELECT {schema}.emit('x', '1', '{{\"idempotency_key\":\"a\"}}')")).await.unwrap();
        }
    }
    for mut connection in transactions {
        connection.execute("COMMIT").await.unwrap();
    }
    assert_eq!(unrouted(&store).await, 6);
    fresh::remove(&store, &schema).await;
}

//! Ringback in its own schema, beside whatever else lives in the database.

mod fresh;

use ringback::store::{Error, Intake as _, Operations as _};
use ringback_postgres::Postgres;
use sqlx::{AssertSqlSafe, Executor as _, Row as _};

#[tokio::test]
async fn migrating_creates_and_once_more_changes_nothing() {
    let schema = fresh::schema_name();
    let store = Postgres::connect(&fresh::url(), &schema).await.unwrap();
    assert!(matches!(store.check_schema().await, Err(Error::Schema(_))), "not there yet");
    assert!(store.check_ready().await.is_err());
    store.migrate().await.unwrap();
    store.check_schema().await.unwrap();
    store.check_ready().await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!(store.config_version().await.unwrap(), 0);
    fresh::remove(&store, &schema).await;
}

#[tokio::test]
async fn processes_that_start_together_migrate_once() {
    let schema = fresh::schema_name();
    let (one, two) = (
        Postgres::connect(&fresh::url(), &schema).await.unwrap(),
        Postgres::connect(&fresh::url(), &schema).await.unwrap(),
    );
    let (first, second) = tokio::join!(one.migrate(), two.migrate());
    first.unwrap();
    second.unwrap();
    one.check_schema().await.unwrap();
    two.close().await;
    fresh::remove(&one, &schema).await;
}

#[tokio::test]
async fn two_installations_share_a_database() {
    let (one, one_schema) = fresh::migrated().await;
    let (two, two_schema) = fresh::migrated().await;
    let mut connection = fresh::connection().await;
    let event = ringback::event::NewEvent::new("x", "{}");
    let id = ringback_postgres::emit_in(&mut connection, &one_schema, &event).await.unwrap();
    assert!(one.event(id).await.unwrap().is_some());
    assert!(two.event(id).await.unwrap().is_none());
    fresh::remove(&one, &one_schema).await;
    two.check_schema().await.unwrap();
    fresh::remove(&two, &two_schema).await;
}

#[tokio::test]
async fn a_schema_with_another_history_is_refused() {
    for (tampering, word) in [
        ("UPDATE {schema}.migration SET checksum = 'other'", "another content"),
        ("INSERT INTO {schema}.migration VALUES (999, 'tomorrow', 'x')", "older than the schema"),
        ("DELETE FROM {schema}.migration", "run `ringback migrate`"),
    ] {
        let (store, schema) = fresh::migrated().await;
        let statement = AssertSqlSafe(tampering.replace("{schema}", &schema));
        fresh::connection().await.execute(statement).await.unwrap();
        match store.check_schema().await {
            Err(Error::Schema(said)) => assert!(said.contains(word), "{said}"),
            other => panic!("{tampering}: {other:?}"),
        }
        assert!(store.migrate().await.is_err(), "{tampering}");
        fresh::remove(&store, &schema).await;
    }
}

#[tokio::test]
async fn only_plain_names_are_accepted() {
    for name in ["Ringback", "a b", "a;b", "pg_x", ""] {
        assert!(matches!(Postgres::connect(&fresh::url(), name).await, Err(Error::Schema(_))), "{name}");
    }
}

#[tokio::test]
async fn nothing_is_made_outside_the_schema() {
    let (store, schema) = fresh::migrated().await;
    let row = sqlx::query(
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'public' OR c.relname = '_sqlx_migrations'",
    )
    .fetch_one(&mut fresh::connection().await)
    .await
    .unwrap();
    assert_eq!(row.get::<i64, _>(0), 0);
    fresh::remove(&store, &schema).await;
}

//! What a delivery costs the database, counted: nothing here depends on the machine or on who else uses it.

use std::time::Duration;

use ringback_tests::{
    database::Database,
    receiver::{Receiver, Reply},
    server::Serve,
    stores::Store,
    until::{until, until_within},
};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

/// Deliveries that are counted.
const ALL: usize = 4_000;

/// Events in one request.
const BATCH: usize = 500;

/// Bytes of a payload.
const PAYLOAD: usize = 500;

/// Bytes of log for one delivery without its payload and without images of pages, from the event's insert to the
/// finished row.
const LOG_BYTES_MAX: usize = 2_048;

const PATIENCE: Duration = Duration::from_secs(120);

/// Accepts `ALL` events and waits until all are delivered.
async fn deliver_all(server: &ringback_tests::server::Server) {
    let event = json!({"type": "call.ended", "key": "call", "payload": "x".repeat(PAYLOAD - 2)});
    for _ in 0..ALL / BATCH {
        server.api.post("/v1/events/batch", &json!({"events": vec![&event; BATCH]})).await.expect(202);
    }
    until_within(PATIENCE, "all are delivered", async || {
        (server.api.balanced_ledger().await["deliveries"]["delivered"] == ALL).then_some(())
    })
    .await;
}

/// (inserted, updated, deleted) rows of a table and its partitions so far.
async fn writes(connection: &mut PgConnection, table: &str) -> (i64, i64, i64) {
    let statement = format!(
        "SELECT coalesce(sum(n_tup_ins), 0)::bigint, coalesce(sum(n_tup_upd), 0)::bigint, coalesce(sum(n_tup_del), 0)::bigint
         FROM pg_stat_user_tables WHERE schemaname = 'ringback' AND relname ~ '^(kept_)?{table}(_[0-9]+)?$'"
    );
    let row = sqlx::query(AssertSqlSafe(statement)).fetch_one(connection).await.expect("statistics");
    (row.get(0), row.get(1), row.get(2))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_leaves_one_dead_row_and_no_table_but_the_hot_one_has_any() {
    let database = Database::fresh(Store::Postgres).await;
    let receiver = Receiver::healthy().await;
    let server = Serve::on(&database).start().await;
    server.api.endpoint_at(&receiver.url()).await;
    deliver_all(&server).await;
    // Processes report what they have written when they come to rest.
    server.terminate().await;
    let mut connection = database.postgres().await;
    let all = ALL as i64;
    for (table, expected) in [
        ("event", (all, 0, 0)),
        ("delivery", (all, 0, all)),
        ("finished", (all, 0, 0)),
        ("attempt", (0, 0, 0)),
        ("outbox", (0, 0, 0)),
        ("verdict", (0, 0, 0)),
    ] {
        until(&format!("{table} has been written {expected:?} times"), async || {
            (writes(&mut connection, table).await == expected).then_some(())
        })
        .await;
    }
    sqlx::raw_sql("VACUUM ringback.delivery").execute(&mut connection).await.expect("nobody is in its way");
    let size: i64 = sqlx::query_scalar("SELECT pg_relation_size('ringback.delivery')")
        .fetch_one(&mut connection)
        .await
        .expect("a size");
    assert_eq!(size, 0, "an empty hot table takes no room once it is vacuumed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_attempt_rewrites_its_row_in_place_of_a_new_one() {
    let database = Database::fresh(Store::Postgres).await;
    let receiver = Receiver::scripted(|request| Reply::status(if request.index < ALL / 10 { 500 } else { 204 })).await;
    let server = Serve::on(&database).start().await;
    let retry = json!({"max_attempts": 20, "delays_ms": [50], "jitter": 0.0});
    server.api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "retry": retry})).await;
    deliver_all(&server).await;
    server.terminate().await;
    let mut connection = database.postgres().await;
    let (all, failed) = (ALL as i64, (ALL / 10) as i64);
    for (table, expected) in [("delivery", (all, failed, all)), ("attempt", (failed, 0, 0)), ("finished", (all, 0, 0))]
    {
        until(&format!("{table} has been written {expected:?} times"), async || {
            (writes(&mut connection, table).await == expected).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_writes_at_most_two_kilobytes_of_log_beside_its_payload() {
    let database = Database::fresh(Store::Postgres).await;
    let receiver = Receiver::healthy().await;
    let server = Serve::on(&database).start().await;
    server.api.endpoint_at(&receiver.url()).await;
    let mut connection = database.postgres().await;
    sqlx::raw_sql("CREATE EXTENSION pg_walinspect").execute(&mut connection).await.expect("PostgreSQL's own extension");
    // Keeps the log from being removed until this connection ends.
    let start: String = sqlx::query_scalar(
        "SELECT pg_current_wal_insert_lsn()::text
         FROM pg_create_physical_replication_slot('flat_cost_' || pg_backend_pid(), true, true)",
    )
    .fetch_one(&mut connection)
    .await
    .expect("a slot");
    deliver_all(&server).await;
    // Others write to the same log: what counts is what names this database.
    let counted = sqlx::query(
        "SELECT sum(record_length - fpi_length)::bigint, pg_size_pretty(sum(record_length))
         FROM pg_get_wal_records_info($1::pg_lsn, pg_current_wal_flush_lsn())
         WHERE block_ref LIKE '%/' || (SELECT oid FROM pg_database WHERE datname = current_database()) || '/%'",
    )
    .bind(&start)
    .fetch_one(&mut connection)
    .await
    .expect("the log can be read");
    let bytes = usize::try_from(counted.get::<i64, _>(0)).expect("no less than nothing");
    let each = bytes / ALL;
    assert!(each > PAYLOAD, "the log holds at least the payload: {each}");
    println!("{} bytes of log for each delivery beside its payload", each - PAYLOAD);
    assert!(each - PAYLOAD <= LOG_BYTES_MAX, "{} bytes for each beside its payload", each - PAYLOAD);
}

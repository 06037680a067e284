//! Promise 5: no database transaction is open while a receiver is being spoken to.

use std::time::Duration;

use ringback_tests::{
    database::Database,
    receiver::{Gate, Receiver, Reply},
    server::{Serve, Server},
    stores::Store,
    until::until,
};
use serde_json::json;
use sqlx::Connection as _;

/// A receiver that answers for a while, so that its lane is trusted with sixteen requests, and then hangs with all of them.
async fn hanging(server: &Server, gate: &Gate) -> Receiver {
    let receiver = Receiver::healthy().await;
    server.api.endpoint_at(&receiver.url()).await;
    emit(server, 32).await;
    receiver.wait_for(32).await;
    let gate = gate.clone();
    receiver.answer(move |_| Reply::status(204).behind(&gate));
    emit(server, 16).await;
    until("sixteen requests hang", async || (receiver.open() == 16).then_some(())).await;
    receiver
}

async fn emit(server: &Server, count: usize) {
    for _ in 0..count {
        server.api.emit("call.ended", b"{}", json!({})).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_sees_no_transaction_that_waits_for_a_receiver() {
    let database = Database::fresh(Store::Postgres).await;
    let server = Serve::on(&database).start().await;
    let gate = Gate::closed();
    let receiver = hanging(&server, &gate).await;

    let mut connection = database.postgres().await;
    for _ in 0..20 {
        let old = "select count(*) from pg_stat_activity where datname = current_database()
                   and pid <> pg_backend_pid() and clock_timestamp() - xact_start > interval '1 second'";
        let old: i64 = sqlx::query_scalar(old).fetch_one(&mut connection).await.expect("asked");
        assert_eq!(old, 0, "a transaction has been open for a second while receivers hang");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(receiver.open(), 16, "they have been hanging all the while");
    gate.open();
    until("all is delivered", async || {
        (server.api.balanced_ledger().await["deliveries"]["delivered"] == 48).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writer_of_an_sqlite_file_is_free_while_receivers_hang() {
    let database = Database::fresh(Store::Sqlite).await;
    let server = Serve::on(&database).start().await;
    let gate = Gate::closed();
    let receiver = hanging(&server, &gate).await;

    let mut connection = database.sqlite().await;
    let written = connection.begin_with("begin immediate").await.expect("the write lock is free");
    written.rollback().await.expect("given back");
    assert_eq!(receiver.open(), 16, "they have been hanging all the while");
    gate.open();
    until("all is delivered", async || {
        (server.api.balanced_ledger().await["deliveries"]["delivered"] == 48).then_some(())
    })
    .await;
}

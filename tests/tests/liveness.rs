//! Promise 15: a node that holds shards works, or loses them; and nothing is trusted of a past that the database does not
//! confirm.

use std::{sync::Arc, time::Duration};

use ringback::{Settings, event::NewEvent, seal::MasterKeys, store::SharedStore, time::Timestamp};
use ringback_testkit::{Fault, Faulty};
use ringback_tests::{
    api::Api,
    command::ringback,
    database::Database,
    embedded::Embedded,
    on_both_stores,
    pgbouncer::Pgbouncer,
    receiver::{Gate, Receiver, Reply},
    server::Serve,
    stores::Store,
    until::{until, until_within},
    wire::Wire,
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// A connection that hangs is given up after a lease, and there may be one behind another.
const GIVEN_UP: Duration = Duration::from_secs(120);

/// The shortest there may be: a test waits for several to end.
const LEASE: Duration = Duration::from_secs(3);

/// Lanes enough for both of two nodes to have some.
const LANES: usize = 32;

/// The database's URL with another host and port.
fn by_way_of(wire: &Wire, database: &Database) -> String {
    let mut url = reqwest::Url::parse(database.url()).expect("a URL");
    url.set_host(Some("127.0.0.1")).expect("a host");
    url.set_port(Some(wire.address().port())).expect("a port");
    url.into()
}

/// Where the database's server listens.
fn server_of(database: &Database) -> String {
    let url = reqwest::Url::parse(database.url()).expect("a URL");
    format!("{}:{}", url.host_str().expect("a host"), url.port().unwrap_or(5432))
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_dead_but_not_closed_stop_nothing_for_long() {
    let database = Database::fresh(Store::Postgres).await;
    let wire = Wire::to(server_of(&database)).await;
    let server = Serve::on(&database).set("database_url", &by_way_of(&wire, &database)).start().await;
    let receiver = Receiver::healthy().await;
    server.api.endpoint_at(&receiver.url()).await;
    server.api.emit("call.ended", b"{}", json!({})).await;
    receiver.wait_for(1).await;
    server.api.settled().await;

    wire.forget_connections();
    database.emit(&NewEvent::new("call.ended", "{}")).await;
    until_within(GIVEN_UP, "what the platform emitted is sent", async || (receiver.count() >= 2).then_some(())).await;
    until_within(GIVEN_UP, "the API answers", async || {
        (server.api.get("/v1/endpoints").await.status == 200).then_some(())
    })
    .await;
    server.api.settled().await;
    server.api.balanced_ledger().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_pipeline_stands_still_leaves_its_shards_to_others() {
    let database = Database::fresh(Store::Postgres).await;
    let keys = MasterKeys::generate_text();
    let change = |settings: &mut Settings| {
        settings.keys = Arc::new(MasterKeys::parse(&keys, &[]).expect("a key"));
        settings.lease = LEASE;
        settings.egress.allow_http = true;
        settings.egress.allow = vec!["127.0.0.0/8".parse().expect("a network")];
    };
    let mut faulty = None;
    let around = |store: SharedStore| -> SharedStore {
        let around = Faulty::around(store);
        faulty = Some(Arc::clone(&around));
        around
    };
    let sick = Embedded::around(&database, around, change).await;
    let receiver = Receiver::healthy().await;
    for lane in 0..LANES {
        sick.api.endpoint(json!({"url": receiver.url(), "event_types": [format!("to.{lane}")]})).await;
    }
    let to_each = async || {
        for lane in 0..LANES {
            database.emit(&NewEvent::new(format!("to.{lane}"), "{}")).await;
        }
    };
    to_each().await;
    receiver.wait_for(LANES).await;
    let healthy = Embedded::start(&database, change).await;
    // From now on it finds neither what is emitted nor what is due, while its lease could be renewed.
    let faulty = faulty.expect("it was put around the store");
    for call in ["read_outbox", "feed"] {
        faulty.next(call, vec![Fault::Unreached; 100_000]);
    }
    // After two leases it gives its own up, and holds nothing for at least three.
    // Until it has given its shards up it is not ready.
    let warnings = async || {
        let answer = sick.api.get("/readyz").await;
        let ready = (answer.status == 200).then(|| answer.expect(200))?;
        Some(ready["warnings"].as_array().expect("a list").clone())
    };
    let before = Timestamp::now();
    let warning = until("it says that it holds nothing", async || {
        warnings().await?.first().and_then(Value::as_str).map(str::to_owned)
    })
    .await;
    let until_when = warning.split(' ').find_map(|word| word.trim_end_matches(':').parse::<Timestamp>().ok());
    let until_when = until_when.unwrap_or_else(|| panic!("{warning}"));
    assert!(warning.contains("holds no shards until") && until_when.since(before) > LEASE, "{warning}");
    for round in 2..4 {
        to_each().await;
        until_within(LEASE, "the healthy node sends what is everybody's", async || {
            (receiver.count() >= round * LANES).then_some(())
        })
        .await;
    }
    until("it tries again, and says so no more", async || warnings().await?.is_empty().then_some(())).await;
    drop(healthy);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shards_of_a_node_that_is_told_to_stop_are_served_while_its_last_requests_are_open() {
    let database = Database::fresh(Store::Postgres).await;
    let mut first = Serve::on(&database).start().await;
    let gate = Gate::closed();
    let closed = gate.clone();
    let hanging = Receiver::scripted(move |_| Reply::status(204).behind(&closed)).await;
    let endpoint = json!({"url": hanging.url(), "event_types": ["hangs"], "timeout_ms": 60_000});
    first.api.endpoint(endpoint).await;
    let healthy = Receiver::healthy().await;
    for lane in 0..LANES {
        first.api.endpoint(json!({"url": healthy.url(), "event_types": [format!("to.{lane}")]})).await;
    }
    // The first node owns everything, and has this open.
    first.api.emit("hangs", b"{}", json!({})).await;
    hanging.wait_for(1).await;

    let second = Serve::on(&database).start().await;
    first.tell_to_stop();
    for lane in 0..LANES {
        database.emit(&NewEvent::new(format!("to.{lane}"), "{}")).await;
    }
    healthy.wait_for(LANES).await;
    assert!(first.is_running(), "its last request is open, and it waits for that");
    gate.open();
    second.api.settled().await;
    assert_eq!(healthy.count(), LANES);
    assert_eq!(hanging.count(), 1, "what was open was handed over as such");
}

on_both_stores! {
    async fn an_engine_that_is_dropped_without_a_word_gives_its_shards_back(store: Store) {
        let database = Database::fresh(store).await;
        let host = Embedded::start(&database, |settings| settings.lease = Duration::from_secs(3_600)).await;
        let store = SharedStore::clone(&host.store);
        let owners = async || store.shard_map().await.expect("it answers").owners.iter().flatten().count();
        until("it owns all shards", async || (owners().await == 64).then_some(())).await;
        drop(host);
        let map = store.shard_map().await.expect("it answers");
        assert_eq!(map.nodes, [], "no lease is left that others would have to wait for");
    }
}

/// What stands in the log at the level of errors about a database that is not what it was.
fn said(log: &str) -> usize {
    log.lines().filter(|line| line.contains("the configuration is older than it was")).count()
}

/// Ends all sessions of a database, as often as it takes, and gives it another name.
async fn rename(connection: &mut PgConnection, from: &str, to: &str) {
    until("nobody is connected", async || {
        let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{from}'");
        connection.execute(AssertSqlSafe(end)).await.expect("its user may");
        connection.execute(AssertSqlSafe(format!("ALTER DATABASE {from} RENAME TO {to}"))).await.ok()
    })
    .await;
}

async fn endpoints(api: &Api, receiver: &Receiver, kind: &str, count: usize) {
    for number in 0..count {
        api.endpoint(json!({"url": receiver.url(), "event_types": [format!("{kind}.{number}")]})).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_database_was_restored_begins_anew_from_what_it_finds() {
    let database = Database::fresh(Store::Postgres).await;
    let receiver = Receiver::healthy().await;
    let server = Serve::on(&database).start().await;
    endpoints(&server.api, &receiver, "before", 1).await;
    server.terminate().await;
    let name = reqwest::Url::parse(database.url()).expect("a URL").path().trim_start_matches('/').to_owned();
    let mut connection = database.another_database().await;
    let copy = format!("CREATE DATABASE {name}_backup TEMPLATE {name}");
    connection.execute(AssertSqlSafe(copy)).await.expect("nobody is connected");

    let server = Serve::on(&database).start().await;
    endpoints(&server.api, &receiver, "lost", 20).await;
    server.api.emit("lost.0", b"{}", json!({})).await;
    receiver.wait_for(1).await;
    server.api.settled().await;
    rename(&mut connection, &name, &format!("{name}_lost")).await;
    rename(&mut connection, &format!("{name}_backup"), &name).await;

    // What another node does with the restored database, which this one must hear of.
    let id = until("the restored database answers", async || {
        let event = NewEvent::new("before.0", "{}");
        ringback_postgres::emit(&mut PgConnection::connect(database.url()).await.ok()?, &event).await.ok()
    })
    .await;
    until("the event of the restored database is sent", async || {
        receiver.arrived().iter().any(|request| request.id() == id.to_string()).then_some(())
    })
    .await;
    until("the API knows the endpoints that there are", async || {
        let answer = server.api.get("/v1/endpoints").await;
        (answer.status == 200 && answer.expect(200)["items"].as_array().map(Vec::len) == Some(1)).then_some(())
    })
    .await;
    endpoints(&server.api, &receiver, "after", 1).await;
    server.api.emit("after.0", b"{}", json!({})).await;
    receiver.wait_for(3).await;
    server.api.emit("lost.0", b"{}", json!({})).await;
    server.api.settled().await;
    assert_eq!(receiver.count(), 3, "an endpoint that there is no more gets nothing");
    assert!(said(&server.log()) <= 2, "it is said, and not over and over");
    drop(server);
    let gone = format!("DROP DATABASE {name}_lost WITH (FORCE)");
    connection.execute(AssertSqlSafe(gone)).await.expect("its user may");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_database_takes_no_writes_is_not_ready_and_says_why() {
    let database = Database::fresh(Store::Postgres).await;
    let server = Serve::on(&database).start().await;
    assert_eq!(server.api.get("/readyz").await.expect(200)["warnings"], json!([]));
    let name = reqwest::Url::parse(database.url()).expect("a URL").path().trim_start_matches('/').to_owned();
    let mut connection = database.another_database().await;
    let cut_off = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    );
    for (read_only, status) in [("on", 503), ("off", 200)] {
        let set = format!("ALTER DATABASE {name} SET default_transaction_read_only = {read_only}");
        connection.execute(AssertSqlSafe(set)).await.expect("its user may");
        connection.execute(AssertSqlSafe(cut_off.clone())).await.expect("its user may");
        let problem = until("readiness follows", async || {
            let answer = server.api.get("/readyz").await;
            (answer.status == status).then_some(answer)
        })
        .await;
        if status == 503 {
            let problem = until("it says why", async || {
                let answer = server.api.get("/readyz").await.expect(503);
                (answer["code"] == "not_writable").then_some(answer)
            })
            .await;
            let detail = problem["detail"].as_str().expect("a text");
            assert!(detail.contains("read-only"), "{detail}");
        } else {
            problem.expect(200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_that_mixes_sessions_up_serve_refuses_to_start_and_says_why() {
    let database = Database::fresh(Store::Postgres).await;
    for pool_mode in ["transaction", "statement"] {
        let proxy = Pgbouncer::before(&database, pool_mode).await;
        let refused = ringback(&database, &["serve", "--database-url", proxy.url(), "--bind", "127.0.0.1:0"]).await;
        assert_eq!(refused.code, 1, "{}", refused.err);
        assert!(
            refused.err.contains("pools by transaction") && refused.err.contains("database_url"),
            "{}",
            refused.err
        );
    }
    let proxy = Pgbouncer::before(&database, "session").await;
    let server = Serve::on(&database).set("database_url", proxy.url()).start().await;
    let receiver = Receiver::healthy().await;
    server.api.endpoint_at(&receiver.url()).await;
    server.api.emit("call.ended", b"{}", json!({})).await;
    receiver.wait_for(1).await;
    server.api.balanced_ledger().await;
}

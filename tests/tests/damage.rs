//! A database that is damaged says so by way of every node: nobody has to find it out by what is missing.

use ringback::event::NewEvent;
use ringback_tests::{
    cluster::Cluster,
    database::Database,
    receiver::Receiver,
    server::{Serve, Server},
    stores::Store,
    until::until,
};
use serde_json::json;

/// Waits until a node says that its database is damaged, and holds it to the words.
async fn told_of_damage(server: &Server, words: &str) {
    let problem = until("readiness tells of the damage", async || {
        let answer = server.api.get("/readyz").await;
        if answer.status != 503 {
            return None;
        }
        let problem = answer.expect(503);
        (problem["code"] == "store_damaged").then_some(problem)
    })
    .await;
    let detail = problem["detail"].as_str().expect("a text");
    assert!(detail.contains("damaged") && detail.contains(words), "{detail}");
    let log = server.log();
    assert!(log.lines().any(|line| line.contains("ERROR") && line.contains("the database is damaged")), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_garbled_file_makes_a_node_not_ready_and_it_says_why() {
    let database = Database::fresh(Store::Sqlite).await;
    let server = Serve::on(&database).start().await;
    let receiver = Receiver::healthy().await;
    server.api.endpoint_at(&receiver.url()).await;
    server.api.emit("call.ended", b"{}", json!({})).await;
    server.api.settled().await;
    server.api.get("/readyz").await.expect(200);
    database.garble().await;
    told_of_damage(&server, "ringback.db").await;
    assert!(server.api.get("/healthz").await.status == 200, "to begin anew would help nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_garbled_page_of_a_table_makes_a_node_not_ready_and_it_says_why() {
    // What waits for the router stands in both.
    for table in ["outbox", "event"] {
        let mut cluster = Cluster::start().await;
        let database = Database::of(&cluster);
        let server = Serve::on(&database).start().await;
        server.api.get("/readyz").await.expect(200);
        server.terminate().await;
        database.emit(&NewEvent::new("call.ended", "{}")).await;
        cluster.garble("ringback", table).await;
        let server = Serve::on(&database).start().await;
        told_of_damage(&server, "invalid page").await;
    }
}

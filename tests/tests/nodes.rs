//! Which processes send, until when, and which shards nobody serves: the same by HTTP, on the command line and on the page.

use ringback_tests::{
    api::{Api, id_of},
    command::ringback,
    database::Database,
    on_both_stores,
    server::{Serve, TOKEN},
    stores::Store,
    until::until,
};
use serde_json::Value;

use crate::dashboard::logged_in;

/// The nodes, once every shard has one that is alive.
async fn all_served(api: &Api) -> Value {
    until("every shard is served", async || {
        let nodes = api.get("/v1/nodes").await.expect(200);
        (nodes["unowned_shards"] == 0).then_some(nodes)
    })
    .await
}

fn shards(nodes: &Value) -> u64 {
    nodes["items"].as_array().expect("a list").iter().filter_map(|node| node["shards"].as_u64()).sum()
}

on_both_stores! {
    async fn the_node_that_sends_is_told_wherever_it_is_asked_for(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let nodes = all_served(&server.api).await;
        let node = &nodes["items"][0];
        assert_eq!((&nodes["shards"], &node["shards"], &node["state"]), (&64.into(), &64.into(), &"alive".into()), "{nodes}");
        assert!(node["is_this"] == true && node["lease_until"].as_str() > node["since"].as_str(), "{nodes}");
        let id = id_of(node);
        assert!(server.log().contains(&id), "the log names it so");

        let asked = ["nodes", "--url", server.api.base(), "--token", TOKEN];
        assert!(ringback(&database, &asked).await.done().contains(&id));
        // Another process, which does not send.
        let told = ringback(&database, &["nodes"]).await.done();
        assert!(told.contains(&id) && told.contains("alive") && told.contains("64"), "{told}");
        let other = ringback(&database, &["nodes", "--json"]).await.json();
        assert_eq!((id_of(&other["items"][0]), &other["items"][0]["is_this"]), (id, &false.into()), "{other}");

        let page = logged_in(&server).await;
        page.go(&format!("{}/nodes", server.api.base())).await;
        let told = page.text_with("this one").await;
        assert!(told.contains(&id_of(node)) && told.contains("alive"), "{told}");
        let acme = ringback(&database, &["token", "create", "--scope", "admin", "--tenant", "acme"]).await.done();
        server.api.with_token(acme.trim()).get("/v1/nodes").await.expect_problem(403, "forbidden");

        server.terminate().await;
        let nothing = ringback(&database, &["nodes"]).await;
        assert!(nothing.code == 3 && nothing.err.contains("no process sends"), "{}{}", nothing.out, nothing.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_share_the_shards_and_a_dead_one_is_told_as_ended() {
    let database = Database::fresh(Store::Postgres).await;
    let first = Serve::on(&database).set("lease", "3s").start().await;
    let second = Serve::on(&database).set("lease", "3s").start().await;
    let nodes = until("both own some", async || {
        let nodes = all_served(&first.api).await;
        let some = |node: &Value| node["shards"].as_u64() > Some(0);
        (nodes["items"].as_array().is_some_and(|items| items.len() == 2 && items.iter().all(some))).then_some(nodes)
    })
    .await;
    assert_eq!(shards(&nodes), 64, "{nodes}");
    let this = |nodes: &Value| {
        let items = nodes["items"].as_array().expect("a list").iter();
        items.filter(|node| node["is_this"] == true).map(id_of).collect::<Vec<_>>()
    };
    let by_second = second.api.get("/v1/nodes").await.expect(200);
    let (one, two) = (this(&nodes), this(&by_second));
    assert!(one.len() == 1 && two.len() == 1 && one != two, "each knows itself: {nodes} {by_second}");

    first.kill().await;
    let nodes = until("the other serves all", async || {
        let nodes = all_served(&second.api).await;
        (nodes["items"].as_array()?.len() == 1).then_some(nodes)
    })
    .await;
    assert_eq!((shards(&nodes), this(&nodes)), (64, two), "{nodes}");

    second.kill().await;
    let nodes = until("its lease ends, and nobody removes it", async || {
        let nodes = ringback(&database, &["nodes", "--json"]).await.json();
        (nodes["items"][0]["state"] == "ended").then_some(nodes)
    })
    .await;
    assert_eq!((&nodes["unowned_shards"], shards(&nodes)), (&64.into(), 64), "{nodes}");
    let told = ringback(&database, &["nodes"]).await.done();
    assert!(told.contains("64 of 64 shards have no node that is alive"), "{told}");
}

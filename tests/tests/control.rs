//! Promise 12: pause, expunge, cancel and configuration changes reach every node within a second.

use std::time::Duration;

use ringback_tests::{
    api::{Api, id_of},
    database::Database,
    on_both_stores,
    receiver::{Gate, Receiver, Reply},
    server::{Serve, Server},
    stores::Store,
    until::{until, until_within},
};
use serde_json::json;

/// What is promised, and what a busy machine may add.
const WITHIN: Duration = Duration::from_secs(3);

const LANES: usize = 16;

/// Endpoints in lanes that two nodes share, and something in each lane every moment.
struct Fleet {
    nodes: Vec<Server>,
    endpoints: Vec<String>,
}

impl Fleet {
    async fn on(database: &Database, receiver: &Receiver) -> Self {
        let mut nodes = vec![Serve::on(database).set("header_prefix", "node0-").start().await];
        if database.store() == Store::Postgres {
            nodes.push(Serve::on(database).set("header_prefix", "node1-").start().await);
        }
        let mut endpoints = Vec::new();
        for _ in 0..LANES {
            endpoints.push(nodes[0].api.endpoint_at(&receiver.url()).await);
        }
        let fleet = Self { nodes, endpoints };
        let mut rounds = 0;
        until("every node sends", async || {
            fleet.api().emit("call.ended", b"{}", json!({})).await;
            rounds += 1;
            let requests = receiver.wait_for(rounds * LANES).await;
            let latest = &requests[requests.len() - LANES..];
            let sends = |node: usize| latest.iter().any(|it| !it.header(&format!("node{node}-attempt")).is_empty());
            (0..fleet.nodes.len()).all(sends).then_some(())
        })
        .await;
        fleet
    }

    fn api(&self) -> &Api {
        &self.nodes[0].api
    }

    async fn all(&self, verb: &str) {
        for endpoint in &self.endpoints {
            self.api().post(&format!("/v1/endpoints/{endpoint}/{verb}"), &json!({})).await.expect(200);
        }
    }
}

on_both_stores! {
    async fn a_pause_reaches_every_node_and_a_resume_lets_what_waited_go(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::healthy().await;
        let fleet = Fleet::on(&database, &receiver).await;
        fleet.all("pause").await;
        tokio::time::sleep(WITHIN).await;
        let before = receiver.count();
        let event = fleet.nodes.last().expect("a node").api.emit("call.ended", b"{}", json!({})).await;
        let deliveries = fleet.api().deliveries_of(&event).await;
        assert_eq!(deliveries.len(), LANES, "a paused endpoint still gets its deliveries");
        for delivery in &deliveries {
            let held = |it: &serde_json::Value| it["hold_reason"] == "paused" && it["status"] == "pending";
            fleet.api().delivery_when(&id_of(delivery), "it is held", held).await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(receiver.count(), before, "nothing is sent meanwhile");

        fleet.all("resume").await;
        let requests = receiver.wait_within(WITHIN * 2, before + LANES).await;
        assert!(requests[before..].iter().all(|request| request.id() == event));
        let delivery = fleet.api().delivery_with_status(&id_of(&deliveries[0]), "delivered").await;
        assert_eq!(delivery["attempt_count"], 1, "being held is no attempt");
    }

    async fn a_new_address_is_used_by_every_node(store: Store) {
        let database = Database::fresh(store).await;
        let (old, new) = (Receiver::healthy().await, Receiver::healthy().await);
        let fleet = Fleet::on(&database, &old).await;
        for endpoint in &fleet.endpoints {
            let patch = json!({"url": new.url()});
            fleet.api().patch(&format!("/v1/endpoints/{endpoint}"), &patch).await.expect(200);
        }
        tokio::time::sleep(WITHIN).await;
        let before = old.count();
        fleet.nodes.last().expect("a node").api.emit("call.ended", b"{}", json!({})).await;
        new.wait_for(LANES).await;
        assert_eq!(old.count(), before);
    }

    async fn an_expunged_event_is_not_sent_by_any_node(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::healthy().await;
        let fleet = Fleet::on(&database, &receiver).await;
        fleet.all("pause").await;
        tokio::time::sleep(WITHIN).await;
        let before = receiver.count();
        let event = fleet.api().emit("call.ended", b"{}", json!({})).await;
        let deliveries = fleet.api().deliveries_of(&event).await;
        fleet.api().delete(&format!("/v1/events/{event}/payload")).await.expect(204);
        fleet.all("resume").await;
        let next = fleet.api().emit("call.ended", b"{}", json!({})).await;
        let requests = receiver.wait_for(before + LANES).await;
        assert!(requests[before..].iter().all(|request| request.id() == next));
        for delivery in deliveries {
            fleet.api().delivery_with_status(&id_of(&delivery), "cancelled").await;
        }
    }

    async fn a_deleted_endpoint_gets_nothing_any_more(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::answering(500).await;
        let server = Serve::on(&database).start().await;
        let retry = json!({"max_attempts": 100, "delays_ms": [30], "jitter": 0.0});
        let endpoint = json!({"url": receiver.url(), "event_types": ["*"], "retry": retry});
        let endpoint = id_of(&server.api.endpoint(endpoint).await);
        let event = server.api.emit("call.ended", b"{}", json!({})).await;
        let id = server.api.delivery_of(&event).await;
        receiver.wait_for(2).await;
        server.api.delete(&format!("/v1/endpoints/{endpoint}")).await.expect(204);
        server.api.delivery_with_status(&id, "cancelled").await;
        until_within(WITHIN, "nothing is open", async || (receiver.open() == 0).then_some(())).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let stopped = receiver.count();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(receiver.count(), stopped);
        server.api.balanced_ledger().await;
    }

    async fn a_receiver_that_says_gone_is_left_alone_until_it_is_enabled_again(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::answering(410).await;
        let server = Serve::on(&database).start().await;
        let endpoint = server.api.endpoint_at(&receiver.url()).await;
        let event = server.api.emit("call.ended", b"{}", json!({})).await;
        let id = server.api.delivery_of(&event).await;
        server.api.delivery_when(&id, "it is held", |it| it["hold_reason"] == "endpoint_disabled").await;
        let document = server.api.get(&format!("/v1/endpoints/{endpoint}")).await.expect(200);
        assert_eq!((&document["enabled"], &document["disabled_reason"]), (&json!(false), &json!("gone")));
        assert_eq!(receiver.count(), 1);

        receiver.answer(|_| Reply::status(204));
        server.api.patch(&format!("/v1/endpoints/{endpoint}"), &json!({"enabled": true})).await.expect(200);
        server.api.delivery_with_status(&id, "delivered").await;
        assert_eq!(receiver.count(), 2);
    }

    async fn a_late_gone_of_the_old_url_does_not_disable_the_endpoint_that_was_given_another(store: Store) {
        let database = Database::fresh(store).await;
        let gate = Gate::closed();
        let closed = gate.clone();
        let old = Receiver::scripted(move |_| Reply::status(410).behind(&closed)).await;
        let new = Receiver::healthy().await;
        let server = Serve::on(&database).start().await;
        let endpoint = server.api.endpoint_at(&old.url()).await;
        let event = server.api.emit("call.ended", b"{}", json!({})).await;
        let id = server.api.delivery_of(&event).await;
        old.wait_for(1).await;
        server.api.patch(&format!("/v1/endpoints/{endpoint}"), &json!({"url": new.url()})).await.expect(200);
        gate.open();
        server.api.delivery_with_status(&id, "delivered").await;
        let document = server.api.get(&format!("/v1/endpoints/{endpoint}")).await.expect(200);
        assert_eq!(document["enabled"], json!(true));
        assert_eq!((old.count(), new.count()), (1, 1));
    }
}

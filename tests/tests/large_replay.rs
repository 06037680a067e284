//! Promise 12 in the midst of a large replay: that thousands of deliveries are released at once, any of which may be the next
//! of its ordering key, keeps no node from obeying a pause.

use std::{sync::Arc, time::Duration};

use ringback::store::SharedStore;
use ringback_testkit::{Fault, Faulty};
use ringback_tests::{
    api::{count, id_of},
    database::Database,
    embedded::Embedded,
    fleet::{Fleet, PROMISED},
    on_both_stores,
    receiver::{Receiver, Reply},
    server::Serve,
    stores::Store,
    until::{until, until_within},
};
use serde_json::json;
use tokio::time::Instant;

/// Ordered endpoints, and the events that each of them is owed, each under an ordering key of its own.
const LANES: usize = 6;
const EVENTS: usize = 1_000;

/// How long the receiver takes, and how many requests it is sent at a time by each lane: sending all of them takes ten
/// seconds at least, and releasing them some.
const ANSWERS_AFTER: Duration = Duration::from_millis(40);
const IN_FLIGHT: usize = 4;

/// Released before the pause: most of them are still to be looked after then.
const RELEASED: i64 = 2_000;

/// For how long receivers are watched after the pause must have been obeyed: as long as many answers take.
const WATCHED: Duration = Duration::from_secs(2);

/// A debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The endpoints, with dead letters that nobody has tried to send: held for too long, they were given up.
async fn dead_letters(database: &Database, receiver: &Receiver) -> Vec<String> {
    let server = Serve::on(database).start().await;
    let mut endpoints = Vec::new();
    for lane in 0..LANES {
        let endpoint = json!({
            "url": format!("http://{}/lane-{lane}", receiver.address()), "event_types": ["*"], "ordered": true,
            "max_in_flight": IN_FLIGHT,
        });
        endpoints.push(id_of(&server.api.endpoint(endpoint).await));
    }
    for id in &endpoints {
        server.api.post(&format!("/v1/endpoints/{id}/pause"), &json!({})).await.expect(200);
    }
    let event = |call| json!({"type": "call.ended", "payload": {}, "ordering_key": format!("call-{call}")});
    let events: Vec<_> = (0..EVENTS).map(event).collect();
    server.api.post("/v1/events/batch", &json!({"events": events})).await.expect(202);
    server.terminate().await;
    // A server that has just started keeps house at once.
    let server = Serve::on(database).set("expires_after", "1s").start().await;
    until_within(PATIENCE, "all are dead", async || {
        (server.api.balanced_ledger().await["deliveries"]["dead"] == LANES * EVENTS).then_some(())
    })
    .await;
    for id in &endpoints {
        server.api.post(&format!("/v1/endpoints/{id}/resume"), &json!({})).await.expect(200);
    }
    assert_eq!(receiver.count(), 0);
    server.terminate().await;
    endpoints
}

on_both_stores! {
    async fn a_pause_in_the_midst_of_a_replay_is_obeyed_within_a_second_also_where_endpoints_are_ordered(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::scripted(|_| Reply::status(204).after(ANSWERS_AFTER)).await;
        let endpoints = dead_letters(&database, &receiver).await;
        let fleet = Fleet::on(&database).await;
        let replay = json!({"filter": {"status": "dead"}});
        let replay = format!("/v1/replays/{}", id_of(&fleet.first().post("/v1/replays", &replay).await.expect(202)));
        until_within(PATIENCE, "every lane sends, and much is released", async || {
            let arrived = receiver.arrived();
            let sends = |lane| arrived.iter().any(|request| request.path == format!("/lane-{lane}"));
            let released = count(&fleet.first().get(&replay).await.expect(200)["released"]);
            ((0..LANES).all(sends) && released >= RELEASED).then_some(())
        })
        .await;

        let mut answered = Vec::new();
        for (turn, id) in endpoints.iter().enumerate() {
            let paused = fleet.by_turns(turn).post(&format!("/v1/endpoints/{id}/pause"), &json!({})).await;
            assert_eq!(paused.expect(200)["paused"], true);
            answered.push(Instant::now());
        }
        let slack = fleet.slack().await;
        tokio::time::sleep(PROMISED + WATCHED).await;
        let arrived = receiver.arrived();
        for (lane, answered) in answered.into_iter().enumerate() {
            let sent: Vec<_> = arrived.iter().filter(|request| request.path == format!("/lane-{lane}")).collect();
            let late: Vec<_> = sent.iter().filter(|request| request.at > answered + PROMISED + slack).collect();
            let last = late.last().map(|request| request.at - answered);
            assert!(late.is_empty(), "lane {lane}: {} after the pause, the last {last:?} after it ({slack:?} slack)", late.len());
            assert!(sent.len() < EVENTS, "the pause came before the lane had sent everything");
        }
    }
}

/// Released deliveries, and how long it takes to look one up: all of them together many times as long as a pause may take.
const LOOKED_UP: usize = 60;
const LOOK_UP: Duration = Duration::from_millis(200);

/// Between two tries of the delivery whose endpoint is paused.
const AGAIN_MS: u64 = 150;

// SQLite tells of one released delivery for each lane, and looks thousands up in a moment: so here are many lanes, and each
// look-up takes long.
on_both_stores! {
    async fn a_pause_is_obeyed_while_what_was_released_before_is_looked_up_slowly(store: Store) {
        let database = Database::fresh(store).await;
        let mut faulty = None;
        let around = |store: SharedStore| -> SharedStore {
            let around = Faulty::around(store);
            faulty = Some(Arc::clone(&around));
            around
        };
        let host = Embedded::around(&database, around, |settings| {
            settings.egress.allow_http = true;
            settings.egress.allow = vec!["127.0.0.0/8".parse().expect("a network")];
        })
        .await;
        let faulty = faulty.expect("it was put around the store");
        let dead = Receiver::answering(500).await;
        let ordered = json!({"url": dead.url(), "event_types": ["ordered"], "ordered": true, "retry": {"max_attempts": 1}});
        for _ in 0..LOOKED_UP {
            host.api.endpoint(ordered.clone()).await;
        }
        host.api.emit("ordered", b"{}", json!({"ordering_key": "call"})).await;
        until("all are dead", async || {
            (host.api.balanced_ledger().await["deliveries"]["dead"] == LOOKED_UP).then_some(())
        })
        .await;
        let receiver = Receiver::answering(500).await;
        let retry = json!({"max_attempts": 100, "delays_ms": [AGAIN_MS], "jitter": 0.0});
        let again = json!({"url": receiver.url(), "event_types": ["again"], "retry": retry});
        let again = id_of(&host.api.endpoint(again).await);
        host.api.emit("again", b"{}", json!({})).await;
        receiver.wait_for(3).await;

        faulty.next("delivery", vec![Fault::Late(LOOK_UP); LOOKED_UP]);
        let before = faulty.count("delivery");
        host.api.post("/v1/replays", &json!({"filter": {"status": "dead", "type": "ordered"}})).await.expect(202);
        let looked_up = || (faulty.count("delivery") - before) as usize;
        until("what is released is being looked up", async || (looked_up() > 0).then_some(())).await;
        let paused = host.api.post(&format!("/v1/endpoints/{again}/pause"), &json!({})).await.expect(200);
        assert_eq!(paused["paused"], true);
        let answered = Instant::now();
        tokio::time::sleep_until(answered + PROMISED + WATCHED).await;
        let late: Vec<_> = receiver.arrived().iter().map(|it| it.at).filter(|at| *at > answered + PROMISED).collect();
        assert!(late.is_empty(), "{} after the pause", late.len());
        assert!(looked_up() < LOOKED_UP, "all that while something was still to be looked up");
    }
}

//! Promise 7: one receiver, however slow, does not change another's latency.

use std::time::Duration;

use ringback::delivery::{LaneId, Shard};
use ringback_tests::{
    api::id_of,
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::Serve,
    stores::Store,
};
use serde_json::{Value, json};
use tokio::time::Instant;

/// How long the hanging one hangs: its own timeout is longer.
const HANG: Duration = Duration::from_secs(30);

/// Far below [`HANG`] and far above what a busy machine needs: whoever waits for the hanging one exceeds it.
const AT_ONCE: Duration = Duration::from_secs(5);

/// 20 events a second for so many ticks, to each of the two.
const TICKS: u32 = 120;
const TICK: Duration = Duration::from_millis(50);

fn shard_of(endpoint: &Value) -> Shard {
    let id = id_of(endpoint).parse().expect("an id");
    LaneId::of_endpoint(id).shard()
}

on_both_stores! {
    async fn twenty_events_a_second_to_an_endpoint_that_hangs_delay_nobody_else(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let hanging = Receiver::scripted(|_| Reply::status(204).after(HANG)).await;
        let healthy = Receiver::healthy().await;
        let slow = json!({"url": hanging.url(), "event_types": ["hang"], "timeout_ms": 60_000});
        server.api.endpoint(slow).await;
        server.api.endpoint(json!({"url": healthy.url(), "event_types": ["flow"]})).await;

        let mut ticks = tokio::time::interval(TICK);
        let mut emitted = Vec::new();
        for number in 0..TICKS {
            ticks.tick().await;
            server.api.emit("hang", b"{}", json!({})).await;
            emitted.push((server.api.emit("flow", number.to_string().as_bytes(), json!({})).await, Instant::now()));
        }
        let arrived = healthy.wait_within(AT_ONCE, emitted.len()).await;
        for (event, at) in &emitted {
            let request = arrived.iter().find(|request| request.id() == event).expect("it has arrived");
            let waited = request.at.saturating_duration_since(*at);
            assert!(waited < AT_ONCE, "{event} waited {waited:?}");
        }
        assert!(hanging.open() > 0, "the hanging one still hangs");
        assert!(hanging.most_open() <= 16, "and holds no more places than it may: {}", hanging.most_open());
    }

    async fn many_hanging_endpoints_leave_room_for_a_healthy_one(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).set("max_in_flight_per_node", "64").start().await;
        let hanging = Receiver::scripted(|_| Reply::status(204).after(HANG)).await;
        let healthy = Receiver::healthy().await;
        // More than the node has places: 10 x 16 > 64.
        for _ in 0..10 {
            let slow = json!({"url": hanging.url(), "event_types": ["hang"], "timeout_ms": 60_000});
            server.api.endpoint(slow).await;
        }
        server.api.endpoint(json!({"url": healthy.url(), "event_types": ["flow"]})).await;
        for _ in 0..16 {
            server.api.emit("hang", b"{}", json!({})).await;
        }
        for number in 0..20 {
            server.api.emit("flow", number.to_string().as_bytes(), json!({})).await;
        }
        healthy.wait_within(HANG / 2, 20).await;
        assert!(hanging.open() > 0, "the others still hang");
    }

    async fn a_node_that_starts_finds_what_another_lanes_backlog_stands_before(store: Store) {
        /// More than a lane has in memory, by more than one read of a shard.
        const BACKLOG: usize = 4_000;
        const BATCH: usize = 500;
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let hanging = Receiver::scripted(|_| Reply::status(204).after(HANG)).await;
        let other = Receiver::scripted(|_| Reply::status(204).after(HANG)).await;
        let to = |receiver: &Receiver, kind: &str| json!({"url": receiver.url(), "event_types": [kind], "timeout_ms": 60_000});
        let shard = shard_of(&server.api.endpoint(to(&hanging, "hang")).await);
        let mut of_shard = None;
        for _ in 0..2_000 {
            let made = server.api.endpoint(to(&other, "flow")).await;
            if shard_of(&made) == shard {
                of_shard = Some(made);
                break;
            }
            server.api.delete(&format!("/v1/endpoints/{}", id_of(&made))).await.expect(204);
        }
        assert!(of_shard.is_some(), "one of 64 shards");
        for _ in 0..BACKLOG / BATCH {
            let batch = vec![json!({"type": "hang", "payload": {}}); BATCH];
            server.api.post("/v1/events/batch", &json!({"events": batch})).await.expect(202);
        }
        let mut emitted = Vec::new();
        for _ in 0..30 {
            emitted.push(server.api.emit("flow", b"{}", json!({})).await);
        }
        server.kill().await;
        other.answer(|_| Reply::status(204));
        let before = other.count();
        // What became due a moment ago is found without looking at what was due before.
        tokio::time::sleep(Duration::from_secs(12)).await;
        let _server = Serve::on(&database).start().await;
        // Nobody walks through everything before a minute has gone by.
        let arrived = other.wait_within(Duration::from_secs(45), before + emitted.len()).await;
        for event in &emitted {
            assert!(arrived[before..].iter().any(|request| request.id() == event), "{event} has arrived again");
        }
    }
}

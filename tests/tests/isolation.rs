//! Promise 7: one receiver, however slow, does not change another's latency.

use std::time::Duration;

use ringback::delivery::{LaneId, Shard};
use ringback_tests::{
    api::id_of,
    database::Database,
    on_both_stores,
    receiver::{Gate, Receiver, Reply},
    server::Serve,
    stores::Store,
};
use serde_json::{Value, json};

/// Whoever waits for a hanging one waits for its timeout, which is twice as long.
const PATIENCE: Duration = Duration::from_secs(30);
const TIMEOUT_MS: u64 = 60_000;

/// 20 events a second for so many ticks, to each of the two.
const TICKS: u32 = 80;
const TICK: Duration = Duration::from_millis(50);

/// A receiver that answers nothing for as long as its gate is closed.
async fn hanging() -> (Receiver, Gate) {
    let gate = Gate::closed();
    let closed = gate.clone();
    (Receiver::scripted(move |_| Reply::status(204).behind(&closed)).await, gate)
}

/// Whether no request to it has ended.
fn still_hangs(receiver: &Receiver) -> bool {
    let begun = receiver.count();
    begun > 0 && receiver.open() >= begun
}

fn shard_of(endpoint: &Value) -> Shard {
    let id = id_of(endpoint).parse().expect("an id");
    LaneId::of_endpoint(id).shard()
}

on_both_stores! {
    async fn twenty_events_a_second_to_an_endpoint_that_hangs_delay_nobody_else(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let (hanging, gate) = hanging().await;
        let healthy = Receiver::healthy().await;
        let slow = json!({"url": hanging.url(), "event_types": ["hang"], "timeout_ms": TIMEOUT_MS});
        server.api.endpoint(slow).await;
        server.api.endpoint(json!({"url": healthy.url(), "event_types": ["flow"]})).await;

        let mut ticks = tokio::time::interval(TICK);
        let mut emitted = Vec::new();
        for number in 0..TICKS {
            ticks.tick().await;
            server.api.emit("hang", b"{}", json!({})).await;
            emitted.push(server.api.emit("flow", number.to_string().as_bytes(), json!({})).await);
        }
        let arrived = healthy.wait_within(PATIENCE, emitted.len()).await;
        assert!(emitted.iter().all(|event| arrived.iter().any(|request| request.id() == event)), "all have arrived");
        // Not one request to the hanging one has ended: what arrived did so before.
        assert!(still_hangs(&hanging), "the hanging one still hangs");
        assert!(hanging.most_open() <= 16, "and holds no more places than it may: {}", hanging.most_open());
        drop(gate);
    }

    async fn many_hanging_endpoints_leave_room_for_a_healthy_one(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).set("max_in_flight_per_node", "64").start().await;
        let (hanging, gate) = hanging().await;
        let healthy = Receiver::healthy().await;
        // More than the node has places: 10 x 16 > 64.
        for _ in 0..10 {
            let slow = json!({"url": hanging.url(), "event_types": ["hang"], "timeout_ms": TIMEOUT_MS});
            server.api.endpoint(slow).await;
        }
        server.api.endpoint(json!({"url": healthy.url(), "event_types": ["flow"]})).await;
        for _ in 0..16 {
            server.api.emit("hang", b"{}", json!({})).await;
        }
        for number in 0..20 {
            server.api.emit("flow", number.to_string().as_bytes(), json!({})).await;
        }
        healthy.wait_within(PATIENCE, 20).await;
        assert!(still_hangs(&hanging), "the others still hang");
        drop(gate);
    }

    async fn a_node_that_starts_finds_what_another_lanes_backlog_stands_before(store: Store) {
        /// More than a lane has in memory, by more than one read of a shard.
        const BACKLOG: usize = 4_000;
        const BATCH: usize = 500;
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let ((hanging, _gate), (other, _other_gate)) = (hanging().await, hanging().await);
        let to = |receiver: &Receiver, kind: &str| json!({"url": receiver.url(), "event_types": [kind], "timeout_ms": TIMEOUT_MS});
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

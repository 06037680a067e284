//! Promises 3 and 4, where the database does what it is asked and its answer is lost, where it is not reached at all, and
//! where asking it panics: each of the pipeline's calls in turn.

use std::{sync::Arc, time::Duration};

use ringback::event::NewEvent;
use ringback_testkit::{Fault, Faulty};
use ringback_tests::{database::Database, embedded::Embedded, on_both_stores, receiver::Receiver, stores::Store};
use serde_json::{Value, json};

/// What the pipeline asks while events come and go. Whether an event was accepted whose answer was lost, its caller cannot
/// know, so that call is not among them.
const CALLS: [&str; 14] = [
    "register_node",
    "shard_map",
    "claim_shards",
    "load_holds",
    "changes_since",
    "read_outbox",
    "record_routing",
    "feed",
    "feed_lanes",
    "pending_lanes",
    "load_events",
    "find_untried",
    "record",
    "set_holds",
];

/// An engine on a store that can be made to fail, and does so with these calls from the beginning.
async fn host_with(database: &Database, calls: &[&str], faults: &[Fault]) -> (Embedded, Arc<Faulty>) {
    let mut faulty = None;
    let host = Embedded::around(
        database,
        |inner| {
            let around = Faulty::around(inner);
            for call in calls {
                around.next(call, faults.iter().copied());
            }
            faulty = Some(Arc::clone(&around));
            around
        },
        |settings| {
            // Whoever registers without hearing of it has a share of the shards until its lease has ended.
            settings.lease = Duration::from_secs(3);
            settings.egress.allow_http = true;
            settings.egress.allow = vec!["127.0.0.0/8".parse().expect("a network")];
        },
    )
    .await;
    (host, faulty.expect("it was put around the store"))
}

/// Emits events while each of the pipeline's calls fails, one time so and the next time otherwise: each event arrives once,
/// and its outcome is recorded as what it is.
async fn each_arrives_once(store: Store, one: Fault, other: Fault) {
    let database = Database::fresh(store).await;
    // Whoever makes the endpoint waits for its change to be read.
    let calls: Vec<_> = CALLS.into_iter().filter(|call| *call != "changes_since").collect();
    let (host, faulty) = host_with(&database, &calls, &[one, other, one]).await;
    let receiver = Receiver::healthy().await;
    host.api.endpoint_at(&receiver.url()).await;
    let mut events = Vec::new();
    for round in 0..3 {
        for _ in 0..3 {
            events.push(database.emit(&NewEvent::new("call.ended", "{}")).await);
            events.push(host.api.emit("call.ended", b"{}", json!({})).await);
        }
        host.engine.wake();
        host.api.settled().await;
        if round < 2 {
            for call in CALLS {
                faulty.next(call, [one, other]);
            }
        }
    }
    let mut arrived: Vec<_> =
        receiver.arrived_when_settled(&host.api).await.iter().map(|request| request.id().to_owned()).collect();
    arrived.sort_unstable();
    events.sort_unstable();
    assert_eq!(arrived, events, "each once");
    for event in &events {
        let delivery = host.api.delivery_of(event).await;
        let delivery = host.api.delivery_with_status(&delivery, "delivered").await;
        let outcomes = delivery["attempts"].as_array().expect("a list").iter().map(|attempt| &attempt["outcome"]);
        assert_eq!(outcomes.collect::<Vec<_>>(), [&Value::from("delivered")], "{delivery}");
    }
    for call in ["register_node", "claim_shards", "record_routing", "record", "read_outbox", "feed"] {
        assert!(faulty.count(call) > 3, "{call} was asked {} times", faulty.count(call));
    }
}

on_both_stores! {
    async fn an_answer_that_is_lost_makes_nothing_twice_and_loses_nothing(store: Store) {
        each_arrives_once(store, Fault::AnswerLost, Fault::Unreached).await;
    }

    async fn a_call_that_panics_makes_nothing_twice_and_loses_nothing(store: Store) {
        each_arrives_once(store, Fault::PanicsAfter, Fault::Panics).await;
    }

    async fn whose_event_is_being_committed_when_that_panics_is_told_so_and_the_next_is_accepted(store: Store) {
        let database = Database::fresh(store).await;
        let (host, faulty) = host_with(&database, &[], &[]).await;
        let receiver = Receiver::healthy().await;
        host.api.endpoint_at(&receiver.url()).await;
        let event = |key: &str| json!({"type": "call.ended", "payload": {}, "idempotency_key": key});
        for (round, fault) in [Fault::Panics, Fault::PanicsAfter, Fault::Panics].into_iter().enumerate() {
            faulty.next("accept", [fault]);
            let key = format!("call-{round}");
            host.api.post("/v1/events", &event(&key)).await.expect_problem(500, "internal");
            // Whoever is told so asks again, and gets his one event.
            let again = host.api.post("/v1/events", &event(&key)).await;
            again.expect(if fault == Fault::PanicsAfter { 200 } else { 202 });
        }
        assert_eq!(receiver.arrived_when_settled(&host.api).await.len(), 3);
    }
}

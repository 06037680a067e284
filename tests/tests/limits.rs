//! Promise 11: in-flight and rate limits of a lane are exact, with several nodes and while lanes move between them.

use std::{collections::HashSet, time::Duration};

use ringback_tests::{
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::Serve,
    stores::Store,
    until::until,
};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_share_the_work_and_keep_every_in_flight_limit_also_while_lanes_move() {
    const ENDPOINTS: usize = 12;
    const LIMIT: usize = 3;
    const EVENTS_LEAST: usize = 60;
    let database = Database::fresh(Store::Postgres).await;
    let serve = |name: &'static str| Serve::on(&database).set("header_prefix", name).start();
    let first = serve("first-").await;
    let mut receivers = Vec::new();
    for number in 0..ENDPOINTS {
        let receiver = Receiver::scripted(|_| Reply::status(204).after(Duration::from_millis(120))).await;
        let event_type = format!("to.{number}");
        let limited = json!({"url": receiver.url(), "event_types": [event_type], "max_in_flight": LIMIT});
        first.api.endpoint(limited).await;
        receivers.push(receiver);
    }
    let one_to_each = async || {
        let event = |number: usize| json!({"type": format!("to.{number}"), "payload": {}});
        let batch = json!({"events": (0..ENDPOINTS).map(event).collect::<Vec<_>>()});
        first.api.post("/v1/events/batch", &batch).await.expect(202);
    };
    for _ in 0..EVENTS_LEAST {
        one_to_each().await;
    }
    // The second node joins while all lanes are busy, and they stay so until it sends, however long it takes to start.
    receivers[0].wait_for(3).await;
    let second = serve("second-").await;
    let mut events = EVENTS_LEAST;
    until("the second node sends too", async || {
        one_to_each().await;
        events += 1;
        let by_second = |request: &ringback_tests::receiver::Arrived| !request.header("second-attempt").is_empty();
        receivers.iter().any(|receiver| receiver.arrived().iter().any(by_second)).then_some(())
    })
    .await;
    first.api.settled().await;
    for receiver in &receivers {
        let requests = receiver.arrived_when_settled(&second.api).await;
        let ids: HashSet<_> = requests.iter().map(|request| request.id().to_owned()).collect();
        assert_eq!((ids.len(), requests.len()), (events, events), "none is lost, and none is sent by both");
        assert!(receiver.most_open() <= LIMIT, "{} at a time", receiver.most_open());
    }
    let by_first = |request: &ringback_tests::receiver::Arrived| !request.header("first-attempt").is_empty();
    assert!(receivers.iter().any(|receiver| receiver.arrived().last().is_some_and(by_first)), "and so does the first");
}

on_both_stores! {
    async fn an_endpoint_is_never_sent_more_at_a_time_or_faster_than_it_allows(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let narrow = Receiver::scripted(|_| Reply::status(204).after(Duration::from_millis(20))).await;
        let slow = Receiver::healthy().await;
        server.api.endpoint(json!({"url": narrow.url(), "event_types": ["*"], "max_in_flight": 2})).await;
        server.api.endpoint(json!({"url": slow.url(), "event_types": ["*"], "rate_per_second": 10.0})).await;
        for _ in 0..25 {
            server.api.emit("call.ended", b"{}", json!({})).await;
        }
        assert_eq!(narrow.arrived_when_settled(&server.api).await.len(), 25);
        assert!(narrow.most_open() <= 2, "{} at a time", narrow.most_open());
        let requests = slow.arrived();
        assert_eq!(requests.len(), 25);
        // A burst of one second's worth is within the rate; the rest is spread.
        let took = requests[24].at - requests[0].at;
        assert!(took >= Duration::from_millis(1_300), "25 at 10 a second took {took:?}");
    }
}

//! Promise 3: at least once, under the same id on every attempt, on every replay, and at every endpoint.

use ringback_tests::{
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::Serve,
    stores::Store,
};
use serde_json::json;

on_both_stores! {
    async fn every_attempt_and_replay_at_every_endpoint_carries_the_id_of_the_event(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receivers = [Receiver::healthy().await, Receiver::answering(500).await];
        for receiver in &receivers {
            let retry = json!({"max_attempts": 2, "delays_ms": [50], "jitter": 0.0});
            server.api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "retry": retry})).await;
        }
        let event = server.api.emit("call.ended", b"{}", json!({})).await;
        for delivery in server.api.deliveries_of(&event).await {
            let id = delivery["id"].as_str().expect("an id").to_owned();
            server.api.delivery_when(&id, "it is finished", |delivery| delivery["status"] != "pending").await;
            server.api.post(&format!("/v1/deliveries/{id}/replay"), &json!({})).await.expect(202);
        }
        let healthy = receivers[0].arrived_when_settled(&server.api).await;
        let failing = receivers[1].arrived_when_settled(&server.api).await;
        for request in healthy.iter().chain(&failing) {
            assert_eq!(request.id(), event);
        }
        let numbers = |requests: &[ringback_tests::receiver::Arrived]| -> Vec<String> {
            requests.iter().map(|request| request.header("ringback-attempt").to_owned()).collect()
        };
        assert_eq!(numbers(&healthy), ["1", "2"]);
        assert_eq!(numbers(&failing), ["1", "2", "3", "4"], "the budget is refilled, the number never starts anew");
    }

    async fn a_delivered_one_stays_delivered_whatever_its_replay_does(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let retry = json!({"max_attempts": 2, "delays_ms": [50], "jitter": 0.0});
        server.api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "retry": retry})).await;
        let event = server.api.emit("call.ended", b"{}", json!({})).await;
        let id = server.api.delivery_of(&event).await;
        server.api.delivery_with_status(&id, "delivered").await;

        receiver.answer(|_| Reply::status(500));
        server.api.post(&format!("/v1/deliveries/{id}/replay"), &json!({})).await.expect(202);
        let delivery = server.api.delivery_when(&id, "the replay is over", |it| it["attempt_count"] == 3).await;
        assert_eq!(delivery["status"], "delivered", "{delivery}");
        assert_eq!(server.api.balanced_ledger().await["deliveries"]["delivered"], 1);
        assert_eq!(server.api.balanced_ledger().await["deliveries"]["owed"], 1);
        assert_eq!(server.api.get("/v1/dead-letters").await.expect(200)["items"], json!([]));
    }

    async fn what_is_on_its_way_is_not_replayed_twice(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::answering(500).await;
        let retry = json!({"max_attempts": 3, "delays_ms": [600_000], "jitter": 0.0});
        server.api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "retry": retry})).await;
        let event = server.api.emit("call.ended", b"{}", json!({})).await;
        let id = server.api.delivery_of(&event).await;
        server.api.delivery_when(&id, "it failed once", |delivery| delivery["attempt_count"] == 1).await;
        let replay = format!("/v1/deliveries/{id}/replay");
        server.api.post(&replay, &json!({})).await.expect_problem(409, "pending");
        assert_eq!(receiver.count(), 1);
    }

    async fn a_request_whose_answer_was_lost_is_sent_again_under_the_same_id(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        // The first answer comes after the deadline: the customer has the event, Ringback cannot know it.
        let pause = std::time::Duration::from_secs(2);
        let receiver = Receiver::scripted(move |request| {
            if request.index == 0 { Reply::status(204).after(pause) } else { Reply::status(204) }
        })
        .await;
        let retry = json!({"max_attempts": 3, "delays_ms": [50], "jitter": 0.0});
        let fields = json!({"url": receiver.url(), "event_types": ["*"], "retry": retry, "timeout_ms": 300});
        server.api.endpoint(fields).await;
        let event = server.api.emit("call.ended", b"{}", json!({})).await;
        let id = server.api.delivery_of(&event).await;
        let delivery = server.api.delivery_with_status(&id, "delivered").await;
        let first = &delivery["attempts"].as_array().expect("attempts").iter().find(|it| it["number"] == 1).cloned();
        let first = first.as_ref().expect("the first attempt");
        assert_eq!((&first["error"], &first["ambiguous"]), (&json!("timeout"), &json!(true)), "{first}");
        let requests = receiver.arrived_when_settled(&server.api).await;
        assert_eq!(requests.iter().map(|request| request.id()).collect::<Vec<_>>(), [&event, &event]);
    }
}

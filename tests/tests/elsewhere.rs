//! Replaying a delivery of an inline destination to another URL than its event came with.

use reqwest::Method;
use ringback::{endpoint::Destination, event::NewEvent};
use ringback_tests::{
    api::emit_request,
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::Serve,
    stores::Store,
};
use serde_json::{Value, json};

/// An inline destination at which nothing succeeds, and what its event's only delivery came to.
fn wrong(url: &str) -> Value {
    json!({"destination": {"url": url, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "scheme": "standard",
                           "headers": {"X-Token": "of-the-first-receiver", "X-Team": "crm"},
                           "retry": {"max_attempts": 1, "delays_ms": [50]}}})
}

on_both_stores! {
    async fn an_inline_delivery_goes_to_another_url_with_the_same_id_and_signature(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let (first, second) = (Receiver::answering(500).await, Receiver::healthy().await);
        let event = server.api.emit("call.ended", b"{\"a\": 3.0}", wrong(&first.url())).await;
        let delivery = server.api.delivery_of(&event).await;
        server.api.delivery_with_status(&delivery, "dead").await;

        let answer = server.api.post(&format!("/v1/deliveries/{delivery}/replay"), &json!({"url": second.url()})).await;
        assert_eq!(answer.expect(202)["url"], second.url());
        let arrived = second.wait_for(1).await.remove(0);
        let before = first.arrived().remove(0);
        assert_eq!((arrived.id(), &arrived.body), (before.id(), &before.body));
        for name in ["webhook-signature", "ringback-id"] {
            assert!(!arrived.header(name).is_empty(), "{name}");
        }
        for name in ["x-token", "x-team"] {
            assert!(!before.header(name).is_empty());
            assert_eq!(arrived.header(name), "", "{name} may be a credential of the first receiver");
        }
        let told = server.api.delivery_with_status(&delivery, "delivered").await;
        let urls: Vec<_> = told["attempts"].as_array().expect("attempts").iter().map(|it| &it["request"]["url"]).collect();
        assert_eq!(urls, [&json!(first.url()), &json!(second.url())], "the past stays what it was");
        let audit = server.api.get("/v1/audit?action=delivery.replay").await.expect(200);
        let entry = &audit["items"][0];
        let origins = [&first, &second].map(|receiver| json!(format!("http://{}/", receiver.address())));
        assert_eq!([&entry["before"]["url"], &entry["after"]["url"]], origins.each_ref(), "paths may name a caller: {audit}");

        // A delivered one is sent once more to where it is now, and may be sent elsewhere, too; the first receiver has its own back.
        server.api.post(&format!("/v1/deliveries/{delivery}/replay"), &json!({})).await.expect(202);
        second.wait_for(2).await;
        server.api.delivery_when(&delivery, "it is over", |it| it["attempt_count"] == 3).await;
        first.answer(|_| Reply::status(204));
        server.api.post(&format!("/v1/deliveries/{delivery}/replay"), &json!({"url": first.url()})).await.expect(202);
        first.wait_for(2).await;
        assert_eq!((first.count(), second.count()), (2, 2));
        server.api.balanced_ledger().await;
    }

    async fn headers_go_along_to_the_same_origin(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::scripted(|request| Reply::status(if request.index == 0 { 500 } else { 204 })).await;
        let event = server.api.emit("call.ended", b"{}", wrong(&receiver.url())).await;
        let delivery = server.api.delivery_of(&event).await;
        server.api.delivery_with_status(&delivery, "dead").await;
        let path = json!({"url": format!("{}another/path", receiver.url())});
        server.api.post(&format!("/v1/dead-letters/{delivery}/replay"), &path).await.expect(202);
        let arrived = receiver.wait_for(2).await.remove(1);
        assert_eq!(arrived.header("x-token"), "of-the-first-receiver");
        server.api.delivery_with_status(&delivery, "delivered").await;
    }

    async fn what_was_unroutable_for_its_url_can_be_sent_after_all(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let blocked = json!({"destination": {"url": "https://10.0.0.1/hook"}});
        let refused = emit_request("call.ended", b"{}", &blocked);
        server.api.ask(Method::POST, "/v1/events", Some(refused)).await.expect("an answer").expect_problem(422, "blocked_destination");
        // By SQL it is taken, and dead at once.
        let mut event = NewEvent::new("call.ended", "{}");
        event.destination = Some(Destination::to("https://10.0.0.1/hook"));
        let event = database.emit(&event).await;
        let delivery = server.api.delivery_of(&event).await;
        server.api.delivery_with_status(&delivery, "dead").await;
        server.api.post(&format!("/v1/deliveries/{delivery}/replay"), &json!({"url": receiver.url()})).await.expect(202);
        receiver.wait_for(1).await;
        server.api.delivery_with_status(&delivery, "delivered").await;
    }

    async fn what_cannot_be_says_so_and_changes_nothing(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::answering(500).await;
        let fields = json!({"url": receiver.url(), "event_types": ["to.endpoint"], "retry": {"max_attempts": 1, "delays_ms": [50]}});
        server.api.endpoint(fields).await;
        let registered = server.api.delivery_of(&server.api.emit("to.endpoint", b"{}", json!({})).await).await;
        let inline = server.api.delivery_of(&server.api.emit("inline", b"{}", wrong(&receiver.url())).await).await;
        for delivery in [&registered, &inline] {
            server.api.delivery_with_status(delivery, "dead").await;
        }
        let replay = async |delivery: &str, url: &str| {
            server.api.post(&format!("/v1/deliveries/{delivery}/replay"), &json!({"url": url})).await
        };
        let problem = replay(&registered, &receiver.url()).await.expect_problem(422, "conflict");
        assert_eq!(problem["errors"][0]["pointer"], "/url", "{problem}");
        for (url, code) in [("https://169.254.169.254/", "blocked_destination"), ("", "malformed"), ("ftp://x/", "https_required")] {
            let problem = replay(&inline, url).await.expect_problem(422, code);
            assert_eq!(problem["errors"][0]["pointer"], "/url", "{problem}");
        }
        let wrong = server.api.post(&format!("/v1/deliveries/{inline}/replay"), &json!({"ulr": "x"})).await;
        wrong.expect_problem(422, "unknown_field");
        let told = server.api.get(&format!("/v1/deliveries/{inline}")).await.expect(200);
        assert_eq!((&told["status"], &told["url"]), (&json!("dead"), &json!(receiver.url())));
        let payload = format!("/v1/events/{}/payload", told["event_id"].as_str().expect("an id"));
        server.api.delete(&payload).await.expect(204);
        replay(&inline, &format!("{}other", receiver.url())).await.expect_problem(409, "payload_expunged");
        let told = server.api.get(&format!("/v1/deliveries/{inline}")).await.expect(200);
        let origin = format!("http://{}/", receiver.address());
        assert_eq!(told["url"], origin, "not moved either: it is what erasing has left");
    }
}

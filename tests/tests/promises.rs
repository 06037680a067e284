//! What an event says about its own deliveries: not before a moment, not after another, and what it is found by.

use std::time::Duration;

use ringback::{event::NewEvent, time::Timestamp};
use ringback_tests::{
    api::id_of,
    command::ringback,
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::Serve,
    stores::Store,
};
use serde_json::{Value, json};

/// So many milliseconds from now.
fn ahead(ms: i64) -> Timestamp {
    Timestamp::from_millis(Timestamp::now().millis() + ms)
}

fn ids(list: &Value) -> Vec<String> {
    list["items"].as_array().expect("a list").iter().map(id_of).collect()
}

on_both_stores! {
    async fn an_event_is_sent_at_its_time_whichever_way_it_came(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        server.api.endpoint_at(&receiver.url()).await;
        let at = ahead(2_500);
        let by_http = server.api.emit("a", b"1", json!({"deliver_after": at})).await;
        let in_transaction = database.emit(&NewEvent::new("a", "2").deliver_after(at)).await;
        let at_once = server.api.emit("a", b"3", json!({"deliver_after": ahead(-60_000)})).await;
        let first = receiver.wait_for(1).await;
        assert_eq!(first[0].id(), at_once);
        let delivery = server.api.delivery_of(&by_http).await;
        let waits = server.api.get(&format!("/v1/deliveries/{delivery}")).await.expect(200);
        assert_eq!((&waits["status"], &waits["next_attempt_at"]), (&json!("pending"), &json!(at)), "{waits}");
        let shown = server.api.get(&format!("/v1/events/{by_http}")).await.expect(200);
        assert_eq!((&shown["deliver_after"], &shown["expires_at"], &shown["metadata"]), (&json!(at), &json!(null), &json!({})));
        let mut arrived: Vec<_> = receiver.wait_for(3).await.into_iter().skip(1).collect();
        arrived.sort_by(|one, other| one.body.cmp(&other.body));
        assert_eq!(arrived.iter().map(|it| it.id().to_owned()).collect::<Vec<_>>(), [by_http, in_transaction]);
        for request in arrived {
            assert!(request.at_time >= std::time::UNIX_EPOCH + Duration::from_millis(at.millis() as u64), "too early");
        }
    }

    async fn what_is_wrong_with_a_schedule_or_metadata_is_refused_by_name(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let month = 30 * 24 * 60 * 60 * 1_000;
        for (fields, pointer) in [
            (json!({"deliver_after": ahead(month + 60_000)}), "/deliver_after"),
            (json!({"deliver_after": "soon"}), "/deliver_after"),
            (json!({"expires_at": ahead(0), "deliver_after": ahead(1)}), "/expires_at"),
            (json!({"metadata": {"a b": "1"}}), "/metadata/a b"),
            (json!({"metadata": {"a": 1}}), "/metadata/a"),
            (json!({"metadata": {"a": "x".repeat(257)}}), "/metadata/a"),
            (json!({"metadata": []}), "/metadata"),
        ] {
            let mut body = json!({"type": "a", "payload": 1});
            body.as_object_mut().expect("an object").extend(fields.as_object().cloned().expect("an object"));
            let refused = server.api.post("/v1/events", &body).await.expect(422);
            assert_eq!(refused["errors"][0]["pointer"], pointer, "{fields}: {refused}");
        }
        server.api.emit("a", b"1", json!({"deliver_after": ahead(month - 60_000)})).await;
        let wrong = server.api.get("/v1/events?metadata.a%20b=1").await.expect(400);
        assert_eq!(wrong["errors"][0]["parameter"], "metadata.a b", "{wrong}");
        server.api.get("/v1/events?metadata.a=1&metadata.a=2").await.expect(400);
        for new in [
            NewEvent::new("a", "1").deliver_after(ahead(month + 60_000)),
            NewEvent::new("a", "1").deliver_after(ahead(1)).expires_at(ahead(0)),
            NewEvent::new("a", "1").metadata("a b", "1"),
            NewEvent::new("a", "1").metadata("a", "\n"),
        ] {
            assert!(database.try_emit(&new).await.is_err(), "{new:?}");
        }
    }

    async fn an_event_that_was_not_tried_in_time_is_dead_and_a_replay_is_now(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let endpoint = server.api.endpoint_at(&receiver.url()).await;
        server.api.post(&format!("/v1/endpoints/{endpoint}/pause"), &json!({})).await.expect(200);
        let expires_at = ahead(1_500);
        let by_http = server.api.emit("a", b"1", json!({"expires_at": expires_at})).await;
        let in_transaction = database.emit(&NewEvent::new("a", "2").expires_at(expires_at)).await;
        let later = server.api.emit("a", b"3", json!({"expires_at": ahead(600_000)})).await;
        let mut dead = Vec::new();
        for event in [&by_http, &in_transaction] {
            let delivery = server.api.delivery_of(event).await;
            let died = server.api.delivery_with_status(&delivery, "dead").await;
            assert_eq!((&died["dead_reason"], &died["attempt_count"]), (&json!("expired"), &json!(0)), "{died}");
            let at: Timestamp = died["finished_at"].as_str().and_then(|at| at.parse().ok()).expect("a time");
            assert!(at >= expires_at, "{at} is before {expires_at}");
            dead.push(delivery);
        }
        server.api.balanced_ledger().await;
        // Only what has no attempt expires: a delivery that is tried in time is tried again after it.
        server.api.post(&format!("/v1/endpoints/{endpoint}/resume"), &json!({})).await.expect(200);
        receiver.wait_for(1).await;
        let delivery = server.api.delivery_of(&later).await;
        server.api.delivery_with_status(&delivery, "delivered").await;
        server.api.post(&format!("/v1/deliveries/{}/replay", dead[0]), &json!({})).await.expect(202);
        server.api.delivery_with_status(&dead[0], "delivered").await;
        assert_eq!(receiver.wait_for(2).await[1].id(), by_http);
    }

    async fn an_attempt_that_began_in_time_counts_whenever_it_ends(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::scripted(|arrived| match arrived.index {
            0 => Reply::status(503).after(Duration::from_millis(2_500)),
            _ => Reply::status(204),
        })
        .await;
        let retry = json!({"max_attempts": 2, "delays_ms": [50], "jitter": 0});
        server.api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "retry": retry})).await;
        let event = server.api.emit("a", b"1", json!({"expires_at": ahead(700)})).await;
        let delivery = server.api.delivery_of(&event).await;
        let delivered = server.api.delivery_with_status(&delivery, "delivered").await;
        assert_eq!(delivered["attempt_count"], 2, "{delivered}");
    }

    async fn events_are_found_by_their_metadata_wherever_they_came_from(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let spring = json!({"metadata": {"campaign": "Frühling & mehr", "agent": "7"}});
        let by_http = server.api.emit("a", b"1", spring.clone()).await;
        let new = NewEvent::new("a", "2").metadata("campaign", "Frühling & mehr");
        let in_transaction = database.emit(&new).await;
        server.api.emit("a", b"3", json!({"metadata": {"campaign": "autumn"}})).await;
        let body = std::path::Path::new(&database.folder()).join("body.json");
        std::fs::write(&body, "4").expect("the folder can be written to");
        let body = body.display().to_string();
        let by_command = ringback(&database, &[
            "emit", "a", &body, "--metadata", "campaign=Frühling & mehr", "--metadata", "agent=8", "--deliver-after", "1h",
            "--expires-at", "2h",
        ]).await.done().trim().to_owned();
        let path = "/v1/events?metadata.campaign=Fr%C3%BChling+%26+mehr";
        let found = server.api.get(path).await.expect(200);
        assert_eq!(ids(&found), [by_command.clone(), in_transaction, by_http.clone()], "{found}");
        assert_eq!(found["items"][0]["metadata"], json!({"campaign": "Frühling & mehr", "agent": "8"}));
        let both = server.api.get(&format!("{path}&metadata.agent=7")).await.expect(200);
        assert_eq!(ids(&both), std::slice::from_ref(&by_http));
        let told = ringback(&database, &["events", "--metadata", "campaign=Frühling & mehr", "--metadata", "agent=8"]).await;
        assert!(told.out.contains(&by_command) && !told.out.contains(&by_http), "{}", told.out);
        // Page by page, by the same condition.
        let page = server.api.get(&format!("{path}&limit=2")).await.expect(200);
        let next = page["next_cursor"].as_str().expect("there is more");
        assert_eq!(ids(&server.api.get(&format!("{path}&limit=2&cursor={next}")).await.expect(200)), std::slice::from_ref(&by_http));
        server.api.get(&format!("/v1/events?metadata.campaign=autumn&limit=2&cursor={next}")).await.expect(400);

        let wrong = ringback(&database, &["events", "--metadata", "campaign"]).await;
        assert!(wrong.code == 2 && wrong.err.contains("--metadata"), "{}", wrong.err);
    }

    async fn a_key_stands_for_its_schedule_and_metadata_too(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let at = ahead(3_600_000);
        let first = json!({"idempotency_key": "k", "deliver_after": at, "metadata": {"a": "1"}});
        server.api.emit("a", b"1", first.clone()).await;
        let body = |fields: &Value| {
            let mut body = json!({"type": "a", "payload": 1});
            body.as_object_mut().expect("an object").extend(fields.as_object().cloned().expect("an object"));
            body
        };
        assert_eq!(server.api.post("/v1/events", &body(&first)).await.expect(200)["duplicate"], true);
        for other in [
            json!({"idempotency_key": "k", "metadata": {"a": "1"}}),
            json!({"idempotency_key": "k", "deliver_after": at}),
            json!({"idempotency_key": "k", "deliver_after": at, "metadata": {"a": "2"}}),
            json!({"idempotency_key": "k", "deliver_after": at, "expires_at": ahead(7_200_000), "metadata": {"a": "1"}}),
        ] {
            server.api.post("/v1/events", &body(&other)).await.expect_problem(422, "idempotency_conflict");
        }
    }
}

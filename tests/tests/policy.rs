//! What an endpoint has set for its deliveries.

use ringback_tests::{
    api::id_of,
    command::ringback,
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::Serve,
    stores::Store,
};
use serde_json::json;

on_both_stores! {
    async fn what_counts_as_success_is_the_endpoints_affair(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let endpoint = json!({
            "url": receiver.url(), "event_types": ["a"], "key": "odd", "max_in_flight": 1, "retry": {"max_attempts": 1},
            "success_statuses": ["302", "400-410", "200"],
        });
        let endpoint = server.api.endpoint(endpoint).await;
        assert_eq!(endpoint["success_statuses"], json!(["302", "400-410", "200"]));
        for (status, comes_to) in
            [(404, "delivered"), (302, "delivered"), (410, "delivered"), (200, "delivered"), (204, "dead"), (500, "dead")]
        {
            receiver.answer(move |_| Reply::status(status));
            let event = server.api.emit("a", b"{}", json!({})).await;
            let delivery = server.api.delivery_of(&event).await;
            let delivery = server.api.delivery_with_status(&delivery, comes_to).await;
            let attempt = &delivery["attempts"][0];
            let error = if comes_to == "dead" { json!("status") } else { json!(null) };
            assert_eq!((&attempt["status_code"], &attempt["error"]), (&json!(status), &error), "{delivery}");
        }
        let path = format!("/v1/endpoints/{}", endpoint["id"].as_str().expect("an id"));
        assert_eq!(server.api.get(&path).await.expect(200)["enabled"], true, "its 410 was a success");

        // A destination that inherits the policy inherits this, too; one that has a preset of its own does not.
        receiver.answer(|_| Reply::status(404));
        for (own, comes_to) in [(json!({}), "delivered"), (json!({"preset": "external"}), "dead")] {
            let mut destination = json!({"url": receiver.url(), "endpoint_key": "odd", "retry": {"max_attempts": 1}});
            destination.as_object_mut().expect("an object").extend(own.as_object().cloned().unwrap_or_default());
            let event = server.api.emit("b", b"{}", json!({"destination": destination})).await;
            let delivery = server.api.delivery_of(&event).await;
            server.api.delivery_with_status(&delivery, comes_to).await;
        }

        let fields = json!({"url": "https://93.184.215.14/", "event_types": [], "success_statuses": ["302", "400-410"]});
        let id = &*id_of(&server.api.endpoint(fields).await);
        let path = format!("/v1/endpoints/{id}");
        let told = ringback(&database, &["endpoints", "get", id]).await.done();
        assert!(told.contains("succeeds  302, 400-410"), "{told}");
        let set = ringback(&database, &["endpoints", "update", id, "--success-statuses", "200-299,404"]).await.done();
        assert!(set.contains("succeeds  200-299, 404"), "{set}");
        assert_eq!(server.api.get(&path).await.expect(200)["success_statuses"], json!(["200-299", "404"]));
        let cleared = ringback(&database, &["endpoints", "update", id, "--clear", "success-statuses"]).await.done();
        assert!(cleared.contains("succeeds  200-299"), "{cleared}");
        assert_eq!(server.api.get(&path).await.expect(200)["success_statuses"], json!(["200-299"]));
        let wrong = ringback(&database, &["endpoints", "update", id, "--success-statuses", "2xx"]).await;
        assert!(wrong.code == 2 && wrong.err.contains("--success-statuses"), "{}", wrong.err);
        let wrong = server.api.patch(&path, &json!({"success_statuses": ["200", "99"]})).await.expect(422);
        assert_eq!(wrong["errors"][0]["pointer"], "/success_statuses/1", "{wrong}");
    }

    async fn requests_go_out_by_the_method_of_their_endpoint_and_are_signed_with_it(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let scheme = json!({
            "key_format": "utf8", "message": "{method} {url}\n{body}", "digest": "sha256", "encoding": "hex",
            "headers": {"X-Signature": "{signature}"},
        });
        let fields = json!({
            "url": receiver.url(), "event_types": ["a"], "key": "puts", "method": "PATCH", "scheme": scheme, "secret": "s",
        });
        let endpoint = server.api.endpoint(fields).await;
        assert_eq!(endpoint["method"], "PATCH");
        let id = &*id_of(&endpoint);
        for (count, method) in [(1, "PATCH"), (2, "PUT"), (3, "POST")] {
            server.api.patch(&format!("/v1/endpoints/{id}"), &json!({"method": method})).await.expect(200);
            let event = server.api.emit("a", b"{\"n\":3.0}", json!({})).await;
            let delivery = server.api.delivery_of(&event).await;
            let delivery = server.api.delivery_with_status(&delivery, "delivered").await;
            assert_eq!(delivery["attempts"][0]["request"]["method"], method, "{delivery}");
            let arrived = receiver.wait_for(count).await.pop().expect("it has arrived");
            assert_eq!((&*arrived.method, &*arrived.body), (method, &b"{\"n\":3.0}"[..]));
            // `ringback verify` knows it by the same method, and by no other.
            let headers = format!("x-signature: {}", arrived.header("x-signature"));
            let body = database.folder().join("body.json");
            std::fs::write(&body, "{\"n\":3.0}").expect("the folder can be written to");
            let (body, spelled, url) = (body.display().to_string(), scheme.to_string(), receiver.url());
            let other = if method == "PUT" { "POST" } else { "PUT" };
            for (by, verifies) in [(method, true), (other, false)] {
                let verified = ringback(&database, &[
                    "verify", "--scheme", &spelled, "--secret", "s", "--header", &headers, "--body", &body,
                    "--sent-to", &url, "--method", by,
                ]).await;
                assert_eq!(verified.code == 0, verifies, "{by}: {}{}", verified.out, verified.err);
            }
        }
        let fields = json!({"url": "https://93.184.215.14/", "event_types": []});
        let other = &*id_of(&server.api.endpoint(fields).await);
        let told = ringback(&database, &["endpoints", "update", other, "--method", "PUT"]).await.done();
        assert!(told.contains("method    PUT"), "{told}");
        // A destination that inherits the policy inherits the method, too.
        server.api.patch(&format!("/v1/endpoints/{id}"), &json!({"method": "PUT"})).await.expect(200);
        let destination = json!({"url": receiver.url(), "endpoint_key": "puts"});
        server.api.emit("b", b"{}", json!({"destination": destination})).await;
        assert_eq!(receiver.wait_for(4).await[3].method, "PUT");
        let path = format!("/v1/endpoints/{id}");
        for wrong in ["GET", "post", ""] {
            let refused = server.api.patch(&path, &json!({"method": wrong})).await.expect(422);
            assert_eq!(refused["errors"][0]["pointer"], "/method", "{refused}");
        }
    }

    async fn an_answer_that_is_permanent_is_the_end_of_its_delivery_at_once(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let fields = json!({
            "url": receiver.url(), "event_types": ["a"], "retry": {"max_attempts": 3, "delays_ms": [60_000]},
            "permanent_statuses": ["400-422", "451"], "max_in_flight": 1,
        });
        let endpoint = server.api.endpoint(fields).await;
        assert_eq!(endpoint["permanent_statuses"], json!(["400-422", "451"]));
        let id = &*id_of(&endpoint);
        for status in [400, 410, 422, 451] {
            receiver.answer(move |_| Reply::status(status));
            let event = server.api.emit("a", b"{}", json!({})).await;
            let delivery = server.api.delivery_of(&event).await;
            let dead = server.api.delivery_with_status(&delivery, "dead").await;
            let why = (&dead["dead_reason"], &dead["attempt_count"], &dead["attempts"][0]["status_code"]);
            assert_eq!(why, (&json!("refused"), &json!(1), &json!(status)), "{dead}");
        }
        let path = format!("/v1/endpoints/{id}");
        assert_eq!(server.api.get(&path).await.expect(200)["enabled"], true, "a permanent 410 is about its delivery");
        let refused = server.api.get("/v1/dead-letters?reason=refused").await.expect(200);
        assert_eq!(refused["items"].as_array().map(Vec::len), Some(4), "{refused}");
        let told = ringback(&database, &["dead-letters", "--reason", "refused"]).await.done();
        assert!(told.contains("refused"), "{told}");

        // What is not listed is tried again, and a replay is one more try.
        receiver.answer(|_| Reply::status(500));
        let event = server.api.emit("a", b"{}", json!({})).await;
        let delivery = server.api.delivery_of(&event).await;
        let tried = server.api.delivery_when(&delivery, "tried once", |delivery| delivery["attempt_count"] == 1).await;
        assert_eq!(tried["status"], "pending");

        let overlap = |detail: &str, refused: serde_json::Value| {
            let error = &refused["errors"][0];
            assert_eq!((&error["pointer"], &error["code"]), (&json!("/permanent_statuses"), &json!("conflict")));
            assert!(error["detail"].as_str().is_some_and(|told| told.contains(detail)), "{refused}");
        };
        overlap("204", server.api.patch(&path, &json!({"permanent_statuses": ["204"]})).await.expect(422));
        overlap("410", server.api.patch(&path, &json!({"success_statuses": ["200", "410-499"]})).await.expect(422));
        let both = json!({"success_statuses": ["200", "410-499"], "permanent_statuses": ["404"]});
        server.api.patch(&path, &both).await.expect(200);

        let fields = json!({"url": "https://93.184.215.14/", "event_types": []});
        let other = &*id_of(&server.api.endpoint(fields).await);
        let path = format!("/v1/endpoints/{other}");
        let told = ringback(&database, &["endpoints", "update", other, "--permanent-statuses", "400,410-499"]).await.done();
        assert!(told.contains("refused by 400, 410-499"), "{told}");
        assert_eq!(server.api.get(&path).await.expect(200)["permanent_statuses"], json!(["400", "410-499"]));
        let cleared = ringback(&database, &["endpoints", "update", other, "--clear", "permanent-statuses"]).await;
        assert_eq!(cleared.code, 0, "{}", cleared.err);
        assert_eq!(server.api.get(&path).await.expect(200)["permanent_statuses"], json!([]));
    }

    async fn what_is_spent_at_one_url_gets_another_budget_at_the_fallback(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let (first, other) = (Receiver::answering(500).await, Receiver::healthy().await);
        let scheme = json!({
            "key_format": "utf8", "message": "{url}.{body}", "digest": "sha256", "encoding": "hex",
            "headers": {"X-Signature": "{signature}"},
        });
        let fields = json!({
            "url": first.url(), "fallback_url": other.url(), "event_types": ["a"], "scheme": scheme, "secret": "s",
            "retry": {"max_attempts": 2, "delays_ms": [50], "jitter": 0}, "headers": {"x-key": "k"},
        });
        let endpoint = server.api.endpoint(fields).await;
        assert_eq!(endpoint["fallback_url"], other.url());
        let path = format!("/v1/endpoints/{}", id_of(&endpoint));
        let event = server.api.emit("a", b"{}", json!({})).await;
        let delivery = server.api.delivery_of(&event).await;
        let delivered = server.api.delivery_with_status(&delivery, "delivered").await;
        let urls: Vec<_> = delivered["attempts"].as_array().expect("attempts").iter().map(|it| &it["request"]["url"]).collect();
        assert_eq!(urls, [&json!(first.url()), &json!(first.url()), &json!(other.url())], "{delivered}");
        assert_eq!(other.arrived()[0].header("x-key"), "k", "what authorises goes along");
        let (one, two) = (first.arrived()[1].clone(), other.arrived()[0].clone());
        assert_ne!(one.header("x-signature"), two.header("x-signature"), "each is signed for its own URL");

        // Both budgets are spent before it is dead, and a replay begins at the first URL.
        other.answer(|_| Reply::status(410));
        let event = server.api.emit("a", b"{}", json!({})).await;
        let delivery = server.api.delivery_of(&event).await;
        let dead = server.api.delivery_with_status(&delivery, "dead").await;
        assert_eq!((&dead["dead_reason"], &dead["attempt_count"]), (&json!("exhausted"), &json!(4)), "{dead}");
        assert_eq!(server.api.get(&path).await.expect(200)["enabled"], true, "no 410 of the fallback disables");
        first.answer(|_| Reply::status(204));
        let (before, at_other) = (first.count(), other.count());
        server.api.post(&format!("/v1/deliveries/{delivery}/replay"), &json!({})).await.expect(202);
        server.api.delivery_with_status(&delivery, "delivered").await;
        assert_eq!((first.count(), other.count()), (before + 1, at_other));

        // An inline destination goes nowhere else.
        first.answer(|_| Reply::status(500));
        server.api.patch(&path, &json!({"key": "two"})).await.expect(200);
        let destination = json!({"url": first.url(), "endpoint_key": "two"});
        let event = server.api.emit("b", b"{}", json!({"destination": destination})).await;
        let delivery = server.api.delivery_of(&event).await;
        let dead = server.api.delivery_with_status(&delivery, "dead").await;
        assert_eq!((&dead["attempt_count"], other.count()), (&json!(2), at_other), "{dead}");

        for wrong in ["http://10.0.0.1/", "ftp://x", "https://user:pw@example.com/"] {
            let refused = server.api.patch(&path, &json!({"fallback_url": wrong})).await.expect(422);
            assert_eq!(refused["errors"][0]["pointer"], "/fallback_url", "{refused}");
        }
        assert_eq!(server.api.patch(&path, &json!({"fallback_url": null})).await.expect(200)["fallback_url"], json!(null));
    }

    async fn silence_at_the_first_url_does_not_keep_deliveries_from_the_fallback(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let gone = Receiver::healthy().await;
        let (unreachable, other) = (gone.url(), Receiver::healthy().await);
        drop(gone);
        let fields = json!({
            "url": unreachable, "fallback_url": other.url(), "event_types": ["a"],
            "retry": {"max_attempts": 1},
        });
        server.api.endpoint(fields).await;
        for _ in 0..30 {
            server.api.emit("a", b"{}", json!({})).await;
        }
        other.wait_for(30).await;
    }

    async fn nothing_is_sent_before_the_receiver_has_answered_a_challenge(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).set("require_verification", "true").start().await;
        let receiver = Receiver::healthy().await;
        let endpoint = server.api.endpoint(json!({
            "url": receiver.url(), "event_types": ["a"], "retry": {"max_attempts": 2, "delays_ms": [50], "jitter": 0},
        })).await;
        assert_eq!(endpoint["verified_at"], json!(null));
        let id = id_of(&endpoint);
        let path = format!("/v1/endpoints/{id}");
        let event = server.api.emit("a", b"1", json!({})).await;
        let owed = server.api.delivery_of(&event).await;
        let held = server.api.delivery_when(&owed, "held", |it| it["hold_reason"] == "unverified").await;
        assert_eq!(held["status"], "pending");

        // An answer of success without the challenge proves nothing.
        let sent = server.api.post(&format!("{path}/verify"), &json!({})).await.expect(202);
        let failed = server.api.delivery_with_status(sent["delivery_id"].as_str().expect("an id"), "dead").await;
        assert_eq!((&failed["type"], &failed["attempts"][0]["error"]), (&json!("webhook.verification"), &json!("challenge")));
        assert_eq!(receiver.count(), 2, "nothing else was sent");
        let told = json!({"type": "webhook.verification", "payload": {"challenge": "x"}});
        server.api.post(&format!("{path}/test"), &told).await.expect(422);

        receiver.answer(|arrived| match arrived.header("ringback-event-type") {
            "webhook.verification" => Reply::status(200).body(arrived.body.clone()),
            _ => Reply::status(204),
        });
        let sent = server.api.post(&format!("{path}/verify"), &json!({})).await.expect(202);
        server.api.delivery_with_status(sent["delivery_id"].as_str().expect("an id"), "delivered").await;
        server.api.delivery_with_status(&owed, "delivered").await;
        assert!(receiver.arrived().iter().all(|request| !request.header("webhook-signature").is_empty()));
        let verified = server.api.get(&path).await.expect(200)["verified_at"].clone();
        assert!(verified.is_string(), "{verified}");

        // Other fields leave it verified; another URL does not, nor does the first one again.
        assert_eq!(server.api.patch(&path, &json!({"name": "n"})).await.expect(200)["verified_at"], verified);
        let other = Receiver::healthy().await;
        assert_eq!(server.api.patch(&path, &json!({"url": other.url()})).await.expect(200)["verified_at"], json!(null));
        let back = server.api.patch(&path, &json!({"url": receiver.url()})).await.expect(200);
        assert_eq!(back["verified_at"], json!(null));
        let event = server.api.emit("a", b"2", json!({})).await;
        let owed = server.api.delivery_of(&event).await;
        server.api.delivery_when(&owed, "held", |it| it["hold_reason"] == "unverified").await;
        assert_eq!(other.count(), 0);
    }

    async fn where_it_is_not_required_a_verification_is_only_told(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::scripted(|arrived| Reply::status(200).body(arrived.body.clone())).await;
        let id = server.api.endpoint_at(&receiver.url()).await;
        let event = server.api.emit("a", b"1", json!({})).await;
        let owed = server.api.delivery_of(&event).await;
        server.api.delivery_with_status(&owed, "delivered").await;
        let told = ringback(&database, &["endpoints", "verify", &id]).await;
        assert!(told.out.contains("goes out as dlv_"), "{}{}", told.out, told.err);
        receiver.wait_for(2).await;
        ringback_tests::until::until("it is verified", async || {
            let shown = server.api.get(&format!("/v1/endpoints/{id}")).await.expect(200);
            shown["verified_at"].is_string().then_some(())
        })
        .await;
    }
}

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
}

//! The engine inside the platform's own process, its API mounted in the platform's own app.

use std::time::Duration;

use ringback::event::NewEvent;
use ringback_tests::{
    database::Database, embedded::Embedded, on_both_stores, receiver::Receiver, stores::Store, until::until,
};
use serde_json::json;

on_both_stores! {
    async fn a_host_emits_in_its_own_transaction_wakes_the_engine_and_asks_the_mounted_api(store: Store) {
        let database = Database::fresh(store).await;
        let host = Embedded::start(&database, |settings| {
            settings.egress.allow_http = true;
            settings.egress.allow = vec!["127.0.0.0/8".parse().expect("a network")];
        })
        .await;
        let receiver = Receiver::healthy().await;
        host.api.endpoint_at(&receiver.url()).await;
        let event = NewEvent::new("call.ended", r#"{"minutes":3.0}"#).key("call-1");
        let id = database.emit(&event).await;
        host.engine.wake();
        assert_eq!(receiver.wait_for(1).await[0].id(), id);
        let delivery = host.api.delivery_of(&id).await;
        host.api.delivery_with_status(&delivery, "delivered").await;
        assert_eq!(host.api.get("/v1/events?key=call-1").await.expect(200)["items"][0]["id"], json!(id));
    }

    async fn dropping_the_host_leaves_nothing_that_the_next_one_could_not_finish(store: Store) {
        let database = Database::fresh(store).await;
        let allowed = |settings: &mut ringback::Settings| {
            settings.egress.allow_http = true;
            settings.egress.allow = vec!["127.0.0.0/8".parse().expect("a network")];
            settings.lease = Duration::from_secs(3);
        };
        let receiver = Receiver::healthy().await;
        let keys = ringback::seal::MasterKeys::generate_text();
        let with_keys = |settings: &mut ringback::Settings| {
            allowed(settings);
            settings.keys = std::sync::Arc::new(ringback::seal::MasterKeys::parse(&keys, &[]).expect("a key"));
        };
        let host = Embedded::start(&database, with_keys).await;
        host.api.endpoint_at(&receiver.url()).await;
        drop(host);
        let next = Embedded::start(&database, with_keys).await;
        let event = next.api.emit("call.ended", b"{}", json!({})).await;
        until("it is sent", async || receiver.arrived().iter().any(|it| it.id() == event).then_some(())).await;
    }
}

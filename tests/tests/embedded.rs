//! The engine inside the platform's own process, its API mounted in the platform's own app.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ringback::{
    egress::{Egress, SystemResolver},
    event::NewEvent,
};
use ringback_testkit::{Answer, NameServer, Reply};
use ringback_tests::{
    database::Database,
    embedded::Embedded,
    on_both_stores,
    receiver::{Arrived, Receiver},
    stores::Store,
    until::until,
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
        receiver.wait_for(1).await;
        let requests = receiver.arrived_when_settled(&host.api).await;
        assert_eq!(requests.iter().map(Arrived::id).collect::<Vec<_>>(), [&id]);
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

    async fn a_receiver_that_moves_is_found_while_its_lane_is_busy(store: Store) {
        let database = Database::fresh(store).await;
        let old = ringback_testkit::Receiver::start(|_| Reply::status(204)).await;
        let new = ringback_testkit::Receiver::setup().at(([127, 0, 0, 2], old.address().port()).into());
        let new = new.start(|_| Reply::status(204)).await;
        let moved = Arc::new(AtomicBool::new(false));
        let has_moved = Arc::clone(&moved);
        let names = NameServer::start(move |_| {
            let last = if has_moved.load(Ordering::SeqCst) { 2 } else { 1 };
            Answer::addresses([[127, 0, 0, last]]).ttl(1)
        })
        .await;
        let resolver = SystemResolver::asking(&[names.address()]).expect("a name server");
        let embedded = Embedded::start(&database, |settings| {
            settings.resolver = Some(Arc::new(resolver));
            settings.connection_max_age = Duration::from_secs(1);
            settings.egress = Egress { allow: vec!["127.0.0.0/8".parse().expect("a network")], allow_http: true };
        })
        .await;
        embedded.api.endpoint_at(&old.url_under("receiver.example.com")).await;
        embedded.api.emit("call.ended", b"{}", json!({})).await;
        old.next().await;
        moved.store(true, Ordering::SeqCst);
        // Each look emits once more, so that the connection is never idle for long.
        until("a request has come to the new place", async || {
            embedded.api.emit("call.ended", b"{}", json!({})).await;
            (new.requests() > 0).then_some(())
        })
        .await;
        assert_eq!(names.asked().iter().filter(|asked| asked.name != "receiver.example.com").count(), 0);
    }
}

//! A host that embeds the engine authorises requests before they are signed, and may take its time for it.

use std::{
    collections::BTreeMap,
    error::Error,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ringback::{
    Settings,
    endpoint::{Addressee, Authorize},
};
use ringback_tests::{
    database::Database,
    embedded::Embedded,
    on_both_stores,
    receiver::{Gate, Receiver},
    stores::Store,
    until::until,
};
use serde_json::json;

/// Does what the path of the URL says.
struct Host {
    asked: AtomicUsize,
    gate: Gate,
}

#[async_trait::async_trait]
impl Authorize for Host {
    async fn authorize(&self, to: Addressee<'_>) -> Result<BTreeMap<String, String>, Box<dyn Error + Send + Sync>> {
        let nth = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        match to.url.path() {
            "/fails" => return Err("the token server is away".into()),
            "/panics" => panic!("a defect of the host"),
            "/hangs" => pending().await,
            "/forges" => return Ok(headers("webhook-signature", "v1,forged")),
            "/waits" => self.gate.passed().await,
            _ => {}
        }
        Ok(headers("Authorization", &format!("Bearer for {} nth-{nth}", to.tenant)))
    }
}

fn headers(name: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(name.to_owned(), value.to_owned())])
}

async fn embedded(database: &Database) -> (Arc<Host>, Embedded) {
    let host = Arc::new(Host { asked: AtomicUsize::new(0), gate: Gate::closed() });
    let authorizer = Arc::clone(&host);
    let embedded = Embedded::start(database, |settings: &mut Settings| {
        settings.egress.allow_http = true;
        settings.egress.allow = vec!["127.0.0.0/8".parse().expect("a network")];
        settings.authorizer = Some(authorizer);
    })
    .await;
    (host, embedded)
}

on_both_stores! {
    async fn a_host_authorises_every_attempt_anew_and_what_it_adds_is_shown_to_nobody(store: Store) {
        let database = Database::fresh(store).await;
        let (host, embedded) = embedded(&database).await;
        let (api, receiver) = (&embedded.api, Receiver::answering(401).await);
        let retry = json!({"max_attempts": 2, "delays_ms": [50], "jitter": 0.0});
        api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "retry": retry})).await;
        let event = api.emit("call.ended", b"{}", json!({})).await;
        let delivery = api.delivery_with_status(&api.delivery_of(&event).await, "dead").await;
        let sent: Vec<_> = receiver.arrived().iter().map(|it| it.header("authorization").to_owned()).collect();
        assert_eq!(sent, ["Bearer for default nth-1", "Bearer for default nth-2"]);
        for attempt in delivery["attempts"].as_array().expect("attempts") {
            assert_eq!((&attempt["error"], &attempt["phase"]), (&json!("status"), &json!(null)));
            assert_eq!(attempt["request"]["headers"]["authorization"], "***", "{attempt}");
            assert_ne!(attempt["request"]["headers"]["webhook-signature"], "***", "{attempt}");
        }

        // Whoever emits says where an inline destination is: nothing of the host's goes there.
        let elsewhere = Receiver::healthy().await;
        let inline = json!({"destination": {"url": elsewhere.url()}});
        api.emit("call.ended", b"{}", inline).await;
        let arrived = elsewhere.wait_for(1).await;
        assert_eq!(arrived[0].header("authorization"), "");
        assert_eq!(host.asked.load(Ordering::SeqCst), 2);
    }

    async fn a_request_that_is_not_authorised_is_a_failed_attempt_and_is_not_sent(store: Store) {
        let database = Database::fresh(store).await;
        let (_, embedded) = embedded(&database).await;
        let (api, receiver) = (&embedded.api, Receiver::healthy().await);
        for path in ["fails", "panics", "hangs", "forges"] {
            let url = receiver.url().replace("/hook", &format!("/{path}"));
            let retry = json!({"max_attempts": 1, "delays_ms": [50], "jitter": 0.0});
            let fields = json!({"url": url, "event_types": [path], "retry": retry, "timeout_ms": 300});
            api.endpoint(fields).await;
            let event = api.emit(path, b"{}", json!({})).await;
            let delivery = api.delivery_with_status(&api.delivery_of(&event).await, "dead").await;
            assert_eq!((&delivery["dead_reason"], &delivery["last_error"]), (&json!("exhausted"), &json!("authorization")));
            let attempt = &delivery["attempts"][0];
            let found = (&attempt["error"], &attempt["phase"], &attempt["ambiguous"]);
            assert_eq!(found, (&json!("authorization"), &json!("authorize"), &json!(false)), "{path}: {attempt}");
            assert_eq!((&attempt["request"]["url"], &attempt["remote_addr"]), (&json!(url), &json!(null)), "{attempt}");
            let took = attempt["duration_ms"].as_f64().expect("a number");
            assert!(took >= 300.0 || path != "hangs", "the wait counts: {took} ms");
        }
        assert_eq!(receiver.connections(), 0, "nothing is sent");
    }

    async fn a_request_that_waits_for_its_authorisation_is_not_sent_to_an_endpoint_that_was_paused(store: Store) {
        let database = Database::fresh(store).await;
        let (host, embedded) = embedded(&database).await;
        let (api, receiver) = (&embedded.api, Receiver::healthy().await);
        let url = receiver.url().replace("/hook", "/waits");
        let endpoint = api.endpoint_at(&url).await;
        let event = api.emit("call.ended", b"{}", json!({})).await;
        until("it waits", async || (host.asked.load(Ordering::SeqCst) == 1).then_some(())).await;
        api.post(&format!("/v1/endpoints/{endpoint}/pause"), &json!({})).await.expect(200);
        // Promise 12: a pause has reached the lanes by then.
        tokio::time::sleep(Duration::from_secs(1)).await;
        host.gate.open();
        until("it waits no longer", async || (embedded.engine.metrics().requests_open() == 0).then_some(())).await;
        assert_eq!(receiver.count(), 0);
        let delivery = api.delivery_of(&event).await;
        api.post(&format!("/v1/endpoints/{endpoint}/resume"), &json!({})).await.expect(200);
        let delivery = api.delivery_with_status(&delivery, "delivered").await;
        assert_eq!(delivery["attempts"].as_array().map(Vec::len), Some(1), "it waited: nothing was tried, {delivery}");
    }

    async fn an_event_that_was_expunged_while_its_request_waited_is_not_sent(store: Store) {
        let database = Database::fresh(store).await;
        let (host, embedded) = embedded(&database).await;
        let (api, receiver) = (&embedded.api, Receiver::healthy().await);
        api.endpoint_at(&receiver.url().replace("/hook", "/waits")).await;
        let event = api.emit("call.ended", b"{}", json!({})).await;
        until("it waits", async || (host.asked.load(Ordering::SeqCst) == 1).then_some(())).await;
        let delivery = api.delivery_of(&event).await;
        api.delete(&format!("/v1/events/{event}/payload")).await.expect(204);
        // Promise 12: an expunge has reached every node by then.
        tokio::time::sleep(Duration::from_secs(1)).await;
        host.gate.open();
        until("it waits no longer", async || (embedded.engine.metrics().requests_open() == 0).then_some(())).await;
        assert_eq!(receiver.count(), 0);
        let delivery = api.delivery_with_status(&delivery, "cancelled").await;
        assert_eq!(delivery["attempts"], json!([]), "nothing was tried");
    }
}

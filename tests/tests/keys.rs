//! The master key can be changed for good while nodes work, and a row that no key opens is held alone.

use reqwest::Method;
use ringback::{endpoint::Destination, event::NewEvent};
use ringback_tests::{
    api::{Api, id_of},
    command::{Finished, ringback},
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::{Serve, Server},
    stores::Store,
    until::until,
};
use serde_json::{Value, json};

const OLD: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const NEW: &str = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
const SECRET: &str = "a secret of twenty-four!";
const SIGNATURE: &str = "x-webhook-signature";

/// The settings of a node that seals with `key` and opens what `old` sealed, too.
async fn serve(database: &Database, key: &str, old: &str) -> Server {
    Serve::on(database).set("master_key", key).set("old_master_keys", old).start().await
}

async fn rekey(database: &Database, key: &str, old: &str) -> Finished {
    ringback(database, &["rekey", "--json", "--master-key", key, "--old-master-keys", old]).await
}

async fn etag(api: &Api, endpoint: &str) -> String {
    let answer = api.get(&format!("/v1/endpoints/{endpoint}")).await;
    answer.headers["etag"].to_str().expect("text").to_owned()
}

/// Asks for an endpoint that selects nothing, always by the same words and under the same `Idempotency-Key`.
async fn made_once(api: &Api) -> String {
    let headers = [("idempotency-key", "k"), ("content-type", "application/json")];
    let headers = headers.map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")));
    let body = json!({"url": "https://example.com/hook", "event_types": []}).to_string().into();
    let answer = api.ask_with(Method::POST, "/v1/endpoints", headers.into_iter().collect(), Some(body)).await;
    id_of(&answer.expect("answered").expect(201))
}

/// An endpoint that signs the bare body: the same body has the same signature as long as the secret is the same.
fn signed_at(url: &str, key: &str) -> Value {
    json!({
        "url": url, "key": key, "event_types": ["*"], "scheme": "plain-hex", "secret": SECRET,
        "headers": {"x-customer": "of the credentials"},
    })
}

/// A destination of an event's own, tried so often.
fn inline_at(url: &str, max_attempts: u32) -> Value {
    let retry = json!({"max_attempts": max_attempts, "delays_ms": [1_000], "jitter": 0.0});
    json!({"destination": {"url": url, "scheme": "plain-hex", "secret": SECRET, "retry": retry}})
}

on_both_stores! {
    async fn after_a_rekey_the_old_key_is_not_needed(store: Store) {
        let database = Database::fresh(store).await;
        let (receiver, own) = (Receiver::healthy().await, Receiver::answering(500).await);
        let server = serve(&database, OLD, "").await;
        let endpoint = id_of(&server.api.endpoint(signed_at(&receiver.url(), "crm")).await);
        let deleted = id_of(&server.api.endpoint(signed_at(&receiver.url(), "gone")).await);
        server.api.delete(&format!("/v1/endpoints/{deleted}")).await.expect(204);
        let _ = server.api.emit("call.ended", b"{}", json!({})).await;
        let signature = receiver.wait_for(1).await[0].header(SIGNATURE).to_owned();
        assert_eq!(signature.len(), 64);
        server.api.post(&format!("/v1/endpoints/{endpoint}/pause"), &json!({})).await.expect(200);
        let held = server.api.emit("call.ended", b"{}", json!({})).await;
        let held = server.api.delivery_of(&held).await;
        let pending = server.api.emit("call.ended", b"{}", inline_at(&own.url(), 20)).await;
        let pending = server.api.delivery_of(&pending).await;
        let dead = server.api.emit("call.ended", b"{}", inline_at(&own.url(), 1)).await;
        let dead = server.api.delivery_of(&dead).await;
        server.api.delivery_with_status(&dead, "dead").await;
        let tag = etag(&server.api, &endpoint).await;
        let once = made_once(&server.api).await;
        assert!(server.terminate().await.success());

        // Beside a running node that has both.
        let server = serve(&database, NEW, OLD).await;
        let report = rekey(&database, NEW, OLD).await.json();
        assert_eq!(
            report,
            json!({
                "resealed": 6, "unopened": 0, "complete": true,
                "endpoints": {"resealed": 3, "unopened": 0}, "destinations": {"resealed": 2, "unopened": 0},
                "requests": {"resealed": 1, "unopened": 0},
            })
        );
        assert_eq!(rekey(&database, NEW, OLD).await.json()["resealed"], 0, "what is done is done");
        assert_eq!(etag(&server.api, &endpoint).await, tag);
        let audit = server.api.get("/v1/audit?limit=1000").await.expect(200).to_string();
        assert_eq!(audit.matches("master_key.rekey").count(), 1, "{audit}");
        assert!(server.terminate().await.success());

        let server = serve(&database, NEW, "").await;
        own.answer(|_| Reply::status(200));
        server.api.post(&format!("/v1/endpoints/{endpoint}/resume"), &json!({})).await.expect(200);
        server.api.post(&format!("/v1/deliveries/{dead}/replay"), &json!({})).await.expect(202);
        for delivery in [&held, &pending, &dead] {
            server.api.delivery_with_status(delivery, "delivered").await;
        }
        let request = receiver.arrived().pop().expect("it arrived");
        assert_eq!((request.header(SIGNATURE), request.header("x-customer")), (&*signature, "of the credentials"));
        for request in own.arrived() {
            assert_eq!(request.header(SIGNATURE), signature);
        }
        assert_eq!(made_once(&server.api).await, once, "the same request as before");
        let unchanged = ringback(&database, &["rekey", "--json", "--master-key", NEW]).await.json();
        assert_eq!((&unchanged["resealed"], &unchanged["unopened"]), (&json!(0), &json!(0)));
        assert_eq!(ringback(&database, &["check-config", "--master-key", NEW]).await.code, 0);
        assert_eq!(ringback(&database, &["check-config", "--master-key", OLD]).await.code, 2);
    }

    async fn what_is_sealed_under_the_old_key_meanwhile_is_found_by_the_next_rekey(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::healthy().await;
        let server = serve(&database, OLD, NEW).await;
        let _ = server.api.endpoint(signed_at(&receiver.url(), "one")).await;
        assert_eq!(rekey(&database, NEW, OLD).await.json()["resealed"], 1);
        // A node whose turn has not come yet goes on sealing under the old key, and opens both.
        let _ = server.api.endpoint(signed_at(&receiver.url(), "two")).await;
        let _ = server.api.emit("call.ended", b"{}", json!({})).await;
        receiver.wait_for(2).await;
        assert!(server.terminate().await.success());
        assert_eq!(rekey(&database, NEW, OLD).await.json()["resealed"], 1);
        let server = serve(&database, NEW, "").await;
        let _ = server.api.emit("call.ended", b"{}", json!({})).await;
        receiver.wait_for(4).await;
    }

    async fn an_endpoint_that_no_key_opens_is_held_alone(store: Store) {
        let database = Database::fresh(store).await;
        let (receiver, other) = (Receiver::healthy().await, Receiver::healthy().await);
        let server = serve(&database, OLD, "").await;
        let endpoint = id_of(&server.api.endpoint(signed_at(&receiver.url(), "crm")).await);
        let sealed = database.ids("endpoint", "credentials").await.pop().expect("one endpoint");
        let _ = server.api.endpoint_at(&other.url()).await;
        let _ = server.api.emit("call.ended", b"{}", json!({})).await;
        let signature = receiver.wait_for(1).await[0].header(SIGNATURE).to_owned();
        assert!(server.terminate().await.success());
        let row = format!("where id = {}", database.id_literal(&endpoint));
        let foreign = sealed.replace(&sealed[2..18], "0123456789abcdef");
        database.tamper("endpoint", &format!("set credentials = {} {row}", database.literal(&foreign))).await;

        let server = serve(&database, OLD, "").await;
        let path = format!("/v1/endpoints/{endpoint}");
        let listed = server.api.get("/v1/endpoints").await.expect(200);
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(2), "{listed}");
        let shown = server.api.get(&path).await.expect(200);
        assert_eq!((&shown["enabled"], &shown["disabled_reason"]), (&json!(false), &json!("unreadable")), "{shown}");
        let ready = server.api.get("/readyz").await.expect(200);
        assert_eq!(ready["unreadable_endpoints"], 1, "{ready}");
        let checked = ringback(&database, &["check-config", "--master-key", OLD]).await;
        assert!(checked.code == 0 && checked.out.contains("1 endpoint cannot be read"), "{}", checked.out);

        let event = server.api.emit("call.ended", b"{}", json!({})).await;
        other.wait_for(2).await;
        let of_endpoint = server.api.deliveries_of(&event).await;
        let held = of_endpoint.iter().find(|delivery| delivery["endpoint_id"] == *endpoint).expect("it is routed");
        assert_eq!((&held["status"], &held["hold_reason"]), (&json!("pending"), &json!("endpoint_disabled")), "{held}");

        // Nothing destroys what the right key would open, and nothing goes out unsigned.
        server.api.post(&format!("{path}/test"), &json!({})).await.expect_problem(409, "unreadable");
        server.api.post(&format!("{path}/rotate-secret"), &json!({"secret": "another"})).await.expect_problem(409, "unreadable");
        server.api.patch(&path, &json!({"name": "another"})).await.expect_problem(409, "unreadable");
        server.api.post(&format!("{path}/pause"), &json!({})).await.expect(200);
        server.api.post(&format!("{path}/resume"), &json!({})).await.expect(200);
        let inherits = json!({"type": "call.ended", "payload": {}, "destination": {"url": receiver.url(), "endpoint_key": "crm"}});
        let refused = server.api.post("/v1/events", &inherits).await.expect_problem(422, "unreadable");
        assert!(refused.to_string().contains("/destination/endpoint_key"), "{refused}");
        let to = Destination { endpoint_key: Some("crm".to_owned()), ..Destination::to(receiver.url()) };
        let by_sql = NewEvent { destination: Some(to), ..NewEvent::new("call.ended", "{}") };
        let by_sql = server.api.delivery_of(&database.emit(&by_sql).await).await;
        assert_eq!(server.api.get(&format!("/v1/deliveries/{by_sql}")).await.expect(200)["status"], "pending");
        let failed = rekey(&database, NEW, OLD).await;
        assert_eq!(failed.code, 1, "{}{}", failed.out, failed.err);
        assert!(failed.err.contains("1 rows could not be opened (1 of endpoints"), "{}", failed.err);
        assert!(server.terminate().await.success());

        // The right bytes are back, as with the right key: it goes on without anybody enabling it.
        let server = serve(&database, OLD, NEW).await;
        assert_eq!(receiver.count(), 1, "nothing was sent meanwhile");
        database.tamper("endpoint", &format!("set credentials = {} {row}", database.literal(&sealed))).await;
        server.api.delivery_with_status(&id_of(held), "delivered").await;
        server.api.delivery_with_status(&by_sql, "delivered").await;
        for request in receiver.arrived() {
            assert_eq!(request.header(SIGNATURE), signature);
        }
        until("it is enabled again", async || {
            (server.api.get(&path).await.expect(200)["enabled"] == true).then_some(())
        })
        .await;
        assert_eq!(server.api.get("/readyz").await.expect(200)["unreadable_endpoints"], 0);
    }

    async fn what_cannot_be_read_can_be_replaced(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::healthy().await;
        let server = serve(&database, OLD, "").await;
        let endpoint = id_of(&server.api.endpoint(signed_at(&receiver.url(), "crm")).await);
        let path = format!("/v1/endpoints/{endpoint}");
        let _ = server.api.emit("call.ended", b"{}", json!({})).await;
        let signature = receiver.wait_for(1).await[0].header(SIGNATURE).to_owned();
        assert!(server.terminate().await.success());
        let row = format!("where id = {}", database.id_literal(&endpoint));
        database.tamper("endpoint", &format!("set credentials = {} {row}", database.literal("00"))).await;

        let server = serve(&database, OLD, "").await;
        let held = server.api.emit("call.ended", b"{}", json!({})).await;
        let held = server.api.delivery_of(&held).await;
        let repaired = server.api.patch(&path, &json!({"secret": SECRET})).await.expect(200);
        assert_eq!((&repaired["enabled"], &repaired["disabled_reason"]), (&json!(true), &Value::Null), "{repaired}");
        assert_eq!(repaired["warnings"][0]["code"], "unreadable_replaced", "{repaired}");
        server.api.delivery_with_status(&held, "delivered").await;
        let request = receiver.arrived().pop().expect("it arrived");
        assert_eq!((request.header(SIGNATURE), request.header("x-customer")), (&*signature, ""));
        assert!(server.terminate().await.success());

        // Settings that are no document.
        database.tamper("endpoint", &format!("set spec = '{{\"url\"' {row}")).await;
        let server = serve(&database, OLD, "").await;
        let shown = server.api.get(&path).await.expect(200);
        assert_eq!((&shown["disabled_reason"], &shown["event_types"]), (&json!("unreadable"), &json!(["*"])), "{shown}");
        let held = server.api.emit("call.ended", b"{}", json!({})).await;
        let held = server.api.delivery_of(&held).await;
        server.api.patch(&path, &json!({"name": "another"})).await.expect_problem(422, "required");
        let whole = json!({"url": receiver.url(), "scheme": "plain-hex"});
        server.api.patch(&path, &whole).await.expect(200);
        server.api.delivery_with_status(&held, "delivered").await;
        let request = receiver.arrived().pop().expect("it arrived");
        assert_eq!(request.header(SIGNATURE), signature, "its credentials could be read all the time");
    }
}

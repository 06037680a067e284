//! Promise 13: no caller can have a stored credential sent, or a stored secret sign, where its owner did not direct it.
//!
//! Endpoints hold a credential of every kind; a caller that may only emit names each of them beside a URL of its own. What
//! it receives is searched for every credential, as it was given and as it would be sent.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ringback::{endpoint::Destination, event::NewEvent};
use ringback_tests::{
    api::Api,
    command::ringback,
    database::Database,
    on_both_stores,
    receiver::{Arrived, Receiver},
    server::{Serve, Server},
    stores::Store,
    until::until,
};
use serde_json::{Value, json};

/// 24 bytes, so that base64 has no padding to hide behind.
const RAW: [&str; 3] = ["canary-of-the-secret-one", "canary-of-the-secret-two", "canary-of-the-secret-new"];

/// Commands are not told what the server may dial.
const LOOPBACK: &[&str] = &["--egress-allow=127.0.0.0/8", "--egress-allow-http=true"];

/// Key of the endpoint, and what it is made with beside URL and types.
fn endpoints() -> Vec<(&'static str, Value)> {
    let whsec = |index: usize| format!("whsec_{}", BASE64_STANDARD.encode(RAW[index]));
    vec![
        ("bearer", json!({"secret": whsec(0), "auth": {"type": "bearer", "token": "canary-bearer"}})),
        (
            "basic",
            json!({"scheme": "none", "auth": {"type": "basic", "username": "canary-user", "password": "canary-word"}}),
        ),
        (
            "api-key",
            json!({"scheme": "none", "auth": {"type": "api_key", "header": "X-Api-Key", "value": "canary-api-key"}}),
        ),
        (
            "headers",
            json!({"preset": "levrage", "secret": "canary-levrage-secret-text", "headers": {"X-Customer": "canary-header", "X-Templated": "canary-of-{tenant}"}}),
        ),
        (
            "hex",
            json!({"scheme": "plain-hex", "secret": "canary-hex-secret-text", "headers": {"X-Customer": "canary-header"}}),
        ),
        ("github", json!({"scheme": "github", "secret": "canary-github-secret-text"})),
        (
            "ed25519",
            json!({"scheme": "standard-ed25519", "secret": whsec(1), "headers": {"X-Customer": "canary-header"}}),
        ),
        (
            "custom",
            json!({"secret": "canary-custom-secret-text", "headers": {"X-Customer": "canary-header"}, "scheme": {
                "key_format": "utf8", "message": "{timestamp}.{body}", "digest": "sha256", "encoding": "hex",
                "headers": {"X-Custom": "t={timestamp},s={signature}"},
            }}),
        ),
    ]
}

/// All that must never leave, as it was given and as it is sent.
fn canaries() -> Vec<String> {
    let mut all: Vec<String> =
        ["canary", "X-Api-Key", "X-Customer", "X-Templated", "authorization"].map(str::to_lowercase).into();
    all.extend(RAW.iter().map(|raw| BASE64_STANDARD.encode(raw).to_lowercase()));
    all.push(BASE64_STANDARD.encode("canary-user:canary-word").to_lowercase());
    all
}

/// A request as one text, in lower case.
fn text(arrived: &Arrived) -> String {
    let headers =
        arrived.headers.iter().map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    format!("{}\n{}{}", arrived.path, headers.collect::<String>(), String::from_utf8_lossy(&arrived.body))
        .to_lowercase()
}

async fn make_endpoints(api: &Api, owner: &Receiver) {
    for (key, mut fields) in endpoints() {
        fields["url"] = json!(owner.url());
        fields["key"] = json!(key);
        fields["event_types"] = json!([]);
        api.endpoint(fields).await;
    }
}

/// A token that may emit, and nothing else.
async fn emitter(database: &Database, server: &Server) -> Api {
    let made = ringback(database, &["token", "create", "--scope", "emit", "--tenant", "default"]).await.done();
    server.api.with_token(made.trim())
}

/// Every door that events come through; each is given the same destination.
async fn emit_through_every_door(database: &Database, api: &Api, url: &str, key: &str) {
    let destination = json!({"url": url, "endpoint_key": key});
    api.emit("call.ended", b"{}", json!({"destination": destination})).await;
    let batch = json!({"events": [{"type": "call.ended", "payload": {}, "destination": destination}]});
    api.post("/v1/events/batch", &batch).await.expect(202);
    let text = destination.to_string();
    std::fs::write(database.folder().join("payload.json"), "{}").expect("a file");
    let command = ["emit", "call.ended", "payload.json", "--destination", &text];
    let _ = ringback(database, &[&command[..], LOOPBACK].concat()).await.done();
    let mut inline = Destination::to(url);
    inline.endpoint_key = Some(key.to_owned());
    database.emit(&NewEvent::new("call.ended", "{}").destination(inline)).await;
    if database.store() == Store::Postgres {
        sqlx::query("select ringback.emit('call.ended', '{}', jsonb_build_object('destination', $1::text::jsonb))")
            .bind(destination.to_string())
            .execute(&mut database.postgres().await)
            .await
            .expect("emitted");
    }
}

const fn doors(store: Store) -> usize {
    match store {
        Store::Sqlite => 4,
        Store::Postgres => 5,
    }
}

on_both_stores! {
    async fn no_stored_credential_is_sent_to_a_url_of_the_emitters(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let (owner, thief) = (Receiver::healthy().await, Receiver::healthy().await);
        make_endpoints(&server.api, &owner).await;
        let api = emitter(&database, &server).await;
        for (key, _) in endpoints() {
            emit_through_every_door(&database, &api, &thief.url(), key).await;
        }
        let count = endpoints().len() * doors(store);
        let stolen = thief.wait_for(count).await;
        for arrived in &stolen {
            let text = text(arrived);
            for canary in canaries() {
                assert!(!text.contains(&canary), "{canary} was sent to the thief:\n{text}");
            }
        }
        // What is inherited is the signature, with the endpoint's own scheme; `none` has none.
        let signed = |name: &str| stolen.iter().filter(|arrived| !arrived.header(name).is_empty()).count();
        for name in ["x-levrage-signature", "x-webhook-signature", "x-hub-signature-256", "x-custom"] {
            assert_eq!(signed(name), doors(store), "{name}");
        }
        assert_eq!(signed("webhook-signature"), 2 * doors(store));
        assert_eq!(owner.count(), 0);
    }

    async fn credentials_are_sent_to_the_endpoints_own_origin(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let owner = Receiver::healthy().await;
        make_endpoints(&server.api, &owner).await;
        let api = emitter(&database, &server).await;
        let elsewhere = format!("http://{}/another/path", owner.address());
        emit_through_every_door(&database, &api, &elsewhere, "bearer").await;
        emit_through_every_door(&database, &api, &elsewhere, "headers").await;
        let arrived = owner.wait_for(2 * doors(store)).await;
        let with = |name: &str, value: &str| arrived.iter().filter(|it| it.header(name) == value).count();
        assert_eq!(with("authorization", "Bearer canary-bearer"), doors(store));
        assert_eq!(with("x-customer", "canary-header"), doors(store));
        assert_eq!(with("x-templated", "canary-of-default"), doors(store));
    }

    async fn an_inherited_secret_signs_with_no_scheme_of_the_emitters(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let (owner, thief) = (Receiver::healthy().await, Receiver::healthy().await);
        make_endpoints(&server.api, &owner).await;
        let api = emitter(&database, &server).await;
        let custom = json!({
            "key_format": "utf8", "message": "forged", "digest": "sha256", "encoding": "hex", "headers": {"x-s": "{signature}"},
        });
        for (key, _) in endpoints().into_iter().filter(|(key, _)| !["basic", "api-key"].contains(key)) {
            for (field, value) in [("scheme", custom.clone()), ("scheme", json!("plain-hex")), ("preset", json!("synthflow"))] {
                let mut destination = json!({"url": thief.url(), "endpoint_key": key});
                destination[field] = value;
                let event = json!({"type": "x", "payload": {}, "destination": destination});
                let problem = api.post("/v1/events", &event).await.expect_problem(422, "conflict");
                assert_eq!(problem["errors"][0]["pointer"], format!("/destination/{field}"), "{problem}");
                let batch = json!({"events": [event]});
                let problem = api.post("/v1/events/batch", &batch).await.expect_problem(422, "conflict");
                assert_eq!(problem["errors"][0]["pointer"], format!("/events/0/destination/{field}"), "{problem}");
                let text = destination.to_string();
                std::fs::write(database.folder().join("payload.json"), "{}").expect("a file");
                let command = ["emit", "x", "payload.json", "--destination", &text];
                let refused = ringback(&database, &[&command[..], LOOPBACK].concat()).await;
                assert_eq!((refused.code, refused.err.contains("inherited")), (2, true), "{destination}: {}", refused.err);
            }
        }
        if store == Store::Postgres {
            let options = json!({"destination": {"url": thief.url(), "endpoint_key": "hex", "scheme": custom}});
            let refused = sqlx::query("select ringback.emit('x', '{}', $1::text::jsonb)")
                .bind(options.to_string())
                .execute(&mut database.postgres().await)
                .await;
            let error = refused.expect_err("SQL cannot say a scheme");
            assert_eq!(error.as_database_error().and_then(|error| error.code()).as_deref(), Some("22023"));
        }
        assert_eq!(thief.count(), 0);
    }

    async fn what_is_stored_is_judged_again_when_it_is_sent(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let (owner, other) = (Receiver::healthy().await, Receiver::healthy().await);
        make_endpoints(&server.api, &owner).await;
        let api = emitter(&database, &server).await;
        let destination = json!({"url": owner.url(), "endpoint_key": "headers"});
        let event = api.emit("x", b"{}", json!({"destination": destination})).await;
        assert_eq!(owner.wait_for(1).await[0].header("x-customer"), "canary-header");
        // The endpoint moves: the old URL is a stranger's from then on, for what is sent again, too.
        let page = server.api.get("/v1/endpoints").await.expect(200);
        let items = page["items"].as_array().expect("items");
        let id = items.iter().find(|it| it["key"] == "headers").expect("it is there")["id"].as_str().expect("an id");
        server.api.patch(&format!("/v1/endpoints/{id}"), &json!({"url": other.url()})).await.expect(200);
        let delivery = server.api.delivery_of(&event).await;
        server.api.delivery_with_status(&delivery, "delivered").await;
        until("the change has come through", async || {
            server.api.delivery_when(&delivery, "nothing of it is under way", |it| it["next_attempt_at"].is_null()).await;
            let before = owner.count();
            server.api.post(&format!("/v1/deliveries/{delivery}/replay"), &json!({})).await.expect(202);
            let again = owner.wait_for(before + 1).await;
            let last = again.last().expect("one more");
            (last.header("x-customer").is_empty()).then_some(())
        })
        .await;
        assert_eq!(other.count(), 0);
    }
}

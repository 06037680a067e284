//! Receivers that demand a client certificate, and receivers whose own certificate comes from an authority of theirs.

use std::time::Duration;

use ringback_testkit::{
    Receiver, Reply,
    authority::{Authority, Identity, TLS_VERSIONS},
};
use ringback_tests::{
    api::{Api, id_of},
    database::Database,
    on_both_stores,
    server::Serve,
    stores::Store,
};
use serde_json::{Value, json};

/// An authority, its file for `egress.ca`, and a receiver that demands certificates of it.
struct Demanding {
    authority: Authority,
    file: String,
    receiver: Receiver,
}

impl Demanding {
    async fn beside(database: &Database) -> Self {
        let authority = Authority::new();
        let path = database.folder().join("authority.pem");
        std::fs::write(&path, authority.pem()).expect("the folder is writable");
        let server = authority.demanding(authority.valid(&["127.0.0.1"]), TLS_VERSIONS);
        let receiver = Receiver::start_tls(server, |_| Reply::status(204)).await;
        Self { authority, file: path.to_str().expect("UTF-8").to_owned(), receiver }
    }
}

fn tls(identity: &Identity) -> Value {
    let (certificate, key) = identity.pem();
    json!({"client_certificate": certificate, "client_key": key})
}

/// An endpoint that gets one type alone, and gives up at once.
fn endpoint(url: &str, event_type: &str, tls: &Value) -> Value {
    let retry = json!({"max_attempts": 1, "delays_ms": [50]});
    json!({"url": url, "key": event_type, "event_types": [event_type], "retry": retry, "tls": tls})
}

/// What became of a new event of this type.
async fn sent(api: &Api, event_type: &str, more: Value) -> Value {
    let event = api.emit(event_type, b"{}", more).await;
    let delivery = api.delivery_of(&event).await;
    let delivery = api.delivery_when(&delivery, "it is settled", |delivery| delivery["status"] != "pending").await;
    let attempt = &delivery["attempts"][0];
    json!([delivery["status"], attempt["error"], attempt["phase"]])
}

fn delivered() -> Value {
    json!(["delivered", null, null])
}

fn refused() -> Value {
    json!(["dead", "tls_client_auth", "tls"])
}

on_both_stores! {
    async fn a_receiver_that_demands_a_certificate_gets_the_endpoints_own_and_its_key_is_told_nowhere(store: Store) {
        let database = Database::fresh(store).await;
        let Demanding { authority, file, receiver } = Demanding::beside(&database).await;
        let server = Serve::on(&database).set("egress.ca", &file).set("log", "trace").start().await;
        let (api, url) = (&server.api, receiver.url());
        let (first, second) = (authority.for_clients_only(&["first"]), authority.for_clients_only(&["second"]));
        api.endpoint(endpoint(&url, "bare", &json!(null))).await;
        assert_eq!(sent(api, "bare", json!({})).await, refused());

        let made = api.endpoint(endpoint(&url, "own", &tls(&first))).await;
        assert_eq!(made["tls"]["client_certificate"], first.pem().0);
        assert_eq!((&made["tls"]["client_key"], &made["warnings"]), (&json!("***"), &json!([])));
        assert_eq!(sent(api, "own", json!({})).await, delivered());

        // What an answer shows may be sent back, and changes nothing.
        let path = format!("/v1/endpoints/{}", id_of(&made));
        let same = api.patch(&path, &json!({"tls": made["tls"]})).await.expect(200);
        assert_eq!(same["updated_at"], made["updated_at"]);
        assert_eq!(sent(api, "own", json!({})).await, delivered());

        // A new certificate with the old key is no pair; with its own key it is used from the next request on.
        let half = json!({"tls": {"client_certificate": second.pem().0}});
        let problem = api.patch(&path, &half).await.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], "/tls/client_key", "{problem}");
        assert_eq!(problem["errors"][0]["code"], "conflict");
        let connections = receiver.connections();
        api.patch(&path, &json!({"tls": tls(&second)})).await.expect(200);
        assert_eq!(sent(api, "own", json!({})).await, delivered());
        assert_eq!(receiver.connections(), connections + 1, "no connection of the old certificate is used");

        // One whose time is over is taken, with a warning; the receiver refuses it.
        let over = api.patch(&path, &json!({"tls": tls(&authority.expired(&["over"]))})).await.expect(200);
        assert_eq!(over["warnings"][0]["code"], "certificate_expired", "{over}");
        assert_eq!(over["warnings"][0]["pointer"], "/tls/client_certificate");
        assert_eq!(sent(api, "own", json!({})).await, refused());
        api.patch(&path, &json!({"tls": null})).await.expect(200);
        assert_eq!(sent(api, "own", json!({})).await, refused());

        let mut told = api.get("/v1/audit").await.expect(200).to_string();
        told.push_str(&api.get("/v1/endpoints").await.expect(200).to_string());
        told.push_str(&server.log());
        told.push_str(&String::from_utf8_lossy(&database.dump().await));
        for identity in [&first, &second] {
            let line = identity.pem().1.lines().nth(1).expect("a line of the key");
            assert!(!told.contains(line), "a key can be read");
        }
    }

    async fn two_endpoints_at_one_host_never_share_a_connection(store: Store) {
        let database = Database::fresh(store).await;
        let Demanding { authority, file, receiver } = Demanding::beside(&database).await;
        let server = Serve::on(&database).set("egress.ca", &file).start().await;
        let (api, url) = (&server.api, receiver.url());
        api.endpoint(endpoint(&url, "right", &tls(&authority.valid(&["right"])))).await;
        api.endpoint(endpoint(&url, "wrong", &tls(&Authority::new().valid(&["wrong"])))).await;
        let inline = |key: &str| json!({"destination": {"url": url, "endpoint_key": key}});
        for _ in 0..2 {
            assert_eq!(sent(api, "right", json!({})).await, delivered());
            assert_eq!(sent(api, "wrong", json!({})).await, refused());
            // Inline destinations share one lane, and inherit from the endpoint that they name.
            assert_eq!(sent(api, "inline", inline("right")).await, delivered());
            assert_eq!(sent(api, "inline", inline("wrong")).await, refused());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // At another origin nothing is inherited: whoever emits would choose who sees the certificate.
        let elsewhere = authority.demanding(authority.valid(&["127.0.0.1"]), TLS_VERSIONS);
        let elsewhere = Receiver::start_tls(elsewhere, |_| Reply::status(204)).await;
        let foreign = json!({"destination": {"url": elsewhere.url(), "endpoint_key": "right"}});
        assert_eq!(sent(api, "inline", foreign).await, refused());
        assert_eq!(elsewhere.requests(), 0);
    }

    async fn an_authority_counts_for_the_endpoint_that_names_it(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let authority = Authority::new();
        let receiver = Receiver::start_tls(authority.valid(&["127.0.0.1"]).server(), |_| Reply::status(204)).await;
        let (api, url) = (&server.api, receiver.url());
        api.endpoint(endpoint(&url, "knows", &json!({"ca": authority.pem()}))).await;
        api.endpoint(endpoint(&url, "stranger", &json!({}))).await;
        assert_eq!(sent(api, "knows", json!({})).await, delivered());
        assert_eq!(sent(api, "stranger", json!({})).await, json!(["dead", "tls_untrusted", "tls"]));
    }
}

//! Promises 2, 3, 9 and 10 for every scheme and every preset: one id, the same bytes, signed at attempt time, and no
//! secret told. Signatures are verified by `src/verifier.rs`, which shares no code with Ringback's signer.
//!
//! The table is `Scheme::BUILT_IN` and `Preset::ALL`: a new scheme stands in it by itself, and the verifier does not
//! compile until it knows that scheme's document.

use std::{collections::HashSet, time::SystemTime};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ringback::{
    endpoint::{Custom, Digest, Encoding, KeyFormat, Preset, Scheme},
    event::NewEvent,
};
use ringback_tests::{
    api::Api,
    database::Database,
    on_both_stores,
    outside::{Customer, Started},
    receiver::{Arrived, Receiver, Reply},
    samples,
    server::Serve,
    stores::Store,
    told::is_told,
    until::until,
    verifier::{Known, verify},
};
use serde_json::{Value, json};

/// More than a second, so that the seconds in a signature tell one attempt from the next.
const RETRY_AFTER_MS: u64 = 1_100;

/// A payload, and what a scheme that signs one field of it signs; `None` where there is no such field.
struct Body {
    bytes: &'static [u8],
    call_id: Option<&'static str>,
}

const BODIES: [Body; 4] = [
    Body { bytes: br#"{"call":{"call_id":"call-1"},"n":3.0}"#, call_id: Some("call-1") },
    Body {
        bytes: "{\"call\" : {\"call_id\":\"gespräch-😀\"},\"said\":\"ä/\u{2028}\"}".as_bytes(),
        call_id: Some("gespräch-😀"),
    },
    Body {
        // Halves of surrogate pairs, which are JSON and no text, stand everywhere but in the field that is signed.
        bytes: br#"{"\ud800":{"\udfff":"\udead"},"call":{"\udc00":1,"call_id":"call-2"},"z":["\ud800"]}"#,
        call_id: Some("call-2"),
    },
    Body { bytes: b"\xff\xfe not UTF-8, not JSON: \x00\x80", call_id: None },
];

/// What is sent: the payload's bytes, but to Slack, which takes a text alone.
fn body_for(case: &Case, payload: &[u8], request: &Arrived) -> Vec<u8> {
    if case.name != "preset-slack" {
        return payload.to_vec();
    }
    let (event, event_type) = (request.header("ringback-id"), request.header("ringback-event-type"));
    let said = format!("*{event_type}* (tenant {}, {event})", case.name);
    json!({ "text": said }).to_string().into_bytes()
}

/// A row of the table.
struct Case {
    name: String,
    scheme: Scheme,
    /// `scheme` or `preset` as an endpoint's document has it.
    fields: Value,
    secret: Option<String>,
}

impl Case {
    fn new(name: String, scheme: Scheme, fields: Value) -> Self {
        let secret = scheme.spelled_out().map(|custom| match custom.key_format {
            KeyFormat::Utf8 => format!("canary of {name}, as it stands"),
            KeyFormat::Base64 => BASE64_STANDARD.encode(format!("{name:-<32}")),
            KeyFormat::Hex => hex::encode(format!("{name:-<32}")),
            KeyFormat::Whsec => format!("whsec_{}", BASE64_STANDARD.encode(format!("{name:-<32}"))),
        });
        Self { name, scheme, fields, secret }
    }

    fn table() -> Vec<Self> {
        let custom = Scheme::Custom(Custom {
            key_format: KeyFormat::Hex,
            message: "{id}|{timestamp_ms}|{method} {url}|{body}".to_owned(),
            digest: Digest::Sha512,
            encoding: Encoding::Base64url,
            headers: [("X-ACME-Sig".to_owned(), "at={timestamp_ms};sig={signature}".to_owned())].into(),
        });
        let schemes = Scheme::BUILT_IN.into_iter().chain([custom]).map(|scheme| {
            let fields = json!({"scheme": scheme});
            Self::new(format!("scheme-{}", scheme.name()), scheme, fields)
        });
        let presets = Preset::ALL.iter().map(|preset| {
            Self::new(format!("preset-{}", preset.name()), preset.scheme(), json!({"preset": preset.name()}))
        });
        schemes.chain(presets).collect()
    }

    fn url(&self, receiver: &Receiver) -> String {
        format!("http://{}/{}", receiver.address(), self.name)
    }

    /// Registers it in a tenant of its own; what the customer then knows.
    async fn register(&self, api: &Api, receiver: &Receiver) -> Known {
        let mut endpoint = json!({
            "tenant": self.name, "key": "it", "url": self.url(receiver), "event_types": ["call.ended"],
            "retry": {"max_attempts": 3, "delays_ms": [RETRY_AFTER_MS], "jitter": 0.0},
        });
        let object = endpoint.as_object_mut().expect("an object");
        object.extend(self.fields.as_object().expect("an object").clone());
        if let Some(secret) = &self.secret {
            object.insert("secret".to_owned(), secret.as_str().into());
        }
        let endpoint = api.endpoint(endpoint).await;
        Known {
            scheme: self.scheme.clone(),
            secret: self.secret.clone().unwrap_or_default(),
            public_key: endpoint["public_key"].as_str().map(str::to_owned),
            url: self.url(receiver),
        }
    }

    fn can_sign(&self, body: &Body) -> bool {
        self.scheme != Scheme::Synthflow || body.call_id.is_some()
    }
}

/// Fails the first request of each event and takes everything else.
async fn forgetful() -> Receiver {
    let mut seen = HashSet::new();
    Receiver::scripted(move |request| {
        Reply::status(if seen.insert(request.header("ringback-id").to_owned()) { 500 } else { 204 })
    })
    .await
}

/// One event of a row: to be followed to its end.
struct Sent<'a> {
    case: &'a Case,
    known: &'a Known,
    body: &'a Body,
    event: String,
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs()
}

/// The event fails once, is retried, delivered and replayed; each request is what the promises say.
async fn is_kept(api: &Api, receiver: &Receiver, sent: &Sent<'_>) {
    let Sent { case, known, body, event } = sent;
    let delivery = api.delivery_of(event).await;
    let about = format!("{}: {}", case.name, String::from_utf8_lossy(body.bytes));
    if !case.can_sign(body) {
        let dead = api.delivery_with_status(&delivery, "dead").await;
        assert_eq!(
            (&dead["dead_reason"], &dead["attempt_count"]),
            (&json!("unroutable"), &json!(0)),
            "{about}: {dead}"
        );
        return;
    }
    api.delivery_with_status(&delivery, "delivered").await;
    let replayed_at = seconds(SystemTime::now());
    api.post(&format!("/v1/deliveries/{delivery}/replay"), &json!({})).await.expect(202);
    api.delivery_when(&delivery, "the replay is recorded", |it| it["attempt_count"] == 3).await;

    let arrived: Vec<Arrived> =
        receiver.arrived().into_iter().filter(|request| request.header("ringback-id") == event).collect();
    assert_eq!(arrived.len(), 3, "{about}: a failed attempt, its retry, a replay; all under one id");
    // Not before the moment from which on each could be sent.
    let earliest = [0, seconds(arrived[0].at_time) + 1, replayed_at];
    for (request, earliest) in arrived.iter().zip(earliest) {
        assert_eq!(request.path, format!("/{}", case.name), "{about}");
        assert_eq!(request.body, body_for(case, body.bytes, request), "{about}");
        for name in ["webhook-id", "svix-id"] {
            assert!(["", event].contains(&request.header(name)), "{about}: {name}");
        }
        let signed_at =
            verify(known, request, body.call_id).unwrap_or_else(|why| panic!("{about}: {why}: {request:?}"));
        if let Some(signed_at) = signed_at {
            let now = seconds(request.at_time);
            assert!((earliest..=now).contains(&signed_at), "{about}: {signed_at} is not in {earliest}..={now}");
        }
    }
}

on_both_stores! {
    async fn every_promise_holds_for_every_scheme_and_preset(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).set("log", "trace").start().await;
        let receiver = forgetful().await;
        let table = Case::table();
        let mut known = Vec::new();
        for case in &table {
            known.push(case.register(&server.api, &receiver).await);
        }
        let mut sent = Vec::new();
        for (case, known) in table.iter().zip(&known) {
            for body in &BODIES {
                let event = match body.call_id {
                    Some(_) => server.api.emit("call.ended", body.bytes, json!({"tenant": case.name})).await,
                    // What is no JSON comes from Rust or by `emit_bytes`.
                    None => database.emit(&NewEvent::new("call.ended", body.bytes).tenant(&case.name)).await,
                };
                sent.push(Sent { case, known, body, event });
            }
            // The same destination inline.
            let body = &BODIES[0];
            let destination = json!({"url": case.url(&receiver), "endpoint_key": "it"});
            let fields = json!({"tenant": case.name, "destination": destination});
            let event = server.api.emit("call.inline", body.bytes, fields).await;
            sent.push(Sent { case, known, body, event });
        }
        for sent in &sent {
            is_kept(&server.api, &receiver, sent).await;
        }

        let (log, dump) = (server.log(), database.dump().await);
        assert!(log.contains("shards"), "a log without lines would prove nothing:\n{log}");
        for secret in table.iter().filter_map(|case| case.secret.as_deref()) {
            // Base64 and hex are told by their text, and by what it stands for.
            let bare = secret.strip_prefix("whsec_").unwrap_or(secret);
            assert!(!log.contains(bare), "{secret} is in the log");
            assert!(!is_told(&dump, bare), "{secret} is in the database");
        }
    }

    async fn an_inline_destination_of_its_own_carries_the_id_and_signs_by_its_scheme(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        // `standard-ed25519` has a key of ours, which its receiver must know beforehand: it needs an endpoint.
        for case in Case::table().iter().filter(|case| case.scheme != Scheme::StandardEd25519) {
            let mut destination = json!({"url": case.url(&receiver)});
            let object = destination.as_object_mut().expect("an object");
            object.extend(case.fields.as_object().expect("an object").clone());
            object.extend(case.secret.iter().map(|secret| ("secret".to_owned(), secret.as_str().into())));
            let body = &BODIES[1];
            let event = server.api.emit("call.ended", body.bytes, json!({"destination": destination})).await;
            let request = until("its request has arrived", async || {
                receiver.arrived().into_iter().find(|request| request.header("ringback-id") == event)
            })
            .await;
            let secret = case.secret.clone().unwrap_or_default();
            let known = Known { scheme: case.scheme.clone(), secret, public_key: None, url: case.url(&receiver) };
            verify(&known, &request, body.call_id).unwrap_or_else(|why| panic!("{}: {why}: {request:?}", case.name));
        }
    }

    async fn the_libraries_of_pypi_and_npm_take_what_is_signed_twice(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        for customer in [Customer::StandardPython, Customer::StandardNode] {
            let tenant = format!("{customer:?}");
            let receiver = Started { fail_first: 1, ..Started::new(customer, "") }.start().await;
            let endpoint = server
                .api
                .endpoint(json!({
                    "tenant": tenant, "url": receiver.url(), "event_types": ["*"], "scheme": "standard-ed25519",
                    "retry": {"max_attempts": 2, "delays_ms": [50], "jitter": 0.0},
                }))
                .await;
            receiver.is_given(endpoint["secret"].as_str().expect("the secret is in the answer that made it"));
            let sample = samples::levers_non_ascii();
            let event = server.api.emit(sample.event_type, &sample.body, json!({"tenant": tenant})).await;
            let delivery = server.api.delivery_of(&event).await;
            server.api.delivery_with_status(&delivery, "delivered").await;
            let journal = receiver.wait_for(2).await;
            assert!(journal.iter().all(|line| line.ok() && line.id() == event), "{journal:#?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_came_by_sql_are_signed_as_they_are_by_every_scheme() {
    let database = Database::fresh(Store::Postgres).await;
    let server = Serve::on(&database).start().await;
    let receiver = Receiver::healthy().await;
    let mut connection = database.postgres().await;
    for case in Case::table() {
        let known = case.register(&server.api, &receiver).await;
        for body in BODIES.iter().filter(|body| case.can_sign(body)) {
            let emit = sqlx::query_scalar("select ringback.emit_bytes('call.ended', $1, $2::jsonb)")
                .bind(body.bytes)
                .bind(json!({"tenant": case.name}).to_string());
            let event: String = emit.fetch_one(&mut connection).await.expect("emitted");
            let request = until("its request has arrived", async || {
                receiver.arrived().into_iter().find(|request| request.header("ringback-id") == event)
            })
            .await;
            assert_eq!(request.body, body_for(&case, body.bytes, &request), "{}", case.name);
            verify(&known, &request, body.call_id).unwrap_or_else(|why| panic!("{}: {why}: {request:?}", case.name));
        }
    }
}

//! A router over an engine on a fresh SQLite file, called without a socket.
//!
//! The engine is opened and not started: nothing is sent, so what a test writes stays as it is. What
//! receivers would do is recorded by [`App::settle`], as the sender would.

use std::sync::{Arc, OnceLock};

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use ringback::{
    Engine, Settings,
    attempt::{Attempt, Conclusion, Detail, ErrorClass},
    id::DeliveryId,
    seal::MasterKeys,
    store::{Recorded, Settlement, SharedStore},
    time::Timestamp,
};
use ringback_admin::{Access, Options, Scope};
use ringback_sqlite::Sqlite;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// The token that may do everything.
pub(crate) const TOKEN: &str = "a-token-for-everything";

/// Tokens that may do less, by scope and tenant.
pub(crate) const BOUND_TOKEN: &str = "a-token-for-acme-alone";
pub(crate) const READ_TOKEN: &str = "a-token-that-reads";
pub(crate) const EMIT_TOKEN: &str = "a-token-that-emits";
pub(crate) const OPERATE_TOKEN: &str = "a-token-that-operates";

/// What `/openapi.json` says; the same for every app.
static DOCUMENT: OnceLock<Value> = OnceLock::new();

/// Whether the document knows refusals with this status and this code, and the codes of all errors in it.
fn is_described(problem: &Value) -> bool {
    let responses = DOCUMENT.get().unwrap()["components"]["responses"].as_object().unwrap().values();
    let schemas = responses.map(|response| &response["content"]["application/problem+json"]["schema"]["allOf"][1]);
    let mut of_status = schemas.filter(|schema| schema["properties"]["status"]["const"] == problem["status"]);
    let Some(schema) = of_status.next() else { return false };
    let known = schema["properties"]["code"]["enum"].as_array().unwrap();
    let errors = problem["errors"].as_array().unwrap();
    [problem].into_iter().chain(errors).all(|refusal| known.contains(&refusal["code"]))
}

pub(crate) struct App {
    pub(crate) router: Router,
    pub(crate) engine: Engine,
    pub(crate) store: SharedStore,
    directory: tempfile::TempDir,
}

impl App {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With settings of its own.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Sqlite::open(options_at(&directory)).await.unwrap();
        store.migrate().await.unwrap();
        let mut settings = Settings::new(MasterKeys::parse(&"07".repeat(32), &[]).unwrap());
        change(&mut settings);
        let store: SharedStore = Arc::new(store);
        let engine = Engine::open(SharedStore::clone(&store), settings).await.unwrap();
        let router = ringback_admin::router(engine.clone(), options());
        let app = Self { router, engine, store, directory };
        let described = app.send(Request::get("/openapi.json").body(Body::empty()).unwrap()).await;
        DOCUMENT.get_or_init(|| serde_json::from_slice(&described.body).unwrap());
        app
    }

    /// The same database, as another process has it.
    pub(crate) async fn other_process(&self) -> Sqlite {
        Sqlite::open(options_at(&self.directory)).await.unwrap()
    }

    /// A request with the token for everything; a body is sent as JSON.
    pub(crate) async fn call(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Answer {
        self.call_as(TOKEN, method, path, body).await
    }

    pub(crate) async fn call_as(&self, token: &str, method: Method, path: &str, body: impl Into<Bytes>) -> Answer {
        let body = body.into();
        let mut request = Request::builder().method(method).uri(path).header(header::AUTHORIZATION, bearer(token));
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, Bytes::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, body.to_string()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, Bytes::new()).await
    }

    /// An endpoint that takes everything; its id.
    pub(crate) async fn endpoint(&self, key: &str) -> String {
        let request = json!({"url": "https://receiver.acme-voice.com/hook", "key": key, "event_types": ["*"]});
        self.post("/v1/endpoints", request).await.is(StatusCode::CREATED).text("id")
    }

    /// An event; its id.
    pub(crate) async fn event(&self, event_type: &str) -> String {
        let request = json!({"type": event_type, "payload": {"n": 1}, "key": "call-1"});
        self.post("/v1/events", request).await.is(StatusCode::ACCEPTED).text("id")
    }

    /// An event and its first delivery.
    pub(crate) async fn delivery(&self) -> (String, DeliveryId) {
        let event = self.event("CALL_ENDED").await;
        let delivery = event.parse::<ringback::id::EventId>().unwrap().delivery(1);
        (event, delivery)
    }

    /// Records what a receiver did with a delivery's next attempt.
    pub(crate) async fn settle(&self, id: DeliveryId, settlement: Settlement, status: u16) {
        let row = self.engine.delivery(id).await.unwrap().unwrap();
        let recorded = Recorded {
            id,
            lane: row.lane,
            fence: row.attempts,
            attempt: Some(attempt(row.attempts + 1, status)),
            settlement,
        };
        assert_eq!(self.store.record(&[recorded]).await.unwrap(), [true]);
    }
}

/// No test waits long for a database that is held by another.
fn options_at(directory: &tempfile::TempDir) -> ringback_sqlite::Options {
    let path = directory.path().join("ringback.db");
    ringback_sqlite::Options {
        busy_timeout: std::time::Duration::from_millis(20),
        ..ringback_sqlite::Options::new(path)
    }
}

pub(crate) fn options() -> Options {
    let all = |scope| Access { scope, tenant: None };
    Options::with_tokens([
        (TOKEN, Access::everything()),
        (BOUND_TOKEN, Access { scope: Scope::Admin, tenant: Some("acme".to_owned()) }),
        (READ_TOKEN, all(Scope::Read)),
        (EMIT_TOKEN, all(Scope::Emit)),
        (OPERATE_TOKEN, all(Scope::Operator)),
    ])
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn attempt(number: i32, status: u16) -> Attempt {
    let delivered = (200..300).contains(&status);
    let detail = Detail {
        url: "https://receiver.acme-voice.com/hook".into(),
        remote_addr: Some("203.0.113.7:443".parse().unwrap()),
        request_headers: vec![("webhook-signature".into(), "v1,shown".into())],
        response_headers: vec![("server".into(), "receiver".into())],
        ..Detail::default()
    };
    Attempt {
        number,
        at: Timestamp::now(),
        conclusion: if delivered { Conclusion::Delivered } else { Conclusion::Failed },
        status: Some(status),
        error: (!delivered).then_some(ErrorClass::Status),
        phase: None,
        ambiguous: false,
        duration: std::time::Duration::from_micros(1_500),
        detail: detail.to_bytes(),
        response_body: Bytes::from_static(b"\xff\xfe"),
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The JSON body, once the status is as expected.
    #[track_caller]
    pub(crate) fn is(&self, status: StatusCode) -> Json {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.headers[header::CACHE_CONTROL], "no-store");
        Json(if self.body.is_empty() { Value::Null } else { serde_json::from_slice(&self.body).unwrap() })
    }

    /// The `code` of a problem and what its first error names; the whole form is checked on the way.
    #[track_caller]
    pub(crate) fn refused(&self, status: StatusCode) -> (String, String) {
        let Json(problem) = self.is(status);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        let names: Vec<_> = problem.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(sorted(names), ["code", "detail", "errors", "instance", "status", "title", "type"]);
        assert_eq!(problem["status"], status.as_u16());
        assert!(is_described(&problem), "{problem} is not in the OpenAPI document");
        let first = &problem["errors"][0];
        let place = first["pointer"].as_str().or(first["parameter"].as_str()).unwrap_or_default();
        (problem["code"].as_str().unwrap().to_owned(), place.to_owned())
    }

    pub(crate) fn header(&self, name: http::HeaderName) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names
}

/// A JSON body.
#[derive(Debug, Clone)]
pub(crate) struct Json(pub(crate) Value);

impl Json {
    #[track_caller]
    pub(crate) fn text(&self, field: &str) -> String {
        self.0[field].as_str().unwrap_or_else(|| panic!("no text {field} in {}", self.0)).to_owned()
    }

    /// The texts of one field of all items of a list.
    pub(crate) fn each(&self, field: &str) -> Vec<String> {
        let items = self.0["items"].as_array().unwrap();
        items.iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
    }
}

impl std::ops::Index<&str> for Json {
    type Output = Value;

    fn index(&self, field: &str) -> &Value {
        &self.0[field]
    }
}

/// The members of an object in the order in which they were written.
pub(crate) fn members(text: &[u8]) -> Vec<String> {
    struct Names(Vec<String>);
    impl<'de> serde::Deserialize<'de> for Names {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Names;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
                    let mut names = Vec::new();
                    while let Some((name, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                        names.push(name);
                    }
                    Ok(Names(names))
                }
            }
            deserializer.deserialize_map(Visitor)
        }
    }
    serde_json::from_slice::<Names>(text).unwrap().0
}

//! The admin API as a client sees it.

use std::sync::Once;

use bytes::Bytes;
use reqwest::{Method, StatusCode, header};
use serde_json::Value;

use crate::until::{BOUND, until};

/// A client with a token.
#[derive(Clone)]
pub struct Api {
    client: reqwest::Client,
    base: String,
    token: String,
}

/// What the server answered.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: header::HeaderMap,
    /// Its body as it came.
    pub bytes: Bytes,
    /// What was asked, for messages.
    asked: String,
}

impl Answer {
    /// The body as JSON, if the status is this one.
    ///
    /// # Panics
    /// When it is another, or the body is not JSON.
    pub fn expect(self, status: u16) -> Value {
        let body = String::from_utf8_lossy(&self.bytes);
        assert_eq!(self.status.as_u16(), status, "{}: {body}", self.asked);
        if self.bytes.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{}: {error}: {body}", self.asked))
    }

    /// The body as JSON, if this is a problem with this status and this code, at the top or at one of its fields.
    ///
    /// # Panics
    /// When it is something else.
    pub fn expect_problem(self, status: u16, code: &str) -> Value {
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        let problem = self.expect(status);
        assert_eq!(kind.as_deref(), Some("application/problem+json"), "{problem}");
        let errors = problem["errors"].as_array();
        let named = errors.is_some_and(|errors| errors.iter().any(|error| error["code"] == code));
        assert!(named || problem["code"] == code, "no {code} in {problem}");
        problem
    }
}

impl Api {
    /// A client of the server at `base` with this token.
    ///
    /// # Panics
    /// When no HTTP client can be made.
    #[must_use]
    pub fn new(base: &str, token: &str) -> Self {
        static PROVIDER: Once = Once::new();
        // Only this test program; Ringback itself installs nothing process-wide.
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let client = reqwest::Client::builder().no_proxy().timeout(BOUND).build().expect("a client");
        Self { client, base: base.trim_end_matches('/').to_owned(), token: token.to_owned() }
    }

    /// The same server with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// Where the server listens.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// When there was no answer: the server is being killed, for example.
    pub async fn ask(&self, method: Method, path: &str, body: Option<Bytes>) -> reqwest::Result<Answer> {
        let json = header::HeaderValue::from_static("application/json");
        let headers = body.iter().map(|_| (header::CONTENT_TYPE, json.clone()));
        self.ask_with(method, path, headers.collect(), body).await
    }

    /// As [`Api::ask`], with these headers and no others but the token, which gives way to one among them.
    ///
    /// # Errors
    /// As of [`Api::ask`].
    ///
    /// # Panics
    /// When the token can stand in no header.
    pub async fn ask_with(
        &self,
        method: Method,
        path: &str,
        mut headers: header::HeaderMap,
        body: Option<Bytes>,
    ) -> reqwest::Result<Answer> {
        let asked = format!("{method} {path}");
        let bearer = format!("Bearer {}", self.token).parse().expect("a token is printable");
        headers.entry(header::AUTHORIZATION).or_insert(bearer);
        let request = self.client.request(method, format!("{}{path}", self.base)).headers(headers);
        let response = request.body(body.unwrap_or_default()).send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Answer { status, headers, bytes: response.bytes().await?, asked })
    }

    async fn asked(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let body = body.map(|body| Bytes::from(body.to_string()));
        self.ask(method, path, body).await.expect("the server answers")
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.asked(Method::GET, path, None).await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.asked(Method::POST, path, Some(body)).await
    }

    /// PATCH with a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.asked(Method::PATCH, path, Some(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.asked(Method::DELETE, path, None).await
    }

    /// Creates an endpoint and returns its document.
    pub async fn endpoint(&self, fields: Value) -> Value {
        self.post("/v1/endpoints", &fields).await.expect(201)
    }

    /// Creates an endpoint for all types and returns its id.
    pub async fn endpoint_at(&self, url: &str) -> String {
        let endpoint = self.endpoint(serde_json::json!({"url": url, "event_types": ["*"]})).await;
        id_of(&endpoint)
    }

    /// Emits an event whose payload is these very bytes, with further fields of the request; returns its id.
    pub async fn emit(&self, event_type: &str, payload: &[u8], fields: Value) -> String {
        let request = emit_request(event_type, payload, &fields);
        id_of(&self.ask(Method::POST, "/v1/events", Some(request)).await.expect("the server answers").expect(202))
    }

    /// The deliveries of an event, as soon as it is routed.
    pub async fn deliveries_of(&self, event: &str) -> Vec<Value> {
        until("the event is routed", async || {
            let event = self.get(&format!("/v1/events/{event}")).await.expect(200);
            (event["state"] != "unrouted").then(|| event["deliveries"].as_array().cloned().unwrap_or_default())
        })
        .await
    }

    /// The id of the one delivery of an event.
    pub async fn delivery_of(&self, event: &str) -> String {
        let deliveries = self.deliveries_of(event).await;
        assert_eq!(deliveries.len(), 1, "one delivery: {deliveries:?}");
        id_of(&deliveries[0])
    }

    /// The delivery with its attempts, as soon as `holds` says so.
    pub async fn delivery_when(&self, id: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        until(what, async || {
            let delivery = self.get(&format!("/v1/deliveries/{id}")).await.expect(200);
            holds(&delivery).then_some(delivery)
        })
        .await
    }

    /// The delivery with its attempts, as soon as it has this status.
    pub async fn delivery_with_status(&self, id: &str, status: &str) -> Value {
        self.delivery_when(id, &format!("the delivery is {status}"), |delivery| delivery["status"] == status).await
    }

    /// The ledger, after checking that both of its sums come out.
    pub async fn balanced_ledger(&self) -> Value {
        let ledger = self.get("/v1/ledger").await.expect(200);
        let sum = |group: &str, parts: &[&str]| -> i64 { parts.iter().map(|part| count(&ledger[group][*part])).sum() };
        assert_eq!(
            count(&ledger["events"]["accepted"]),
            sum("events", &["unrouted", "duplicate", "unmatched", "routed"]),
            "{ledger}"
        );
        assert_eq!(
            count(&ledger["deliveries"]["owed"]),
            sum("deliveries", &["pending", "delivered", "dead", "cancelled"]),
            "{ledger}"
        );
        ledger
    }
}

/// The body of `POST /v1/events`, with the payload put in byte for byte.
#[must_use]
pub fn emit_request(event_type: &str, payload: &[u8], fields: &Value) -> Bytes {
    let mut request = format!(r#"{{"type":{},"payload":"#, Value::from(event_type)).into_bytes();
    request.extend_from_slice(payload);
    for (name, value) in fields.as_object().into_iter().flatten() {
        request.extend_from_slice(format!(",{}:{value}", Value::from(name.as_str())).as_bytes());
    }
    request.push(b'}');
    request.into()
}

/// The `id` of an object.
///
/// # Panics
/// When it has none.
#[must_use]
pub fn id_of(object: &Value) -> String {
    object["id"].as_str().unwrap_or_else(|| panic!("an id in {object}")).to_owned()
}

/// A count in a JSON document.
///
/// # Panics
/// When it is not one.
#[must_use]
pub fn count(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("a count, not {value}"))
}

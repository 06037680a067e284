//! Traces: attempts are spans of the trace that an event came with, receivers that want to know are told, and a collector
//! gets the spans.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::any_value::Value as Attribute,
    trace::v1::{Span, status::StatusCode},
};
use prost::Message as _;
use reqwest::{
    Method,
    header::{HeaderName, HeaderValue},
};
use ringback::{
    event::NewEvent,
    trace::{Spans, TraceContext},
};
use ringback_tests::{
    api::{Answer, Api, emit_request},
    database::Database,
    embedded::Embedded,
    on_both_stores,
    receiver::{Arrived, Receiver, Reply},
    server::Serve,
    stores::Store,
};
use serde_json::{Value, json};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const STATE: &str = "acme=call-42,other=1";

/// Trace and span of the request's `traceparent`.
fn spans_of(arrived: &Arrived) -> (String, String) {
    let parts: Vec<_> = arrived.header("traceparent").split('-').collect();
    let [version, trace, span, flags] = parts[..] else { panic!("four parts: {parts:?}") };
    assert_eq!((version, flags), ("00", "01"));
    (trace.to_owned(), span.to_owned())
}

async fn hand_in(api: &Api, body: Bytes, headers: &[(&'static str, &'static str)]) -> Answer {
    let json = ("content-type", "application/json");
    let headers = headers.iter().chain([&json]);
    let headers = headers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    api.ask_with(Method::POST, "/v1/events", headers.collect(), Some(body)).await.expect("an answer")
}

/// Emits one event in each way in which a trace can be given; returns the events' ids.
async fn emitted_in_every_way(database: &Database, api: &Api) -> Vec<String> {
    let trace = json!({"traceparent": PARENT, "tracestate": STATE});
    let in_body = api.emit("call.ended", b"1", json!({"trace": trace})).await;
    let plain = emit_request("call.ended", b"2", &json!({}));
    let by_header = hand_in(api, plain, &[("traceparent", PARENT), ("tracestate", STATE)]).await.expect(202);
    let batch = json!({"events": [{"type": "call.ended", "payload": 3, "trace": trace}]});
    let in_batch = api.post("/v1/events/batch", &batch).await.expect(202);
    let new = NewEvent::new("call.ended", "4").trace(TraceContext::new(PARENT, Some(STATE)).expect("right"));
    let in_transaction = database.emit(&new).await;
    let id = |of: &Value| of["id"].as_str().expect("an id").to_owned();
    vec![in_body, id(&by_header), id(&in_batch["items"][0]), in_transaction]
}

on_both_stores! {
    async fn attempts_and_replays_are_spans_of_the_trace_that_the_event_came_with(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::scripted(|arrived| Reply::status(if arrived.index < 2 { 503 } else { 204 })).await;
        let untold = Receiver::healthy().await;
        let retry = json!({"max_attempts": 3, "delays_ms": [50], "jitter": 0});
        server.api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "trace": true, "retry": retry})).await;
        server.api.endpoint_at(&untold.url()).await;

        let events = emitted_in_every_way(&database, &server.api).await;
        for event in &events {
            let shown = server.api.get(&format!("/v1/events/{event}")).await.expect(200);
            assert_eq!(shown["trace"], json!({"traceparent": PARENT, "tracestate": STATE}), "{event}");
        }
        let arrived = receiver.arrived_when_settled(&server.api).await;
        assert_eq!(arrived.len(), events.len() + 2, "two were sent twice");
        let mut spans = HashSet::new();
        for request in &arrived {
            let (trace, span) = spans_of(request);
            assert_eq!((trace.as_str(), request.header("tracestate")), (TRACE, STATE));
            assert!(!PARENT.contains(&span), "no span of the platform's");
            assert!(spans.insert(span), "each attempt is a span of its own");
        }

        let delivery = server.api.deliveries_of(&events[3]).await.into_iter().find(|it| it["url"] == receiver.url());
        let id = delivery.expect("a delivery")["id"].as_str().expect("an id").to_owned();
        server.api.post(&format!("/v1/deliveries/{id}/replay"), &json!({})).await.expect(202);
        let replay = receiver.wait_for(arrived.len() + 1).await.pop().expect("a request");
        let (trace, span) = spans_of(&replay);
        assert!(trace == TRACE && spans.insert(span));
        let shown = server.api.delivery_when(&id, "replayed", |it| it["attempt_count"].as_i64() > Some(1)).await;
        let sent = &shown["attempts"].as_array().expect("attempts").last().expect("one")["request"]["headers"];
        assert_eq!(sent["traceparent"], replay.header("traceparent"), "as it was sent: {sent}");
        assert!(untold.arrived().iter().all(|request| !request.headers.contains_key("traceparent")));
    }

    async fn an_event_without_a_trace_is_a_trace_of_its_own(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        server.api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "trace": true})).await;
        let event = server.api.emit("call.ended", b"1", json!({})).await;
        let plain = emit_request("call.ended", b"2", &json!({}));
        let junk = [("traceparent", "junk"), ("tracestate", STATE)];
        hand_in(&server.api, plain, &junk).await.expect(202);
        let arrived = receiver.wait_for(2).await;
        for request in &arrived {
            assert_eq!(Some(spans_of(request).0.as_str()), request.id().strip_prefix("evt_"));
        }
        assert!(arrived.iter().all(|request| !request.headers.contains_key("tracestate")));
        let shown = server.api.get(&format!("/v1/events/{event}")).await.expect(200);
        assert_eq!(shown["trace"], Value::Null);
    }

    async fn a_trace_that_is_none_is_refused_by_name(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let wrong = [
            (json!({"traceparent": "junk"}), "/trace/traceparent"),
            (json!({"traceparent": ""}), "/trace/traceparent"),
            (json!({"tracestate": STATE}), "/trace/traceparent"),
            (json!({"traceparent": PARENT, "tracestate": "no entry"}), "/trace/tracestate"),
            (json!({"traceparent": PARENT, "baggage": "x"}), "/trace/baggage"),
            (json!(PARENT), "/trace"),
        ];
        for (trace, pointer) in wrong {
            let body = emit_request("call.ended", b"1", &json!({"trace": trace}));
            let problem = hand_in(&server.api, body, &[]).await.expect(422);
            let pointers: Vec<_> = problem["errors"].as_array().expect("errors").iter().map(|it| &it["pointer"]).collect();
            assert_eq!(pointers, [pointer], "{trace}");
        }
        let with = |state: &str| format!(r#"{{"traceparent":"{PARENT}","tracestate":"{state}"}}"#);
        let zero = PARENT.replace(TRACE, &"0".repeat(32));
        let long = with(&format!("a={}", "x".repeat(511)));
        for junk in [r#"{"traceparent":"junk"}"#, &format!(r#"{{"traceparent":"{zero}"}}"#), "1", &long] {
            let refused = by_sql(&database, junk).await.expect_err("refused");
            assert!(refused.contains("trace"), "{junk}: {refused}");
        }
        for right in [with(STATE), with("a=1, b=2 3,"), format!(r#"{{"traceparent":"{PARENT}"}}"#)] {
            by_sql(&database, &right).await.expect("taken");
        }
    }

    async fn a_collector_gets_a_span_for_each_attempt(store: Store) {
        let database = Database::fresh(store).await;
        let collector = Receiver::answering(200).await;
        let server = Serve::on(&database).set("otlp.endpoint", &format!("http://{}", collector.address())).start().await;
        let receiver = Receiver::scripted(|arrived| Reply::status(if arrived.index == 0 { 503 } else { 204 })).await;
        let retry = json!({"max_attempts": 3, "delays_ms": [50], "jitter": 0});
        let fields = json!({"url": receiver.url(), "event_types": ["*"], "trace": true, "retry": retry});
        server.api.endpoint(fields).await;
        let event = server.api.emit("call.ended", b"1", json!({"trace": {"traceparent": PARENT, "tracestate": STATE}})).await;
        let seen = receiver.wait_for(2).await;
        // The platform does not keep this one.
        let dropped = PARENT.replace("-01", "-00");
        server.api.emit("call.ended", b"2", json!({"trace": {"traceparent": dropped}})).await;
        receiver.wait_for(3).await;
        assert!(server.terminate().await.success(), "the last spans are sent before the process ends");

        let spans = collected(&collector);
        assert_eq!(spans.len(), 2, "{spans:?}");
        for (nth, (span, request)) in spans.iter().zip(&seen).enumerate() {
            let (trace, own) = spans_of(request);
            assert_eq!((hex::encode(&span.trace_id), hex::encode(&span.span_id)), (trace, own), "what the receiver was told");
            assert_eq!(hex::encode(&span.parent_span_id), "b7ad6b7169203331");
            assert_eq!(span.trace_state, STATE);
            assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
            assert_eq!(text(span, "messaging.message.id").as_deref(), Some(event.as_str()));
            assert_eq!(text(span, "server.address").as_deref(), Some("127.0.0.1"));
            let (status, code) = [(503, StatusCode::Error), (204, StatusCode::Ok)][nth];
            assert_eq!(text(span, "http.response.status_code"), Some(format!("{status}")));
            assert_eq!(span.status.as_ref().expect("a status").code(), code);
        }
    }

    async fn a_host_that_takes_spans_and_panics_costs_no_delivery(store: Store) {
        let database = Database::fresh(store).await;
        let host = Arc::new(Host::default());
        let spans = Arc::clone(&host);
        let embedded = Embedded::start(&database, |settings| {
            settings.egress.allow_http = true;
            settings.egress.allow = vec!["127.0.0.0/8".parse().expect("a network")];
            settings.spans = Some(spans);
        })
        .await;
        let receiver = Receiver::healthy().await;
        embedded.api.endpoint_at(&receiver.url()).await;
        for _ in 0..2 {
            embedded.api.emit("call.ended", b"{}", json!({})).await;
        }
        let ids: HashSet<_> = receiver.arrived_when_settled(&embedded.api).await.iter().map(|it| it.id().to_owned()).collect();
        assert_eq!((ids.len(), &*host.told.lock().expect("nobody panics with it")), (2, &ids));
    }

    async fn a_collector_that_is_away_keeps_no_delivery_waiting(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).set("otlp.endpoint", "http://127.0.0.1:9").start().await;
        let receiver = Receiver::healthy().await;
        server.api.endpoint_at(&receiver.url()).await;
        for n in 0..20 {
            server.api.emit("call.ended", n.to_string().as_bytes(), json!({})).await;
        }
        assert_eq!(receiver.arrived_when_settled(&server.api).await.len(), 20);
        assert!(server.terminate().await.success());
    }
}

/// Takes the first span, and panics at the second.
#[derive(Default)]
struct Host {
    told: Mutex<HashSet<String>>,
}

impl Spans for Host {
    fn ended(&self, span: &ringback::trace::Span<'_>) {
        assert!(span.delivered && span.parent_span_id.is_none());
        let is_second = {
            let mut told = self.told.lock().expect("nobody panics with it");
            told.insert(span.event.to_string());
            told.len() == 2
        };
        assert!(!is_second, "a defect of the host");
    }
}

/// What the collector was sent, oldest first.
fn collected(collector: &Receiver) -> Vec<Span> {
    let requests = collector.arrived();
    assert!(requests.iter().all(|request| request.path == "/v1/traces"), "{requests:?}");
    let read = |request: &Arrived| ExportTraceServiceRequest::decode(Bytes::clone(&request.body)).expect("OTLP");
    let resources = requests.iter().map(read).flat_map(|request| request.resource_spans);
    let mut spans: Vec<_> = resources.flat_map(|it| it.scope_spans).flat_map(|it| it.spans).collect();
    spans.sort_by_key(|span| span.start_time_unix_nano);
    spans
}

fn text(span: &Span, name: &str) -> Option<String> {
    let attribute = span.attributes.iter().find(|attribute| attribute.key == name)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Attribute::StringValue(text) => Some(text.clone()),
        Attribute::IntValue(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Emits by a statement, with this text as the trace.
async fn by_sql(database: &Database, trace: &str) -> Result<(), String> {
    let done = match database.store() {
        Store::Postgres => {
            let statement = "select ringback.emit('call.ended', '1', jsonb_build_object('trace', $1::jsonb))";
            sqlx::query(statement).bind(trace).execute(&mut database.postgres().await).await.map(drop)
        }
        Store::Sqlite => {
            let statement = "insert into ringback_emit (id, tenant, type, occurred_at, trace, payload)
                 values (unhex(printf('%012X', cast(unixepoch('now', 'subsec') * 1000 as integer)) || '7abc8000000000000000'),
                         'default', 'call.ended', 0, ?1, x'31')";
            sqlx::query(statement).bind(trace).execute(&mut database.sqlite().await).await.map(drop)
        }
    };
    done.map_err(|error| error.to_string())
}
